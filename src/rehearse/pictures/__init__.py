"""Pictures of pull request comments, as GitHub would show them: for the documentation, and to find what it could not show.

``python -m rehearse.pictures [FOLDER]`` writes ``<kind>-<theme>.png``. Inputs are the judgements in ``reviews/``. Everything is drawn on
this machine: Markdown by unified (GitHub's flavour and sanitiser), charts by Mermaid in Chromium, which reaches no network.
"""
