"""A name for values whose type is known at run time only: YAML, JSON, expressions."""

from __future__ import annotations

from typing import Any, TypeAlias

Value: TypeAlias = Any
