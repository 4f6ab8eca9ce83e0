"""What can be known without Windows: plain commands for every target, nothing that only POSIX has, the same bytes after a clone."""

import ast
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from uv import find_uv_bin

from ..conftest import TEMPLATE, BakedProject

PACKAGE = TEMPLATE / "src" / "{{cookiecutter.package_name}}"
MODULES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
# "Availability: Unix" in the documentation of Python 3.11; modules, and attributes of modules that Windows has as well.
POSIX_MODULES = {
    "crypt",
    "curses",
    "fcntl",
    "grp",
    "nis",
    "posix",
    "pty",
    "pwd",
    "readline",
    "resource",
    "spwd",
    "syslog",
    "termios",
    "tty",
    "uvloop",
}
POSIX_NAMES = {
    "os": """O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK WEXITSTATUS WIFEXITED chown chroot fchmod fchown fork forkpty getegid geteuid
        getgid getloadavg getpgid getpgrp getpriority getsid getuid initgroups killpg lchown lockf mkfifo mknod nice openpty pathconf
        posix_fadvise posix_spawn pread preadv pwrite register_at_fork sched_getaffinity sched_setaffinity sendfile setgid setpgid
        setsid setuid statvfs sync sysconf ttyname uname wait wait3 wait4 waitid""",
    "signal": """ITIMER_REAL SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGUSR1 SIGUSR2 SIG_BLOCK SIG_SETMASK
        SIG_UNBLOCK alarm pause pthread_kill pthread_sigmask setitimer siginterrupt sigpending sigwait sigwaitinfo""",
    "socket": "AF_UNIX SO_REUSEPORT recv_fds send_fds",
    "asyncio": "open_unix_connection start_unix_server",
    "select": "epoll kqueue poll",
    "time": "pthread_getcpuclockid tzset",
}
NEEDED = {
    "serving/siblings.py": {
        "socket.AF_UNIX",
        "asyncio.open_unix_connection",
        "asyncio.start_unix_server",
    },  # --workers says that it needs Linux
    "serving/workers.py": {"socket.SO_REUSEPORT"},  # the same
    "registry/smoke.py": {"os.pread"},  # promotion runs in a job, on Linux
}
GUARD = "sys.platform {} 'win32'"


def _on_windows(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below a node that Windows reaches."""
    fields: Sequence[str] = node._fields
    if isinstance(node, ast.If | ast.IfExp):
        test = ast.unparse(node.test)
        fields = ["body"] if test.startswith(GUARD.format("==")) else ["orelse"] if test.startswith(GUARD.format("!=")) else fields
    for field in fields:
        value = getattr(node, field, None)
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from [child, *_on_windows(child)]


def _posix_only(tree: ast.AST) -> set[str]:
    found = set()
    for node in _on_windows(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in POSIX_MODULES}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = str(node.module)
            found |= {module} & POSIX_MODULES
            found |= {f"{module}.{alias.name}" for alias in node.names if alias.name in POSIX_NAMES.get(module, "").split()}
        elif isinstance(node, ast.Attribute) and node.attr in POSIX_NAMES.get(ast.unparse(node.value), "").split():
            found.add(ast.unparse(node))
    return found


def test_the_package_uses_what_windows_has() -> None:
    found = {name: names for name, tree in MODULES.items() if (names := _posix_only(tree))}

    assert found == NEEDED


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str, set[str | None]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield node, name, {word.arg for word in node.keywords}


def test_text_is_read_and_written_as_utf8() -> None:
    """Where nothing is said Windows takes the code page of the country."""
    lost = []
    for module, tree in MODULES.items():
        for call, name, words in _calls(tree):
            modes = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and re.fullmatch(r"[rwax+t]+", str(arg.value))]
            text = name in ("read_text", "write_text") or (name in ("run", "Popen", "check_output") and "text" in words)
            text = text or (name in ("open", "fdopen") and bool(modes) and "tarfile" not in ast.unparse(call.func))
            if text and "encoding" not in words:
                lost.append(f"{module}:{call.lineno}: {ast.unparse(call)[:100]}")

    assert lost == []


def _recipes(project: BakedProject) -> dict[str, str]:
    """The targets that ``make help`` lists, each with what it runs."""
    package = project.package.name
    text = project.text("Makefile").replace("$(RUN)", f"python -m {package}").replace("$(PACKAGE)", package)
    return dict(re.findall(r"(?m)^([a-z-]+):.*## .*\n((?:(?:\t|if|else|endif).*\n)*)", text))


def test_every_target_has_its_plain_command_in_the_readme(default_bake: BakedProject) -> None:
    readme, package = default_bake.text("README.md"), default_bake.package.name
    lost = []
    recipes = _recipes(default_bake)
    del recipes["help"]
    for name, recipe in recipes.items():
        modules = re.findall(rf"-m ({package}[\w.]*)", recipe)
        if modules and f"python -m {modules[-1]}" not in readme:
            lost.append(f"{name}: python -m {modules[-1]}")
        if not modules and f"`make {name}`" not in readme:
            lost.append(f"{name}: is not in README.md")

    assert lost == []


def test_the_plain_commands_of_lock_are_those_of_make(default_bake: BakedProject) -> None:
    path = f"{Path(find_uv_bin()).parent}{os.pathsep}{os.environ['PATH']}"
    made = (
        default_bake.run("make", "-n", "lock", PATH=path)
        .stdout.replace("\\\n", " ")
        .replace("--no-emit-index-url", "")
        .replace("--quiet", "-q")
    )
    plain = re.findall(r"(?m)^\$ (uv pip compile .*)$", default_bake.text("README.md"))

    assert [sorted(line.split()) for line in plain] == [sorted(line.split()) for line in made.splitlines()]


def test_plain_commands_run_modules_that_are_there(default_bake: BakedProject) -> None:
    named = set(re.findall(rf"python -m ({default_bake.package.name}[\w.]*)", default_bake.text("README.md")))

    assert len(named) > 10
    for name in named:
        place = default_bake.root / "src" / name.replace(".", "/")
        file = place / "__main__.py" if place.is_dir() else place.with_suffix(".py")
        assert 'if __name__ == "__main__":' in file.read_text(encoding="utf-8"), name


def test_a_clone_on_windows_has_the_same_bytes(default_repository: BakedProject, tmp_path: Path) -> None:
    default_repository.run("git", "clone", "--quiet", "--config", "core.autocrlf=true", ".", str(tmp_path / "clone"))
    clone = BakedProject(tmp_path / "clone")

    assert clone.names() == default_repository.names()
    assert [name for name in clone.names() if (clone.root / name).read_bytes() != (default_repository.root / name).read_bytes()] == []


def test_nothing_needs_the_right_to_be_run(default_bake: BakedProject) -> None:
    """Windows knows no such right, and a clone from there takes it away."""
    assert [str(path) for path in default_bake.files() if path.stat().st_mode & 0o111] == []


def test_locks_leave_out_what_windows_has_not(default_bake: BakedProject) -> None:
    for lock in default_bake.files("requirements/*.txt"):
        (pin,) = re.findall(r"(?m)^uvloop==.*$", lock.read_text(encoding="utf-8"))
        assert "sys_platform != 'win32'" in pin, lock
