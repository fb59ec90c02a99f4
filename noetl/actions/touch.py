"""What an action would touch, as its handler tells it for a plan; and the texts that stand for what is not known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import msgspec

#: What is told of a text that may be long: its first line, up to so many characters.
_LONGEST = 200

#: Brackets name so many steps; all are in `needs`.
_MOST_STEPS = 3

#: The reason of what is not shown.
SECRET = "secret"
_AFTER = "after "


class Touch(msgspec.Struct, frozen=True, kw_only=True):
    """One thing outside of the run, or of its variables, that an action would read, change or start.

    `kind` is a word for programs (`request`, `statement`, `file`, `command`, ...), `text` one line for people (`POST
    https://shop.example/orders`), and `details` the same for programs again, as JSON data.
    """

    kind: str
    text: str
    details: dict[str, Any] = {}


class Unknown(str):
    """A text in the place of a value that is not known before the run, or in which a part is not: `<after Load>`.

    `needs` are the reasons without brackets: `after Load` for the result of a step or action, `each order` for the
    items of a loop, `secret` for what is not shown.
    """

    __slots__ = ("needs",)
    needs: tuple[str, ...]

    @classmethod
    def within(cls, text: str, needs: Iterable[str]) -> Self:
        """A text in which some of the parts are in brackets."""
        made = cls(text)
        made.needs = tuple(dict.fromkeys(needs))
        return made

    @classmethod
    def of(cls, needs: Iterable[str]) -> Self:
        """The brackets for a value of which nothing is known, and that waits for all of these."""
        reasons = tuple(dict.fromkeys(needs))
        return cls.within(f"<{_told(reasons)}>", reasons)


def _told(needs: tuple[str, ...]) -> str:
    """`after Load, Fetch`; one secret makes all of it secret."""
    if SECRET in needs:
        return SECRET
    steps = [need.removeprefix(_AFTER) for need in needs if need.startswith(_AFTER)]
    others = [need for need in needs if not need.startswith(_AFTER)]
    if len(steps) > _MOST_STEPS:
        steps = [*steps[:_MOST_STEPS], "..."]
    return ", ".join([*others, *([_AFTER + ", ".join(steps)] if steps else [])])


def after(name: str) -> str:
    """The reason of what needs the result of a step, a task or an action."""
    return _AFTER + name


def brief(text: str) -> str:
    """The first line of a text that has anything on it, with dots for more."""
    first, *more = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    return f"{first[:_LONGEST]} ..." if more or len(first) > _LONGEST else first


def file_read(path: object) -> Touch:
    return Touch(kind="file", text=f"reads {path}", details={"path": path, "access": "read"})


def file_written(path: object) -> Touch:
    return Touch(kind="file", text=f"writes {path}", details={"path": path, "access": "write"})
