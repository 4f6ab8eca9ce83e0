"""Every command of README, of the README that it bakes, and of the tutorial, typed in their order into a fresh clone of this tree."""

import csv
import json
import os
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from uv import find_uv_bin

from ..conftest import ROOT
from .blocks import RUN_BY, Block, BlockError, Command, read
from .session import Session

pytestmark = pytest.mark.slow

PORT = "8000"
# Where the address of the clone belongs. A person answers each question with Enter; cookiecutter's version is the locked one.
ADDRESS = "uvx cookiecutter gh:OWNER/REPOSITORY"
BAKE = "yes '' | uvx --constraints {clone}/requirements.txt cookiecutter {clone}"
# What the README of a bake takes for granted: before its block of requests somebody has typed these, and has rows.
SERVED = (
    "make serve ARGS='--port 8000' > reports/server.log 2>&1 &",
    "curl -sf --retry 90 --retry-connrefused --retry-delay 1 localhost:8000/health/ready",
)
# Commands there that need a promoted model on GitHub or a release of the template: what runs the like, with its words for it, or why
# nothing can.
ELSEWHERE = {
    "git fetch --tags && gto show": ("tests/generated/test_tag.py", '_tool("gto", "show", '),
    "dvc artifacts get . churn --rev": ("tests/story/test_story.py", '"artifacts", "get", "-q", ".", "churn", "--rev"'),
    "gh release download": ("tests/rehearse/test_rest.py", '"gh", "release", "download"'),
    "tar -xf bundle.tar && sha256sum bundle/manifest.json": ("tests/faults/test_provenance.py", 'extractfile("bundle/manifest.json")'),
    "gh attestation verify": "not run: only github.com signs",
    "uvx cruft update -y --checkout": ("tests/updates/conftest.py", '"update", "-y", "--checkout"'),
}
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
    """A person's environment: no virtual environment, nothing of a workflow, uv and uvx beside the other programs, a name for commits."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("uv", "uvx"):
        (tools / name).symlink_to(Path(find_uv_bin()).with_name(name))
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Mona\n\temail = mona@localhost\n")
    (tmp_path / "cookiecutter.yaml").write_text(f"replay_dir: {tmp_path / 'replay'}\ncookiecutters_dir: {tmp_path / 'templates'}\n")
    path = [part for part in os.environ["PATH"].split(os.pathsep) if part != str(ROOT / ".venv/bin")]
    ours = {"PATH": os.pathsep.join([str(tools), *path]), "NO_COLOR": "1", "COLUMNS": "140"}
    ours |= {"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"), "COOKIECUTTER_CONFIG": str(tmp_path / "cookiecutter.yaml")}
    return {name: value for name, value in os.environ.items() if not NOT_HERS.match(name)} | ours


@pytest.fixture
def port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


@pytest.fixture
def typed(record_property: Callable[[str, object], None]) -> Callable[[Session, str, Block], None]:
    """Types a block, but for one that is left to others, and says so in the summary of the run."""

    def each(session: Session, page: str, block: Block) -> None:
        for command in block.commands:
            record_property("command", (page, command.text.partition("\n")[0], block.left_out or "run"))
            assert block.left_out or (fault := session.fault(command)) is None, f"{page}, {fault}"

    return each


def test_the_tutorial_does_what_it_shows(clone: Path, env: dict[str, str], port: str, typed: Callable[..., None]) -> None:
    with Session(clone, env) as session:
        for block in read(clone / "docs/tutorial.md", {PORT: port}):
            typed(session, "docs/tutorial.md", block)


def test_readme_and_the_one_that_it_bakes_do_what_they_show(
    clone: Path, env: dict[str, str], port: str, typed: Callable[..., None]
) -> None:
    assert ADDRESS in (clone / "README.md").read_text(encoding="utf-8"), "without it the real address would be asked"
    with Session(clone, env) as session:
        for block in read(clone / "README.md", {ADDRESS: BAKE.format(clone=clone)}):
            typed(session, "README.md", block)
        met = set()
        for block in read(clone / "telco-churn/README.md", {PORT: port, "curl -s ": "curl -sf "}):  # -f: a refusal is a failure
            if block.commands[0].text.startswith("curl "):
                _write_rows(clone / "telco-churn")
                assert [session.fault(Command(command.replace(PORT, port), 0)) for command in SERVED] == [None, None]
            for command in block.commands:
                known = {start for start in ELSEWHERE if command.text.startswith(start)}
                typed(session, "README.md of a bake", Block([command], *map(_elsewhere, known)))
                met |= known
    assert met == set(ELSEWHERE), "the others are no longer on the page"


def _write_rows(project: Path) -> None:
    rows = json.loads((project / "models/bundle/golden.json").read_text(encoding="utf-8"))["records"][:2]
    (project / "request.json").write_text(json.dumps(rows), encoding="utf-8")
    with (project / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)


def _elsewhere(start: str) -> str:
    where = ELSEWHERE[start]
    if isinstance(where, str):
        return where
    path, words = where
    assert words in (ROOT / path).read_text(encoding="utf-8"), f"{path} no longer runs {start!r} as {words}"
    return f"{RUN_BY}{path}"


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
