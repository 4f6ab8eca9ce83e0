"""Pictures of pull request comments, as GitHub would show them, and of the server's page: for the documentation, and to find what is wrong.

``python -m rehearse.pictures [FOLDER]`` writes ``<kind>-<view>.png`` and ``page-<view>.png``. Comments are those of the judgements in
``reviews/``: Markdown by unified (GitHub's flavour and sanitiser), charts by Mermaid in Chromium, which reaches no network. The page is
that of a generated repository's server after its first promotion on the local GitHub.
"""
