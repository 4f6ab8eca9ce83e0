"""Every command of README and tutorial, typed in their order into a fresh clone of this working tree."""

import os
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from uv import find_uv_bin

from ..conftest import ROOT
from .blocks import BlockError, read
from .session import Session

pytestmark = pytest.mark.slow

PAGES = ["README.md", "docs/tutorial.md"]
PORT = "8000"
NOT_HERS = re.compile(r"(?:GITHUB|RUNNER|ACTIONS|GH|PYTEST)_|(?:CI|VIRTUAL_ENV|PYTHONPATH|MAKEFLAGS|MAKELEVEL|ARGS)$")


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one commit of the working tree as it is, without what git ignores."""
    folder = tmp_path_factory.mktemp("origin")
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode)
    who = ["-c", "user.name=Mona", "-c", "user.email=mona@localhost"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-qm", "The working tree"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


@pytest.fixture
def clone(origin: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "template"
    subprocess.run(["git", "clone", "-q", str(origin), str(folder)], check=True)
    return folder


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A person's environment: no virtual environment, nothing of a workflow, uv beside the other programs, a name for commits."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "uv").symlink_to(find_uv_bin())
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Mona\n\temail = mona@localhost\n")
    (tmp_path / "cookiecutter.yaml").write_text(f"replay_dir: {tmp_path / 'replay'}\ncookiecutters_dir: {tmp_path / 'templates'}\n")
    path = [part for part in os.environ["PATH"].split(os.pathsep) if part != str(ROOT / ".venv/bin")]
    ours = {"PATH": os.pathsep.join([str(tools), *path]), "NO_COLOR": "1", "COLUMNS": "140"}
    ours |= {"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"), "COOKIECUTTER_CONFIG": str(tmp_path / "cookiecutter.yaml")}
    return {name: value for name, value in os.environ.items() if not NOT_HERS.match(name)} | ours


@pytest.mark.parametrize("page", PAGES)
def test_each_command_does_what_the_page_shows(
    page: str, clone: Path, env: dict[str, str], record_property: Callable[[str, object], None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with Session(clone, env) as session:
        for block in read(clone / page, {PORT: port}):
            for command in block.commands:
                record_property("command", (page, command.text.partition("\n")[0], block.left_out or "run"))
                assert block.left_out or (fault := session.fault(command)) is None, f"{page}, {fault}"


TOY = """\
```console
$ cd /tmp && word=here
$ echo "$word  and there"; echo 12.5 s
here and there
… s
$ sleep 60 &
```

<!-- not run: needs the moon -->

```console
$ fly
```

```console
$ echo "error: no" >&2; \\
    false
error: no
{last}
```
"""


@pytest.mark.parametrize(
    ("last", "fault"),
    [
        ("$ pwd\n/tmp", None),
        ("$ pwd\n/home", "the page shows, and this is not there: /home"),
        ("$ echo b; echo a\na\nb", "the page shows, and this is not there: b"),
        ("$ false", "the page shows no error"),
        ("$ true\nerror: it cannot", "the page shows an error"),
    ],
)
def test_a_page_that_is_wrong_is_noticed(tmp_path: Path, env: dict[str, str], last: str, fault: str | None) -> None:
    (tmp_path / "page.md").write_text(TOY.format(last=last), encoding="utf-8")
    blocks = read(tmp_path / "page.md")
    assert [block.left_out for block in blocks] == [None, "not run: needs the moon", None]
    with Session(tmp_path, env) as session:
        found = [session.fault(command) for block in blocks if not block.left_out for command in block.commands]
    assert found[:-1] == [None] * 4
    assert found[-1] is fault or (fault is not None and str(found[-1]).endswith(fault))


def test_a_block_of_another_form_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for text, reason in (("```console\nls\n```\n", "begins with a command"), ("<!-- skip -->\n\n```console\n$ ls\n```\n", "it may say")):
        page.write_text(text, encoding="utf-8")
        with pytest.raises(BlockError, match=reason):
            read(page)
