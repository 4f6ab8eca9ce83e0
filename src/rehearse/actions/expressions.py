"""A small, safe evaluator for ``${{ }}`` outside of steps.

Knows property look-ups, text and number literals, ``!``, ``==``, ``!=``, ``&&``,
``||``, parentheses, ``.*``, ``format()`` and ``contains()``. Anything else is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import PlayError
from ..values import Value

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*(?:\.(?:[A-Za-z_][\w-]*|\*))*)|(?P<sign>==|!=|&&|\|\||[!(),]))"
)
WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
PIECE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def fill(text: str, contexts: Mapping[str, Any]) -> str:
    """Replace every ``${{ }}`` of ``text``. Raises ``PlayError`` for what is not known."""
    return PIECE.sub(lambda found: as_text(evaluate(found[1], contexts)), text)


def value_of(value: Value, contexts: Mapping[str, Any]) -> Value:
    """Evaluate a YAML value that may be one whole expression; others pass through."""
    if not isinstance(value, str):
        return value
    whole = PIECE.fullmatch(value.strip())
    return evaluate(whole[1], contexts) if whole and "${{" not in whole[1] else fill(value, contexts)


def evaluate(source: str, contexts: Mapping[str, Any]) -> Value:
    """Value of one expression without its braces. Raises ``PlayError``."""
    return _Parser(source, contexts).whole()


def as_text(value: Value) -> str:
    """Text of a value by GitHub's rules: null is empty, booleans are lower case."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        raise PlayError("an expression used as text gives an object, which GitHub prints as 'Object'")
    return str(value)


def truth(value: Value) -> bool:
    """GitHub's truthiness: false, 0, empty text and null are false."""
    return isinstance(value, (dict, list)) or bool(value)


class _Parser:
    def __init__(self, source: str, contexts: Mapping[str, Any]) -> None:
        self.source, self.contexts, self.at = source, contexts, 0
        self.tokens: list[tuple[str, str]] = []
        end = len(source.rstrip())
        while self.at < end:
            found = TOKEN.match(source, self.at)
            if found is None:
                raise self.refusal(f"'{source[self.at :].strip()}' is beyond what can be evaluated here")
            self.tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            self.at = found.end()
        self.at = 0

    def refusal(self, why: str) -> PlayError:
        known = "github.*, inputs.*, vars.*, ==, !=, !, &&, ||, .*, format(), contains()"
        return PlayError(f"expression ${{{{ {self.source.strip()} }}}}: {why}; use {known}")

    def whole(self) -> Value:
        value = self.either()
        if self.at != len(self.tokens):
            raise self.refusal(f"unexpected '{self.tokens[self.at][1]}'")
        return value

    def peek(self, *signs: str) -> str | None:
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "sign" and self.tokens[self.at][1] in signs:
            return self.tokens[self.at][1]
        return None

    def take(self, sign: str) -> None:
        if self.peek(sign) is None:
            raise self.refusal(f"'{sign}' is missing")
        self.at += 1

    def either(self) -> Value:
        value = self.both()
        while self.peek("||"):
            self.at += 1
            other = self.both()
            value = value if truth(value) else other
        return value

    def both(self) -> Value:
        value = self.equal()
        while self.peek("&&"):
            self.at += 1
            other = self.equal()
            value = other if truth(value) else value
        return value

    def equal(self) -> Value:
        value = self.unary()
        while sign := self.peek("==", "!="):
            self.at += 1
            other = self.unary()
            value = _same(value, other) == (sign == "==")
        return value

    def unary(self) -> Value:
        if self.peek("!"):
            self.at += 1
            return not truth(self.unary())
        if self.peek("("):
            self.at += 1
            value = self.either()
            self.take(")")
            return value
        return self.atom()

    def atom(self) -> Value:
        if self.at >= len(self.tokens):
            raise self.refusal("it ends too early")
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "name":
            return self.call(text) if self.peek("(") else self.look_up(text)
        raise self.refusal(f"unexpected '{text}'")

    def call(self, name: str) -> Value:
        self.take("(")
        values = [self.either()]
        while self.peek(","):
            self.at += 1
            values.append(self.either())
        self.take(")")
        if name.lower() == "format":
            texts = [as_text(value) for value in values]
            return re.sub(r"\{(\d+)\}", lambda found: texts[1 + int(found[1])], texts[0])
        if name.lower() == "contains" and len(values) == 2:
            return _contains(*values)
        raise self.refusal(f"{name}() with {len(values)} values is not known")

    def look_up(self, path: str) -> Value:
        if path in WORDS:
            return WORDS[path]
        first, *rest = path.split(".")
        if first not in self.contexts:
            raise self.refusal(f"the context '{first}' is not known")
        return _inside(self.contexts[first], rest)


def _inside(value: Any, keys: list[str]) -> Value:
    for place, key in enumerate(keys):
        if key == "*":
            items = value if isinstance(value, list) else list(value.values()) if isinstance(value, Mapping) else []
            return [found for item in items if (found := _inside(item, keys[place + 1 :])) is not None]
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _contains(searched: Value, item: Value) -> bool:
    if isinstance(searched, list):
        return any(_same(one, item) for one in searched)
    return as_text(item).lower() in as_text(searched).lower()


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    if type(one) is type(other):
        return bool(one == other)
    return _number(one) == _number(other)


def _number(value: Value) -> float:
    if value is None or value == "":
        return 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
