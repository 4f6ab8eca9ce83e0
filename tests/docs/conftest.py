"""What the tests of the documentation did not do, in the summary of the run."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many commands of each page were run, the others with their reason or what runs them, and the links that nobody followed."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, []) if report.when == "call"]
    noted = [pair for report in reports for pair in getattr(report, "user_properties", [])]
    pages: dict[str, list[tuple[str, str]]] = {}
    for page, command, how in (value for name, value in noted if name == "command"):
        pages.setdefault(page, []).append((command, how))
    links = sorted({value for name, value in noted if name == "link"})
    if pages or links:
        terminalreporter.section("documentation")
    for page, commands in pages.items():
        left_out = [pair for pair in commands if pair[1] != "run"]
        terminalreporter.write_line(f"{page}: {len(commands) - len(left_out)} of {len(commands)} commands run here")
        for command, how in left_out:
            terminalreporter.write_line(f"  $ {command}  ({how})")
    if links:
        terminalreporter.write_line(f"{len(links)} links to other sites, not followed:")
        for link in links:
            terminalreporter.write_line(f"  {link}")
