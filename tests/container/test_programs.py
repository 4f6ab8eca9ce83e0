"""What a run without container programs says."""

import pytest

from rehearse.containers import programs
from rehearse.errors import RehearseError

from .conftest import not_run

MISSING = "needs podman, install with apt-get install podman"


def test_what_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    real = programs.shutil.which
    monkeypatch.setattr(programs.shutil, "which", lambda name, path=None: None if name == "podman" else real("sh"))
    with pytest.raises(RehearseError, match=f"^{MISSING}$"):
        programs.ready(install=False)


def test_other_programs_are_named_with_their_own_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs.shutil, "which", lambda name, path=None: None)
    packages = {"prometheus": "prometheus", "promtool": "prometheus", "amtool": "prometheus-alertmanager"}
    said = "needs prometheus, promtool, amtool, install with apt-get install prometheus prometheus-alertmanager"
    with pytest.raises(RehearseError, match=f"^{said}$"):
        programs.ready(packages=packages)


def test_not_run_is_told_and_is_a_failure_where_everything_must_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "false")
    with pytest.raises(pytest.skip.Exception, match=f"^not run: containers, {MISSING}$"):
        not_run(RehearseError(MISSING))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=f"^not run: containers, {MISSING}$"):
        not_run(RehearseError(MISSING))
