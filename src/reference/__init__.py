"""Writes ``docs/reference`` from the code of a baked default project: its types, its workflow files, its server's own document."""
