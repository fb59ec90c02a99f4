"""What an action is written with: the JSON Schema of its own keys, and the check of literal values against it.

Covers the part of JSON Schema that the schemas of handlers are made of, in sentences of our own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from noetl.model.playbook import Later

#: How an action may be carried out.
RUNTIMES = ("in-process", "isolated", "callback")


class ActionShape(msgspec.Struct, frozen=True, kw_only=True):
    """`schema` is the JSON Schema of the mapping of the action's own keys, with its `$defs`.

    `program_text` names the keys that are never templates; `runtimes` what `runtime` may say. `verify` is given the
    options where all of them are literal, and raises ValueError where they do not go together. `fault_in` is given the
    key and text of a program, and returns what is wrong with its syntax: line, column (both from 1) and a sentence.
    `later` are the keys whose templates the handler renders itself.
    """

    schema: Mapping[str, Any]
    required: frozenset[str] = frozenset()
    program_text: frozenset[str] = frozenset()
    runtimes: tuple[str, ...] = ("in-process",)
    verify: Callable[[Mapping[str, Any]], object] | None = None
    fault_in: Callable[[str, str], tuple[int, int, str] | None] | None = None
    later: Mapping[str, Later] = msgspec.field(default_factory=dict)

    @property
    def keys(self) -> Mapping[str, Any]:
        """The schema of each key."""
        properties: Mapping[str, Any] = self.schema.get("properties", {})
        return properties
