"""The label by which somebody promotes a held model against the gates."""

from functools import partial

from .. import github
from . import LABEL, Change, Found, Wanted

_LABEL = {"name": LABEL, "color": "d93f0b", "description": "Merging promotes the model against the gates: say why in a line 'Override:'"}


def look(wanted: Wanted) -> Found:
    """ "List labels for a repository" (``GET …/labels``), "Create a label" (``POST …/labels``). Colours and texts are left as they are."""
    if LABEL not in (one["name"].lower() for one in github.get_all("labels")):
        yield Change(f"label '{LABEL}': make it; it is how somebody asks for an override", partial(github.send, "POST", "labels", _LABEL))
