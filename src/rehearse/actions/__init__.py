"""Workflow files: which run, whether they can be played, and playing them."""
