"""Plays the life of a generated repository: pull request, comment, merge, promotion, serving, rollback."""
