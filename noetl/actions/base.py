"""What a handler is: its options, what it is given, what it returns. Knows nothing of steps, rules or the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

import msgspec

R = TypeVar("R", bound="Resource")

#: Renders the template under a key of an option, with these names beside those of the run.
Render = Callable[[str, Mapping[str, Any]], Any]


class Resource(Protocol):
    """Something costly that actions share: a connection pool, a pool of worker processes.

    The runtime opens one for each class and key, on first use, and closes all of them when the engine closes.
    """

    @classmethod
    async def open(cls, key: str) -> Resource: ...

    async def close(self) -> None: ...


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler returns: `data` (JSON values), and its own `fields` of the result (`exit_code`, ...)."""

    data: Any = None
    fields: Mapping[str, Any] = {}


class Origin(NamedTuple):
    """Where the first line of a program stands: `indent` characters into a line of a file."""

    file: str
    line: int
    indent: int = 0


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler may know of the action it carries out.

    `key`: the idempotency key, the same for every attempt. `attempt`: from 1. `timeout_s`: seconds this attempt may
    take, None without a bound; the runtime enforces it by cancelling the handler. `folder`: the folder of the
    playbook's file, to which `file`, `script` and `path` are relative. `working_folder`: where the run was started, to
    which `cwd` and the files that an action writes are relative. `origin`: for each option that is program text,
    where it stands, so that a traceback can point at the playbook.
    `spawned` is called with the process id of a group leader as soon as an action has started one. `log` takes a level
    and a message. `runtime` is the one of the handler's `runtimes` that the action asks for, None where it leaves the
    choice. `later` renders, for each option that the handler renders itself, one of its keys over the given names;
    it raises ExpressionError, and gives None where the playbook does not have the key.
    """

    action: str
    key: str
    attempt: int
    timeout_s: float | None
    folder: Path
    working_folder: Path
    origin: Mapping[str, Origin]
    progress: Callable[[float, str], None]
    line: Callable[[str, str], None]
    log: Callable[[str, str], None]
    spawned: Callable[[int], None]
    open_resource: Callable[[type[Resource], str], Awaitable[Resource]]
    run_playbook: Callable[[Any], Awaitable[Outcome]]
    runtime: str | None = None
    later: Mapping[str, Render] = {}

    async def resource(self, kind: type[R], key: str) -> R:
        """The shared resource of this class and key, opened on first use."""
        opened = await self.open_resource(kind, key)
        assert isinstance(opened, kind)
        return opened


class Handler(Protocol):
    """Carries out one kind of action.

    `options` is a msgspec Struct of the action's own keys, each with a `msgspec.Meta` description; the JSON Schema in
    `grammar/actions/` is generated from it. `program_text` names the options that are never templates.
    A handler of program text may have `fault_in(key, text)`, which returns the line, column and wording of what is
    wrong with the syntax of a program, or None: it is asked when a playbook is checked.
    A handler may have `touches(options, folder)`, which gives a `noetl.actions.touch.Touch` for each thing that an
    action would touch: `noetl run --dry-run` asks for it. The options are a mapping as the playbook has them, rendered
    but neither checked nor whole: an `Unknown`, a text in brackets, stands for what only the run will know. `folder` is
    that of the playbook's file. It changes nothing and asks no network.
    A handler may have `later`, a mapping from options to `noetl.model.playbook.Later`: what of them it renders itself,
    by `Call.later`.
    `run` returns an Outcome or raises ActionError; any other exception is a defect and is reported as permanent. It is
    cancelled as asyncio cancels: it must leave nothing running behind. Actions that follow one another may be awaited
    in one task: a context variable that it sets is to be set back. Where the Struct of the options is frozen, several
    calls may get the same object: what it holds is not to be changed.
    """

    name: ClassVar[str]
    options: ClassVar[type[msgspec.Struct]]
    program_text: ClassVar[frozenset[str]]
    runtimes: ClassVar[tuple[str, ...]]

    async def run(self, options: Any, call: Call) -> Outcome: ...
