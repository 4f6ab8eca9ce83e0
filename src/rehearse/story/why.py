"""Explains a failed rehearsal from what it left behind."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import RehearseError

LINES = 40


def explain(out: Path) -> str:
    """The failed step, what was wrong, and the end of the newest failed run's log.

    Raises:
        RehearseError: ``out`` holds no rehearsal.
    """
    timeline = out / "timeline.json"
    if not timeline.exists():
        raise RehearseError(f"{out} holds no rehearsal: {timeline.name} is missing; run `rehearse demo` first")
    failed = [step for step in json.loads(timeline.read_text(encoding="utf-8")) if not step["ok"]]
    if not failed:
        return f"nothing failed; comments: {out / 'comments'}, logs: {out / 'world' / 'logs'}"
    parts = [f"{failed[0]['step']}: {failed[0]['detail']}"]
    logs = sorted((out / "world" / "logs").rglob("*.log"), key=lambda path: path.stat().st_mtime)
    wanted = next((log for log in reversed(logs) if _failed(log)), None) or (logs[-1] if logs else None)
    if wanted is not None:
        parts += [f"--- the end of {wanted}", *_readable(wanted)[-LINES:]]
    return "\n".join(parts)


def _failed(log: Path) -> bool:
    text = log.read_text(encoding="utf-8", errors="replace")
    return '"jobResult":"failure"' in text or "Failure" in text


def _readable(log: Path) -> list[str]:
    """A log's lines; of act's JSON lines only what the steps printed."""
    lines = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            lines.append(line)
            continue
        if isinstance(record, dict) and (record.get("raw_output") or record.get("level") in ("error", "warning")):
            lines.append(f"{record.get('jobID', '')}: {str(record.get('msg', '')).rstrip()}")
    return lines
