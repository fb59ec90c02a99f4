"""`python`: runs the user's Python, in a worker process of a warm pool or inside the engine."""

from __future__ import annotations

import ast
import keyword
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from noetl.actions.base import Call, Origin, Outcome
from noetl.actions.inprocess import run_in_process
from noetl.actions.leftovers import worker_name
from noetl.actions.output import MAX_OUTPUT, Outputs
from noetl.actions.process import signal_name
from noetl.actions.workers import WorkerDied, WorkerPool
from noetl.errors import ActionError, ErrorKind

if TYPE_CHECKING:
    from noetl.actions.touch import Touch

_FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


class PythonOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Run Python and take what it returns.

    `{action: python, args: {rows: "{{ rows }}"}, code: "return sum(row['amount'] for row in rows)", as: total}`
    """

    code: Annotated[
        str | None,
        Meta(
            description="Program text, taken as it stands: never a template. Its value is what it gives to `return`, "
            "or else assigns to `result`. `await` may stand anywhere. Besides `args` it finds the functions "
            "`progress(share, message)` and `log(message, level)`."
        ),
    ] = None
    function: Annotated[
        str | None,
        Meta(
            description="A function, as `module:name`, called with `args` as its keywords; it may be asynchronous. "
            "The module may lie beside the playbook."
        ),
    ] = None
    file: Annotated[
        str | None,
        Meta(description="A Python file, relative to the playbook's file, that is run as `code` is."),
    ] = None
    args: Annotated[
        dict[str, Any],
        Meta(description="The data for the program: each key is a name in the code, or a keyword of the function."),
    ] = {}

    def __post_init__(self) -> None:
        given = [name for name in ("code", "function", "file") if getattr(self, name) is not None]
        if len(given) != 1:
            got = " and ".join(f"'{name}'" for name in given) or "none"
            raise ValueError(f"exactly one of 'code', 'function' and 'file' is needed, got {got}")
        if not getattr(self, given[0]).strip():
            raise ValueError(f"'{given[0]}' is empty")
        if self.function is not None and not _FUNCTION.fullmatch(self.function):
            raise ValueError(f"'function' must be 'module:name', got '{self.function}'")
        for name in self.args:
            if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
                raise ValueError(f"'{name}' in 'args' cannot be a name in Python")


class PythonHandler:
    """The `python` action."""

    name: ClassVar[str] = "python"
    options: ClassVar[type[msgspec.Struct]] = PythonOptions
    program_text: ClassVar[frozenset[str]] = frozenset({"code"})
    runtimes: ClassVar[tuple[str, ...]] = ("isolated", "in-process")

    def fault_in(self, key: str, text: str) -> tuple[int, int, str] | None:
        """What is wrong with a program, before it is run."""
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError) as error:
            line, column = getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1
            return line, column, getattr(error, "msg", str(error))
        return _template_in(tree) if "{{" in text else None

    def touches(self, options: Mapping[str, Any], folder: Path) -> Iterator[Touch]:
        from noetl.actions.local_touches import python_touches

        return python_touches(options)

    async def run(self, options: PythonOptions, call: Call) -> Outcome:
        request = _request(options, call)
        if call.runtime == "in-process":
            return _outcome(await run_in_process(request, call), {})
        return await _run_isolated(request, call)


def _template_in(tree: ast.Module) -> tuple[int, int, str] | None:
    """Where a program holds `{{ name }}`: to Python a set in a set, which there cannot be."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Set) and any(isinstance(item, ast.Set) for item in node.elts):
            return node.lineno, node.col_offset + 1, "'{{ }}' is no template here: pass the value by 'args'"
    return None


def _request(options: PythonOptions, call: Call) -> dict[str, Any]:
    """What a Program is made of, and what a worker needs besides."""
    name, line, _ = call.origin.get("code", Origin("<code>", 1))
    kind, text = "code", options.code
    if options.function is not None:
        kind, text = "function", options.function
    elif options.file is not None:
        kind, text = "file", os.path.abspath(os.path.join(call.folder, os.path.expanduser(options.file)))
    return {
        "kind": kind,
        "text": text,
        "args": options.args,
        "name": name if kind == "code" else text,
        "line": line,
        "key": call.key,
        "process_name": worker_name(call.key),
        "folder": os.path.abspath(call.folder),
        "working_folder": os.path.abspath(call.working_folder),
    }


async def _run_isolated(request: Mapping[str, Any], call: Call) -> Outcome:
    pool = await call.resource(WorkerPool, "python")
    async with pool.lease() as worker:
        outputs = Outputs(MAX_OUTPUT, call.line)
        try:
            call.spawned(worker.pid)
            reply = await worker.ask(request, outputs, lambda note: _pass_on(note, call))
        except WorkerDied as died:
            raise _death(died, outputs.fields()) from None
        finally:
            outputs.close()
    return _outcome(reply, outputs.fields())


def _pass_on(note: Mapping[str, Any], call: Call) -> None:
    if "progress" in note:
        call.progress(*note["progress"])
    else:
        call.log(*note["log"])


def _outcome(reply: Mapping[str, Any], fields: Mapping[str, Any]) -> Outcome:
    failure = reply.get("failure")
    if failure is None:
        return Outcome(data=reply["value"], fields=fields)
    raise ActionError(
        ErrorKind(failure["kind"]),
        failure["code"],
        failure["message"],
        failure["details"],
        {**failure.get("fields", {}), **fields},
    )


def _death(died: WorkerDied, fields: Mapping[str, Any]) -> ActionError:
    details: dict[str, Any] = {}
    if died.status is None:
        message = "the worker process cut its connection to the engine"
    elif died.status < 0:
        details["signal"] = signal_name(-died.status)
        message = f"the worker process was killed by {details['signal']}"
        if details["signal"] == "SIGKILL":
            message += ", as happens when memory runs out"
    else:
        details["exit_code"] = died.status
        message = f"the worker process ended with exit code {died.status} before the code did"
    return ActionError(ErrorKind.SYSTEM, "worker_died", message, details, fields)
