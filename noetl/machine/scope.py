"""The names that an expression sees from a token, in the lookup order of language.md 4."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from noetl.machine.state import Known, Run, Token
from noetl.machine.view import MISSING, View

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)


def moment(at: int) -> datetime:
    """The time that so many microseconds since the epoch are."""
    return _EPOCH + timedelta(microseconds=at)


# What is decided in one go has one time, and to write it costs more than the rest of a report's row.
@lru_cache(maxsize=256)
def iso(at: int) -> str:
    """The text of a time in data: UTC, microseconds."""
    return (_NAIVE_EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds") + "Z"


class Lazy(Mapping[str, Any]):
    """A read-only mapping over what a token knows, made only when somebody asks."""

    def __getitem__(self, key: str, /) -> Any:
        value = self.get(key, MISSING)
        if value is MISSING:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key, MISSING) is not MISSING

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Variables(Lazy):
    """`context`, also `variables`: the variables as a mapping."""

    def __init__(self, view: View) -> None:
        self._view = view

    def get(self, key: str, default: Any = None) -> Any:
        return self._view.get(key, default)

    def __iter__(self) -> Iterator[str]:
        return self._view.names()


class Steps(Lazy):
    """`steps`: the latest visit of each step that the branch knows of."""

    def __init__(self, known: View) -> None:
        self._known = known

    def get(self, key: str, default: Any = None) -> Any:
        known = self._known.get(key)
        return default if known is None else _visit(known)

    def __iter__(self) -> Iterator[str]:
        return self._known.names()


def _visit(known: Known) -> dict[str, Any]:
    row = known.row
    return {
        "status": str(row.status),
        "result": known.result,
        "visits": known.visits,
        "started_at": iso(row.started_at),
        "duration": None if row.ended_at is None else (row.ended_at - row.started_at) / 1e6,
    }


class Drawing:
    """`uuid()` and `random()` of one place in a run: drawn from where they stand and a running number, not from chance.

    So a run that is rebuilt draws the same.
    """

    __slots__ = ("_count", "_place")

    def __init__(self, place: str) -> None:
        self._place = place
        self._count = 0

    def uuid(self) -> str:
        return str(UUID(bytes=self._draw()[:16], version=4))

    def random(self) -> float:
        return int.from_bytes(self._draw()[:7], "big") / (1 << 56)

    def _draw(self) -> bytes:
        self._count += 1
        return hashlib.sha256(f"{self._place}/{self._count}".encode()).digest()


class Scope(msgspec.Struct, eq=False):
    """Looks names up for one evaluation at a time.

    Call `at` before each evaluation, with the token (None: only the run's own names) and the place where the expression
    stands.
    """

    run: Run
    token: Token | None = None
    place: str = ""
    _drawing: Drawing | None = None
    #: Names of this evaluation alone, before all others (`data` in `as`).
    extra: dict[str, Any] | None = None
    #: What `context` may read of the process environment when the run starts.
    env: Mapping[str, str] | None = None

    def at(self, token: Token | None, place: str, extra: dict[str, Any] | None = None) -> Scope:
        self.token = token
        self.place = place
        self._drawing = None
        self.extra = extra
        return self

    def __getitem__(self, name: str, /) -> Any:
        token = self.token
        if token is not None:
            if self.extra is not None and name in self.extra:
                return self.extra[name]
            frames = token.frames
            if frames:
                local = frames[-1].local
                if local is not None and name in local:
                    return local[name]
            view: View | None = token.view
        else:
            view = self.run.base
        while view is not None:
            own = view.own
            if name in own:
                return own[name]
            view = view.parent
        names = self.run.names
        if name in names:
            return names[name]
        return ALWAYS[name](self)

    def __contains__(self, name: object, /) -> bool:
        try:
            self[str(name)]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        """All names there are, for a hint at a misspelt one."""
        yield from ALWAYS
        yield from self.run.names
        yield from (self.run.base if self.token is None else self.token.view).names()
        if self.token is not None and self.token.local:
            yield from self.token.local

    def now(self) -> datetime:
        return moment(self.run.at)

    @property
    def drawing(self) -> Drawing:
        if self._drawing is None:
            self._drawing = Drawing(f"{self.run.origin}/{self.position()}")
        return self._drawing

    def position(self) -> str:
        """Where in its run the evaluation stands, whatever the timing: with the run's id, the base of its keys."""
        token = self.token
        if token is None:
            return f"/{self.place}"
        return f"{token.id}/{token.step.name}/{token.visit}/{work_path(token)}/{self.place}"


def work_path(token: Token) -> str:
    """The calls that lead to where a token works, with the iterations it is in."""
    return ">".join(
        [frame.work.place if frame.work.loop is None else f"{frame.work.place}@{frame.index}" for frame in token.frames]
    )


def _environment(scope: Scope) -> Any:
    if scope.env is not None:
        return scope.env
    raise KeyError("env")


def _secrets(scope: Scope) -> Any:
    raise KeyError("secrets")


def _last(name: str) -> Callable[[Scope], Any]:
    def read(scope: Scope) -> Any:
        return None if scope.token is None else getattr(scope.token, name)

    return read


def _execution(scope: Scope) -> dict[str, Any]:
    run = scope.run
    return {"id": run.id, "started_at": iso(run.started_at), "attempt": run.attempt}


def _playbook(scope: Scope) -> dict[str, Any]:
    playbook = scope.run.playbook
    return {"name": playbook.name, "version": playbook.version}


def _variables(scope: Scope) -> Variables:
    return Variables(scope.run.base if scope.token is None else scope.token.view)


#: The names that are always present; a user's name may not hide one of them, so they come last.
ALWAYS: dict[str, Callable[[Scope], Any]] = {
    "result": _last("result"),
    "results": _last("results"),
    "error": _last("error"),
    "last_error": _last("last_error"),
    "steps": lambda scope: Steps(View() if scope.token is None else scope.token.known),
    "inputs": lambda scope: scope.run.inputs,
    "environment": lambda scope: scope.run.environment,
    "context": _variables,
    "variables": _variables,
    "env": _environment,
    "secrets": _secrets,
    "execution": _execution,
    "playbook": _playbook,
    "now": lambda scope: scope.now,
    "uuid": lambda scope: scope.drawing.uuid,
    "random": lambda scope: scope.drawing.random,
}
