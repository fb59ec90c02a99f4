"""Runs a Python program inside the engine: coroutines on the loop, everything else in a thread of its own.

Nothing here can be killed: a thread whose action was cancelled runs on to its end, unheard.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from noetl.actions.base import Call
from noetl.actions.program import NotFoundError, Program, describe, describe_bad_result, is_good_exit, search_path
from noetl.values import to_json


async def run_in_process(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """What a worker would reply: the `value`, or the `failure`."""
    loop = asyncio.get_running_loop()

    def progress(share: float, message: str = "") -> None:
        loop.call_soon_threadsafe(call.progress, float(share), str(message))

    def log(message: object, level: str = "info") -> None:
        loop.call_soon_threadsafe(call.log, str(level), str(message))

    namespace: dict[str, Any] = {"__name__": "__main__", "progress": progress, "log": log}
    program: Program | None = None
    try:
        program = _load(request, namespace)
        value = program.value(await _finish(program))
    except BaseException as error:
        if _is_cancelled(error):
            raise
        if not is_good_exit(error):
            return {"failure": describe(error, request)}
        value = None if program is None else program.value(None)
    try:
        return {"value": _detached(to_json(value))}
    except TypeError as error:
        return {"failure": describe_bad_result(error)}


def _is_cancelled(error: BaseException) -> bool:
    """Whether it is the action that is cancelled, not something that the program raised or cancelled itself."""
    task = asyncio.current_task()
    is_asked = task is not None and task.cancelling() > 0
    return isinstance(error, GeneratorExit) or (isinstance(error, asyncio.CancelledError) and is_asked)


def _load(request: Mapping[str, Any], namespace: dict[str, Any]) -> Program:
    for folder in search_path(request):
        # At the end: the engine itself must not come to import a playbook's module by accident.
        if folder not in sys.path:
            sys.path.append(folder)
        sys.path_importer_cache.pop(folder, None)
    program = Program({**request, "args": _detached(request["args"])}, namespace)
    if request["kind"] == "function":
        _check_origin(request["text"].partition(":")[0].partition(".")[0], request["folder"])
    return program


def _check_origin(module: str, folder: str) -> None:
    """The engine imports a name once, so that two playbooks cannot both have a module of that name beside them."""
    beside = any(os.path.exists(os.path.join(folder, name)) for name in (module, f"{module}.py"))
    loaded = getattr(sys.modules[module], "__file__", None)
    if beside and loaded is not None and not loaded.startswith(folder.rstrip("/") + "/"):
        message = f"the engine has another module '{module}', from '{loaded}'; rename it, or use 'runtime: isolated'"
        raise NotFoundError("module_conflict", message)


async def _finish(program: Program) -> Any:
    returned = program.start() if program.is_async else await _in_thread(program.start)
    return await returned if hasattr(returned, "__await__") else returned


async def _in_thread(work: Callable[[], Any]) -> Any:
    """Not in the loop's own pool of threads, which name look-ups wait for and the loop waits for when it closes."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()

    def deliver(returned: Any, error: BaseException | None) -> None:
        if not ended.done():
            ended.set_result((returned, error))

    def run() -> None:
        returned, caught = None, None
        try:
            returned = work()
        except BaseException as error:
            caught = error
        # The loop is closed when the action was cancelled long ago.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(deliver, returned, caught)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="noetl-python", daemon=True).start()
    returned, error = await ended
    if error is not None:
        raise error
    return returned


def _detached(data: Any) -> Any:
    """A copy: what the program keeps and changes must not be the data of the run."""
    return msgspec.json.decode(msgspec.json.encode(data))
