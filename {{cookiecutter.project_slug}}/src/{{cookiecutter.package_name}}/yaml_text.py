"""Reads YAML the way DVC does: version 1.2 scalars, so ``No`` is text and ``1e-5`` is a number, and a repeated key is an error."""

import re
from typing import Any, ClassVar

import yaml


class _Loader(yaml.SafeLoader):
    """PyYAML follows YAML 1.1, where ``No`` is false, ``1e-5`` is text, ``010`` is eight and a repeated key is lost in silence."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose keys are text, each given once."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(None, None, "a key must be text: put it in quotes", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} is given twice; delete one", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), [*_first, *([""] if _tag == "null" else [])])


def load(text: str) -> Any:
    """The content of a YAML document; raises ``yaml.YAMLError``."""
    return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader


def problem(error: yaml.YAMLError) -> str:
    """One line about a YAML error: ``line 3, column 5: …``."""
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error).splitlines()[0]
    if not isinstance(error, yaml.constructor.ConstructorError):
        what += "; is a quote, a bracket or an indent missing?"
    return f"line {mark.line + 1}, column {mark.column + 1}: {what}" if mark else what
