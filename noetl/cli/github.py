"""A run in a job of GitHub Actions: a group of lines for each step visit, and annotations where the playbook failed.

Nothing here asks to mask a secret: to do so would print it, and what comes here is masked already.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable
from typing import Any

from noetl.cli.lines import Lines
from noetl.cli.text import harmless
from noetl.cli.visits import Visit, went_unhandled
from noetl.cli.workflow_commands import workflow_command, workspace_path
from noetl.machine.undoing import undoes
from noetl.model.event import Event, Kind
from noetl.model.playbook import ActionCall, Playbook
from noetl.span import Span

#: Of the lines of a visit that cannot be written yet the last are kept.
_KEPT_LINES = 5000

#: What the runner would obey: at the start of a line, or in the older form anywhere.
_COMMAND = re.compile(r"^([ \t]*)(?=::)|(?<=##)(?=\[)", re.MULTILINE)


def inert(text: str) -> str:
    """Text in which nothing is a workflow command: what scripts and services say must not command the runner."""
    return _COMMAND.sub(r"\1\\", text) if "::" in text or "##[" in text else text


class Groups:
    """Lines in a group for each visit that says something; those that tell how visits ended stand outside.

    Groups do not nest, so one visit at a time writes its lines as they come; those of the others wait until it has
    ended or they have.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._writing: Visit | None = None
        self._grouped: Visit | None = None
        self._begun: set[Visit] = set()
        self._waiting: dict[Visit, deque[str]] = {}

    def said(self, visit: Visit | None, line: str) -> None:
        if visit is None:
            self._write_outside(line)
        elif self._writing is None or self._writing is visit:
            self._writing = visit
            self._write_inside(visit, line)
        else:
            self._waiting.setdefault(visit, deque(maxlen=_KEPT_LINES)).append(line)

    def ended(self, visit: Visit, line: str) -> None:
        self._write_waiting(visit)
        self._write_outside(line)
        self._begun.discard(visit)
        if self._writing is visit:
            self._writing = next(iter(self._waiting), None)
            if self._writing is not None:
                self._write_waiting(self._writing)

    def command(self, command: str) -> None:
        """A workflow command of our own."""
        self._close()
        self._put(f"{command}\n")

    def settle(self) -> None:
        self._close()
        self._lines.settle()

    def _write_waiting(self, visit: Visit) -> None:
        for line in self._waiting.pop(visit, ()):
            self._write_inside(visit, line)

    def _write_inside(self, visit: Visit, line: str) -> None:
        if self._grouped is not visit:
            self._close()
            again = " (continued)" if visit in self._begun else ""
            self._put(f"{workflow_command('group', harmless(visit.title) + again)}\n")
            self._grouped = visit
            self._begun.add(visit)
        self._put(inert(line))

    def _write_outside(self, line: str) -> None:
        self._close()
        self._put(inert(line))

    def _close(self) -> None:
        if self._grouped is not None:
            self._grouped = None
            self._put("::endgroup::\n")

    def _put(self, text: str) -> None:
        self._lines.said(None, text)


class Annotations:
    """Subscribes to the events of an engine: each failure that no case took becomes an error at its place.

    `playbook_of` gives the playbook of a run that goes on.
    """

    def __init__(self, tell: Callable[[str], None], playbook_of: Callable[[str], Playbook | None]) -> None:
        self._tell = tell
        self._playbook_of = playbook_of
        #: By run and step: where the last action that failed there stands.
        self._places: dict[tuple[str, str], str] = {}
        self._told: set[tuple[str, str | None, str, str]] = set()

    def __call__(self, event: Event) -> None:
        if event.kind == Kind.ACTION_FAILED and not undoes(event.token):
            self._places[event.execution_id, event.step] = event.data["place"]
        elif event.kind == Kind.RUN_FAILED or (event.kind == Kind.STEP_FAILED and went_unhandled(event)):
            self._failed(event.execution_id, event.data["error"])

    def _failed(self, execution_id: str, error: dict[str, Any]) -> None:
        key = (execution_id, error["step"], error["code"], error["message"])
        if key in self._told:
            return
        self._told.add(key)
        place: dict[str, str | int] = {}
        playbook = self._playbook_of(execution_id)
        if playbook is not None:
            place = _place(playbook, error, self._places.get((execution_id, error["step"] or "")))
        what = f"step '{error['step']}' failed" if error["step"] else "the run failed"
        title = harmless(f"{what}: {error['code']}")
        self._tell(workflow_command("error", harmless(error["message"]), **place, title=title))


def _place(playbook: Playbook, error: dict[str, Any], work: str | None) -> dict[str, str | int]:
    """Where in the playbook something failed: as the error says, else at its action, else at its step."""
    details = error["details"]
    if {"file", "line", "column"} <= details.keys():
        file, line, column = details["file"], details["line"], details["column"]
    else:
        span = _span(playbook, error, work)
        file, line, column = span.source.name, span.line, span.column
    return {"file": workspace_path(file), "line": line, "col": column} if os.path.isfile(file) else {}


def _span(playbook: Playbook, error: dict[str, Any], work: str | None) -> Span:
    calls = [call for call in playbook.works if isinstance(call, ActionCall) and call.action == error["action"]]
    failed = next((call for call in calls if call.place == work), None)
    if failed is None:
        # What the language itself does tells no place: it is taken from the step where that can be only one.
        here = [call for call in calls if call.place.startswith(f"{error['step']}.")]
        failed = here[0] if len(here) == 1 else None
    if failed is not None:
        return failed.span
    step = playbook.steps.get(error["step"] or "")
    return playbook.span if step is None else step.span
