"""What msgspec knows of a type, in words for people who know YAML and not Python."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec
from msgspec import inspect as types

Facts = dict[str, Any]


def of(kind: type[msgspec.Struct], name: str = "") -> list[Facts]:
    """A struct and every struct below it, each once: ``name`` (its place), ``doc`` and ``fields`` with key, type and default."""
    found: dict[str, Facts] = {}
    _walk(types.type_info(kind), name, found)
    return list(found.values())


def _walk(info: types.StructType, place: str, found: dict[str, Facts]) -> None:
    if info.cls.__name__ in found:
        return
    fields = [{"key": field.encode_name, "type": words(field.type), "default": _default(field)} for field in info.fields]
    found[info.cls.__name__] = {"name": place, "struct": info.cls.__name__, "doc": inspect.getdoc(info.cls) or "", "fields": fields}
    for field in info.fields:
        for below, suffix in _structs(field.type):
            _walk(below, f"{place}.{field.encode_name}{suffix}".lstrip("."), found)


def _structs(kind: types.Type, suffix: str = "") -> list[tuple[types.StructType, str]]:
    """The structs in a type, and how one of them is reached: ``[]`` for those of a list, ``.<name>`` for those of a mapping."""
    match kind:
        case types.StructType():
            return [(kind, suffix)]
        case types.UnionType():
            return [pair for part in kind.types for pair in _structs(part, suffix)]
        case types.DictType():
            return _structs(kind.value_type, f"{suffix}.<name>")
        case types.ListType() | types.VarTupleType():
            return _structs(kind.item_type, f"{suffix}[]")
    return []


def words(kind: types.Type) -> str:
    """A type as a person would say it, for instance ``list of text``."""
    match kind:
        case types.UnionType():
            return " or ".join(words(part) for part in sorted(kind.types, key=lambda part: isinstance(part, types.NoneType)))
        case types.LiteralType():
            return ", ".join(f"`{value}`" for value in kind.values)
        case types.ListType() | types.VarTupleType():
            return f"list of {words(kind.item_type)}"
        case types.DictType():
            return f"mapping of names to {words(kind.value_type)}"
        case types.StructType():
            return f"`{kind.cls.__name__}`"
    return _PLAIN[type(kind)]


_PLAIN = {
    types.StrType: "text",
    types.IntType: "whole number",
    types.FloatType: "number",
    types.BoolType: "`true` or `false`",
    types.NoneType: "`null`",
    types.AnyType: "any value",
}


def _default(field: types.Field) -> str | None:
    """The default as it would be written in YAML; None for a key that must be given."""
    if field.required:
        return None
    value = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return msgspec.json.encode(value).decode()
