"""Carries out one action: everything that stands around a handler's `run`, once for all handlers.

Held options are rendered, options checked, the timeout kept, secrets masked, and whatever goes wrong becomes an error
with a kind and a code.
"""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Mapping
from functools import partial
from typing import Any

from noetl.actions.base import Call, Handler, Origin, Render
from noetl.actions.registry import convert_options
from noetl.errors import ActionError, ErrorKind, ExpressionError, StoreError
from noetl.machine import ActionEnded, RunAction
from noetl.machine.held import HeldOption, release
from noetl.machine.result import Error, make_error
from noetl.machine.scope import Drawing, moment
from noetl.model.expression import Template
from noetl.model.playbook import ActionCall
from noetl.runtime.clock import microseconds
from noetl.runtime.surroundings import Around, Surroundings
from noetl.values import to_json


async def carry_out(command: RunAction, around: Around) -> ActionEnded:
    """Run the handler of an action to its end; never raises but asyncio's CancelledError, and StoreError.

    When it is over, all that the handler has said on the way is told.
    """
    surroundings = Surroundings(around, command)
    data: Any = None
    error: Error | None = None
    try:
        handler = around.host.handler(command.work.action)
        given, later = _release(command, around) if command.held else (command.options, {})
        options = _settled(command, handler, around) if command.work.settled else _convert(handler, given)
        call = _call(command, handler, around, surroundings, later)
        if command.timeout is None:
            outcome = await handler.run(options, call)
        else:
            async with asyncio.timeout(command.timeout):
                outcome = await handler.run(options, call)
        data, fields = to_json(outcome.data), to_json(outcome.fields)
    except StoreError:
        # The log of a run that it called: to say that the action has failed would be to say too much.
        raise
    except Exception as raised:
        failure = _failure(command, raised)
        data, fields, error = None, to_json(failure.fields), _error(command, failure)
    finally:
        surroundings.end()
    mask = around.masker.mask
    return ActionEnded(
        at=microseconds(),
        token=command.token,
        wait=command.wait,
        data=mask(data),
        fields=mask(fields),
        error=None if error is None else mask(error),
    )


def _failure(command: RunAction, raised: Exception) -> ActionError:
    """What went wrong, with a kind and a code."""
    work = command.work
    if isinstance(raised, ActionError):
        return raised
    if isinstance(raised, TimeoutError):
        bound = "" if command.timeout is None else f" of {command.timeout:g} s"
        message = f"{work.title} of step '{command.step}' did not end within its timeout{bound}"
        return ActionError(ErrorKind.TRANSIENT, "timeout", message)
    if isinstance(raised, ExpressionError):
        return ActionError(ErrorKind.PERMANENT, raised.code, raised.message)
    trace = "".join(traceback.format_exception(raised))
    message = f"the handler of '{work.action}' raised {type(raised).__name__}: {raised}"
    return ActionError(ErrorKind.PERMANENT, "defect", message, {"traceback": trace})


def _error(command: RunAction, failure: ActionError) -> Error:
    return make_error(
        failure.kind,
        failure.code,
        failure.message,
        step=command.step,
        action=command.work.action,
        attempt=command.attempt,
        details=to_json(failure.details),
    )


def _release(command: RunAction, around: Around) -> tuple[dict[str, Any], dict[str, Render]]:
    """The options with those that were held rendered, now that somebody may know; and how to render the later ones."""
    options = dict(command.options)
    later: dict[str, Render] = {}
    outside: dict[str, Any] = {"secrets": around.secrets, "env": os.environ}
    drawing = Drawing(command.key)
    outside.update(now=lambda: moment(around.now()), uuid=drawing.uuid, random=drawing.random)
    for name, held in command.held.items():
        if name in command.work.later:
            option = HeldOption(held, outside)
            options[name] = to_json(option.shown(command.work.later[name]))
            later[name] = partial(_render, option)
        else:
            options[name] = to_json(release(held, outside))
    return options, later


def _render(option: HeldOption, key: str, names: Mapping[str, Any]) -> Any:
    return to_json(option.render(key, names))


def _settled(command: RunAction, handler: Handler, around: Around) -> Any:
    """The options of an action in which there is nothing to evaluate, converted when it is carried out first."""
    known = around.settled.get(command.work.id)
    if known is None:
        known = _convert(handler, command.options)
        if handler.options.__struct_config__.frozen:
            around.settled[command.work.id] = known
    return known


def _convert(handler: Handler, options: dict[str, Any]) -> Any:
    try:
        return convert_options(handler, options)
    except ValueError as error:
        message = f"the options of '{handler.name}' are wrong: {error}"
        raise ActionError(ErrorKind.USER, "bad_options", message) from error


def _call(
    command: RunAction, handler: Handler, around: Around, surroundings: Surroundings, later: Mapping[str, Render]
) -> Call:
    work = command.work
    return Call(
        action=work.action,
        key=command.key,
        attempt=command.attempt,
        timeout_s=command.timeout,
        folder=around.folder,
        working_folder=around.working_folder,
        origin=_origin(work, handler.program_text) if handler.program_text else {},
        progress=surroundings.progress,
        line=surroundings.line,
        log=surroundings.log,
        spawned=surroundings.spawned,
        open_resource=around.host.resource,
        run_playbook=surroundings.run_playbook,
        runtime=work.runtime,
        later=later,
    )


def _origin(work: ActionCall, program_text: frozenset[str]) -> dict[str, Origin]:
    """Where each program in the options begins: that of a block scalar, on the line after its `|`."""
    found: dict[str, Origin] = {}
    for name in program_text & work.options.keys():
        span = work.options[name].span
        opening = span.source.line(span.line)[span.column - 1 :]
        line = span.line + opening.startswith(("|", ">"))
        found[name] = Origin(span.source.name, line, _indent(work.options[name], line))
    return found


def _indent(program: Template, line: int) -> int:
    """How far into its line the first line of a program begins that has anything on it; 0 where that cannot be told."""
    span = program.span
    for number, text in enumerate(str(program.value).splitlines(), line):
        if text.strip():
            begins = span.column - 1 if number == span.line else 0
            return max(0, span.source.line(number).find(text, begins))
    return 0
