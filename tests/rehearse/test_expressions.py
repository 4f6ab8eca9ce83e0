"""The evaluator of expressions outside of steps, and concurrency keys."""

from __future__ import annotations

from typing import Any

import pytest

from rehearse import PlayError
from rehearse.actions.concurrency import Group, read_group
from rehearse.actions.expressions import fill, value_of
from rehearse.values import Value

CONTEXTS: dict[str, Any] = {
    "github": {
        "head_ref": "",
        "ref": "refs/heads/main",
        "event_name": "push",
        "event": {"number": 7, "pull_request": None, "draft": False},
    },
    "inputs": {"dry-run": True},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("train-${{ github.head_ref || github.ref }}", "train-refs/heads/main"),
        ("${{ github.event.number }}", "7"),
        ("${{ github.event.pull_request.head.ref }}", ""),
        ("${{ github.event_name == 'push' && 'a' || 'b' }}", "a"),
        ("${{ github.event_name != 'PUSH' }}", "false"),
        ("${{ !github.event.draft }}", "true"),
        ("${{ (github.head_ref || 'x') == 'x' }}", "true"),
        ("${{ format('{0}-{1}', github.event_name, 'it''s') }}", "push-it's"),
        ("${{ inputs.dry-run }}", "true"),
        ("${{ github.event.number == '7' }}", "true"),
    ],
)
def test_text(text: str, expected: str) -> None:
    assert fill(text, CONTEXTS) == expected


def test_a_whole_expression_keeps_its_type() -> None:
    assert value_of("${{ github.event_name == 'push' }}", CONTEXTS) is True
    assert value_of(True, CONTEXTS) is True


@pytest.mark.parametrize(
    "text",
    [
        "${{ secrets.X }}",
        "${{ hashFiles('a') }}",
        "${{ github.ref",
        "${{ github['ref'] }}",
        "${{ github.event }}",
        "${{ 1 < 2 }}",
        "${{ 'a' 'b' }}",
        "${{ }}",
    ],
)
def test_what_is_not_known_is_refused(text: str) -> None:
    if text.endswith("}}"):
        with pytest.raises(PlayError):
            fill(text, CONTEXTS)
    else:
        assert fill(text, CONTEXTS) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("A-${{ github.event_name }}", Group("a-push")),
        ({"group": "x", "cancel-in-progress": "${{ github.event_name == 'push' }}"}, Group("x", True)),
        ({"group": "x", "queue": "max"}, Group("x", False, True)),
    ],
)
def test_concurrency_key(value: Value, expected: Group) -> None:
    assert read_group(value, CONTEXTS, "one.yml") == expected


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"group": "x", "queue": "min"},
        {"group": "x", "queue": "max", "cancel-in-progress": True},
        {"group": "x", "cancel": True},
    ],
)
def test_wrong_concurrency_key(value: Value) -> None:
    with pytest.raises(PlayError, match=r"one\.yml: concurrency"):
        read_group(value, CONTEXTS, "one.yml")
