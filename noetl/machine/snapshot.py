"""Snapshots: the state of a run as bytes, and back, so that not all of its events need be folded again.

What is in the bytes is not trusted: only the classes of a state are made of them, and the parts of a playbook are named
and taken from the playbook at hand. Knows neither store nor clock.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any
from zlib import crc32

import msgspec

from noetl.machine.held import Held
from noetl.machine.state import Compensation, Ending, Fork, Frame, Known, Phase, Row, Run, Stage, Status, Timer, Token
from noetl.machine.view import View
from noetl.machine.waits import ActionWait, SignalWait, StrandsWait, TimerWait, UndoingWait
from noetl.model.playbook import ActionCall, Block, Playbook, Step, TaskCall, Work

#: Raised with the next change of the form that the names of the classes and their fields do not tell.
_FORM = 2

_CLASSES = (
    ActionWait,
    Compensation,
    Ending,
    Fork,
    Frame,
    Held,
    Known,
    Phase,
    Row,
    SignalWait,
    Stage,
    Status,
    StrandsWait,
    Timer,
    TimerWait,
    Token,
    UndoingWait,
    View,
    OrderedDict,
    deque,
    range,
)
_ALLOWED: dict[tuple[str, str], Any] = {(one.__module__, one.__qualname__): one for one in _CLASSES}

#: What is kept otherwise, or is no part of the state.
_APART = frozenset({"playbook", "id", "rows", "joins", "changed", "timers_changed"})


class Unfit(Exception):
    """These bytes are not the state of a run of this playbook, or the state cannot be written as bytes."""


def form_of(playbook: Playbook, version: str) -> str:
    """What has to be the same where a snapshot is read: the playbook, this version of noetl, and its state's fields."""
    fields = [(one.__qualname__, getattr(one, "__slots__", ())) for one in _CLASSES]
    fingerprint = crc32(repr([_FORM, *fields, *sorted(vars(Run(playbook, "")))]).encode())
    return f"{version}/{fingerprint:08x}/{playbook.digest}"


class Snapshots:
    """The snapshots of one run. A row that has ended never changes again, so it is encoded once for all of them."""

    __slots__ = ("_next", "_open", "_packed")

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        #: The numbers of the rows that had not ended yet, and the first that nobody has looked at.
        self._open: list[int] = []
        self._next = 0

    def prepare(self, run: Run, most: int) -> bool:
        """Encodes rows that have ended, at most about so many; whether that was all."""
        end = min(len(run.rows), self._next + most)
        numbers = [*self._open, *range(self._next, end)]
        self._open = [number for number in numbers if run.rows[number].ended_at is None]
        self._next = end
        ended = [row for number in numbers if (row := run.rows[number]).ended_at is not None]
        if ended:
            self._packed.append(msgspec.msgpack.encode(ended))
        return end == len(run.rows)

    def take(self, run: Run) -> bytes:
        """The state as it is. Raises Unfit."""
        self.prepare(run, len(run.rows))
        state = {name: value for name, value in vars(run).items() if name not in _APART}
        file = io.BytesIO()
        pickler = pickle.Pickler(file, protocol=5)
        pickler.dispatch_table = _REDUCERS
        try:
            pickler.dump((state, [run.rows[number] for number in self._open]))
        except (pickle.PicklingError, TypeError, RecursionError) as error:
            raise Unfit(str(error)) from error
        return msgspec.msgpack.encode((len(run.rows), self._packed, file.getbuffer()))


def restore(state: bytes, playbook: Playbook, execution_id: str) -> Run:
    """The run whose state this was. Raises Unfit."""
    run = Run(playbook, execution_id)
    try:
        count, packed, body = msgspec.msgpack.decode(state, type=tuple[int, list[bytes], bytes])
        rows = {row.number: row for some in packed for row in msgspec.msgpack.decode(some, type=list[Row])}
        values, still_open = _Unpickler(io.BytesIO(body), playbook, rows).load()
        rows.update((row.number, row) for row in still_open)
        run.rows = [rows[number] for number in range(count)]
    except Exception as error:
        # Damaged bytes can make an unpickler raise anything.
        raise Unfit(f"{type(error).__name__}: {error}") from error
    vars(run).update(values)
    return run


def part(kind: str, name: Any) -> Any:
    """Stands in the bytes for what a snapshot takes from elsewhere; there it is looked up by `_Unpickler`."""
    raise Unfit(f"{kind} {name} belongs to a run")


def _reduce_row(row: Row) -> Any:
    return row.__reduce__() if row.ended_at is None else (part, ("row", row.number))


def entered(work: Work, at: int) -> Frame:
    """A frame whose other fields follow, for what they hold may lead back to it."""
    return Frame.of(work, at, None)


def fill(frame: Frame, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        setattr(frame, name, value)


def _reduce_frame(frame: Frame) -> Any:
    return entered, (frame.work, frame.started_at), msgspec.structs.asdict(frame), None, None, fill


def _reduce_work(work: ActionCall | TaskCall | Block) -> Any:
    return part, ("work", work.id)


_REDUCERS: dict[type, Callable[[Any], Any]] = {
    Row: _reduce_row,
    Frame: _reduce_frame,
    Step: lambda step: (part, ("step", step.name)),
    ActionCall: _reduce_work,
    TaskCall: _reduce_work,
    Block: _reduce_work,
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, playbook: Playbook, rows: dict[int, Row]) -> None:
        super().__init__(file)
        self._parts: dict[str, Any] = {"step": playbook.steps, "work": playbook.works, "row": rows}
        self._functions = {part.__name__: self._part, entered.__name__: entered, fill.__name__: fill}

    def find_class(self, module: str, name: str, /) -> Any:
        if module == __name__ and name in self._functions:
            return self._functions[name]
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"a state holds no {module}.{name}")
        return _ALLOWED[module, name]

    def _part(self, kind: str, name: Any) -> Any:
        return self._parts[kind][name]
