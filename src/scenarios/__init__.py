"""The template's own life cycle: reference scenarios are baked, trained and rehearsed, measured, judged against main, and promoted.

A *scenario* is an entry of ``params.yaml``: the answers of a bake. Its references are in ``models/<scenario>/``: the pointer and the card
that its rehearsal promoted, and what was measured on the way. Stages of ``dvc.yaml`` are :mod:`.stages` and :mod:`.measure`; what a
workflow does with their results needs the standard library and ``gh`` alone.
"""


class ScenarioError(Exception):
    """What went wrong, where, and what to do, in one line."""
