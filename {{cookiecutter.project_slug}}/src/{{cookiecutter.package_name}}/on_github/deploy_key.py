"""The deploy key with which promotion pushes to a protected main: its public half is on GitHub, its private half is a secret."""

import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from .. import github, github_access
from . import KEY, Change, Found, SetupError, Wanted, Word

TITLE = "promotion"
_KEYGEN = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", TITLE, "-f")
_BY_HAND = f"""deploy key: {{}} is not installed here; install it, or, in an empty folder outside of every repository:
ssh-keygen -t ed25519 -N "" -C {TITLE} -f key
Settings > Deploy keys > Add: title {TITLE}, the text of key.pub, Allow write access
Settings > Secrets and variables > Actions > New repository secret: {KEY}, the text of key
then delete the folder"""


def look(wanted: Wanted) -> Found:
    """The pair, where ``promotion.push`` is deploy-key. Half a pair is made anew: nobody can say what its other half was.

    "List deploy keys" (``GET …/keys``), "List repository secrets" (``GET …/actions/secrets``: names, no values).
    """
    ours = [one for one in github.get_all("keys") if one["title"] == TITLE]
    if wanted.push != "deploy-key":
        if ours:
            yield Word(
                "look", f"deploy key '{TITLE}': nothing needs it with promotion.push: {wanted.push}; delete it, and the secret {KEY}"
            )
        return
    stored = KEY in (one["name"] for one in github.get_all("actions/secrets", "secrets"))
    if stored and len(ours) == 1 and not ours[0]["read_only"]:
        return
    if lacking := next((name for name in ("gh", "ssh-keygen") if shutil.which(name) is None), None):
        yield Word("by hand", _BY_HAND.format(lacking))
        return
    what = f"deploy key '{TITLE}': make a pair; GitHub gets the public half, which may write, the secret {KEY} the private half"
    yield Change(what + (", in place of the one there" if ours else ""), partial(_make, [one["id"] for one in ours]))


def _make(old: list[int]) -> None:
    """ "Delete a deploy key" (``DELETE …/keys/{id}``), ``gh secret set``, "Create a deploy key" (``POST …/keys``), in this order.

    Cut off anywhere it leaves no key of ours, and so is seen as not done.
    """
    for number in old:
        github.send("DELETE", f"keys/{number}", {})
    with tempfile.TemporaryDirectory() as folder:  # ssh-keygen writes nowhere but into files; this folder is for this user alone
        path = Path(folder, "key")
        _run([*_KEYGEN, str(path)])
        _run(["gh", "secret", "set", KEY, "--app", "actions", "--repo", github_access.for_gh()], path.read_text(encoding="utf-8"))
        public = path.with_suffix(".pub").read_text(encoding="utf-8").strip()
    github.send("POST", "keys", {"title": TITLE, "key": public, "read_only": False})


def _run(command: list[str], stdin: str = "") -> None:
    done = subprocess.run(command, input=stdin, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        why = " ".join(done.stderr.split())[-300:] or f"exit {done.returncode}"
        raise SetupError(f"`{' '.join(command[:3])}` failed: {why}")
