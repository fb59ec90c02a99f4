"""The events of runs as lines of text: one for each step that ended, and what actions and scripts say."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from noetl.cli.console import Output
from noetl.cli.lines import Lines
from noetl.cli.render import where
from noetl.cli.text import duration, harmless, one_line, shown
from noetl.cli.visits import Visit, Visits
from noetl.model.event import Event, Kind

#: So many failures of one visit are told one by one.
_MOST_FAILURES = 3

_LEVEL_STYLES = {"warning": "warning", "error": "bad", "debug": "dim"}


class _Run:
    """What is to be remembered of a run; `label` stands before the names of its steps."""

    __slots__ = ("failures", "label", "names", "visits", "width")

    def __init__(self, label: str, width: int) -> None:
        self.label = label
        self.width = width
        self.names: dict[str, str] = {}
        self.visits = Visits(label)
        #: By step: what failed in it and was not tried again.
        self.failures: dict[str, list[dict[str, Any]]] = {}

    def name(self, step: str) -> str:
        """A step's name as it stands in its line."""
        known = self.names.get(step)
        if known is None:
            known = self.names[step] = f"{self.label + step:{self.width}}"
        return known


class Progress:
    """Subscribes to the events of an engine and gives lines, painted for an output.

    `width` is that of the step names. `scripts` says whether what scripts print is told, `debug` whether messages of
    that level are. The first run seen is the one that was asked for; the steps of others stand behind the name of their
    playbook.
    """

    def __init__(self, output: Output, lines: Lines, *, width: int, scripts: bool, debug: bool) -> None:
        self._output = output
        self._lines = lines
        self._width = width
        self._scripts = scripts
        self._debug = debug
        self._second = -1
        self._clock = ""
        self._runs: dict[str, _Run] = {}
        self._marks: dict[str, str] = {
            Kind.STEP_COMPLETED: output.paint(output.symbol("✓", "+"), "good"),
            Kind.STEP_FAILED: output.paint(output.symbol("✗", "x"), "bad"),
            Kind.STEP_CANCELLED: output.paint("-", "warning"),
        }
        self._retry_mark = output.paint(output.symbol("↻", "~"), "warning")
        self._failed_mark = output.paint("!", "warning")
        self._said_mark = output.paint(output.symbol("·", "."), "dim")

    def __call__(self, event: Event) -> None:
        data = event.data
        if "changes" in data:
            for change in data["changes"]:
                if change[1] == "log":
                    self._log(event, *change[2:])
                elif change[1] == "fail":
                    self._note_failure(event, change[2])
        handle = _HANDLERS.get(event.kind)
        if handle is not None:
            handle(self, event, data)

    def _line(self, at: int, mark: str, text: str) -> str:
        if at // 1_000_000 != self._second:
            self._second = at // 1_000_000
            self._clock = self._output.paint(time.strftime("%H:%M:%S", time.localtime(self._second)), "dim")
        return f"{self._clock} {mark} {text}\n"

    def _tell(self, event: Event, mark: str, text: str) -> None:
        self._lines.said(self._runs[event.execution_id].visits.of(event), self._line(event.at, mark, text))

    def _run_started(self, event: Event, data: dict[str, Any]) -> None:
        label = f"{data['playbook']}/" if self._runs else ""
        self._runs[event.execution_id] = _Run(label, self._width)

    def _step_started(self, event: Event, data: dict[str, Any]) -> None:
        self._runs[event.execution_id].visits.start(event)

    def _step_ended(self, event: Event, data: dict[str, Any]) -> None:
        run = self._runs[event.execution_id]
        visit = run.visits.end(event)
        if visit is None:
            return
        failures = run.failures.pop(event.step, ())
        if event.kind == Kind.STEP_COMPLETED and failures:
            self._tell_tolerated(event, visit, failures)
        took = duration((event.at - visit.started_at) / 1e6) if event.at != visit.started_at else "0.0 ms"
        number = f" (visit {visit.number})" if visit.number > 1 else ""
        text = f"{run.name(event.step)} {took:>7}{number}"
        line = self._line(event.at, self._marks[event.kind], where(text, data.get("next"), data.get("error")))
        self._lines.ended(visit, line)

    def _action_failed(self, event: Event, data: dict[str, Any]) -> None:
        self._note_failure(event, data["error"])

    def _note_failure(self, event: Event, error: dict[str, Any]) -> None:
        self._runs[event.execution_id].failures.setdefault(event.step, []).append(error)

    def _tell_tolerated(self, event: Event, visit: Visit, failures: Sequence[dict[str, Any]]) -> None:
        """Failures that a completed step went on after; its own line does not show them."""
        head = f"{self._name(event)} went on"
        for error in failures[:_MOST_FAILURES]:
            self._lines.said(visit, self._line(event.at, self._failed_mark, where(head, None, error)))
        if len(failures) > _MOST_FAILURES:
            more = f"{head} after {len(failures) - _MOST_FAILURES} more failures"
            self._lines.said(visit, self._line(event.at, self._said_mark, more))

    def _retrying(self, event: Event, data: dict[str, Any]) -> None:
        if failures := self._runs[event.execution_id].failures.get(event.step):
            failures.pop()
        after = f"in {duration(data['delay'])}" if data["delay"] > 0 else "at once"
        again = f"{self._name(event)} is tried again {after} (attempt {data['attempt']})"
        self._tell(event, self._retry_mark, where(again, None, data["error"]))

    def _name(self, event: Event) -> str:
        return self._runs[event.execution_id].name(event.step).rstrip()

    def _logged(self, event: Event, data: dict[str, Any]) -> None:
        self._log(event, data["level"], data["message"], {})

    def _log(self, event: Event, level: str, message: str, fields: dict[str, Any]) -> None:
        if level == "debug" and not self._debug:
            return
        head = "" if level == "info" else self._output.paint(f"{level}: ", _LEVEL_STYLES.get(level, "bold"))
        told = "".join(f" {one_line(name)}={shown(value)}" for name, value in fields.items())
        self._say(event, f"{head}{harmless(message)}{told}")

    def _printed(self, event: Event, data: dict[str, Any]) -> None:
        if self._scripts:
            for _, text in data["lines"]:
                self._say(event, f"{self._name(event)} | {harmless(text)}")

    def _say(self, event: Event, text: str) -> None:
        for line in text.split("\n"):
            self._tell(event, self._said_mark, line.rstrip())


_HANDLERS: dict[str, Callable[[Progress, Event, dict[str, Any]], None]] = {
    Kind.RUN_STARTED: Progress._run_started,
    Kind.STEP_STARTED: Progress._step_started,
    Kind.STEP_COMPLETED: Progress._step_ended,
    Kind.STEP_FAILED: Progress._step_ended,
    Kind.STEP_CANCELLED: Progress._step_ended,
    Kind.ACTION_FAILED: Progress._action_failed,
    Kind.ACTION_RETRYING: Progress._retrying,
    Kind.LOG: Progress._logged,
    Kind.OUTPUT: Progress._printed,
}
