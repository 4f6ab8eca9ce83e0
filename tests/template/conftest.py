"""The table of the combinations of answers."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Combinations by checks, and how many of these found nothing."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    found = [
        value
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in getattr(report, "user_properties", [])
        if name == "combination"
    ]
    if not found:
        return
    terminalreporter.section("combinations of answers x checks")
    names = list(found[0][1])
    width = max(len(combination) for combination, _ in found)
    terminalreporter.write_line(f"{'':<{width}}  {'  '.join(names)}")
    for combination, results in found:
        cells = (f"{'ok' if results[name] else 'FAILED':<{len(name)}}" for name in names)
        terminalreporter.write_line(f"{combination:<{width}}  {'  '.join(cells)}")
    good = sum(all(results.values()) for _, results in found)
    terminalreporter.write_line(f"{len(found)} combinations, {len(names)} checks each: {good} combinations passed all")
