"""Values of which not all is known: to read what is not known of them raises, and so decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from noetl.actions.touch import Unknown


class NotKnown(BaseException):
    """An expression needs a value that only the run will know, for these reasons.

    No Exception, since an evaluation takes any of those for a reason to try another way.
    """

    def __init__(self, needs: tuple[str, ...]) -> None:
        super().__init__(*needs)
        self.needs = needs


def needs_of(value: Any) -> tuple[str, ...]:
    """Why data is not known in full; empty where it is."""
    return tuple(dict.fromkeys(_needs(value)))


def _needs(value: Any) -> Iterator[str]:
    if isinstance(value, Unknown):
        yield from value.needs
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _needs(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _needs(item)


def guarded(value: Any) -> Any:
    """The value, as an expression may read it. Raises NotKnown."""
    needs = needs_of(value)
    if not needs:
        return value
    if isinstance(value, Mapping):
        return Partial(value)
    raise NotKnown(needs)


class Partial(Mapping[str, Any]):
    """A mapping whose known values can be read; `values_shown` has what stands for the others, too."""

    def __init__(self, values_shown: Mapping[str, Any]) -> None:
        self.values_shown = values_shown
        self._guarded: dict[str, Any] = {}

    def __getitem__(self, key: str, /) -> Any:
        if key not in self._guarded:
            self._guarded[key] = guarded(self.values_shown[key])
        return self._guarded[key]

    @cached_property
    def readable(self) -> Mapping[str, Any]:
        """The whole of it, as an expression may read it."""
        return self if needs_of(self.values_shown) else self.values_shown

    def __contains__(self, key: object) -> bool:
        return key in self.values_shown

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_shown)

    def __len__(self) -> int:
        return len(self.values_shown)
