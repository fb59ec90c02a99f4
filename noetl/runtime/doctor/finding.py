"""One thing that was looked for, and what was found of it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from noetl.span import Span


class State(StrEnum):
    """What was found: `missing` is the only one that something needed lacks."""

    FOUND = "found"
    MISSING = "missing"
    #: Not there, and not needed: as far as is known.
    ABSENT = "absent"
    #: There, or not needed, but worth a thought.
    DOUBTFUL = "doubtful"


class Finding(NamedTuple):
    """`kind` is a word for programs (`program`, `secret`, ...), `name` what was looked for, `remark` the rest.

    `span` is the place in the playbook that needs it.
    """

    kind: str
    name: str
    state: State
    remark: str = ""
    hint: str | None = None
    span: Span | None = None
