"""Runs as lines of text while they go on: one for each step that ended, and what actions and scripts say."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from noetl.cli.console import Output
from noetl.cli.render import where
from noetl.cli.text import duration, harmless, one_line, shown
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
        #: By token: when its visit started, and which one of its step it is.
        self.visits: dict[str, tuple[int, int]] = {}
        #: By step: what failed in it and was not tried again.
        self.failures: dict[str, list[dict[str, Any]]] = {}

    def name(self, step: str) -> str:
        """A step's name as it stands in its line."""
        known = self.names.get(step)
        if known is None:
            known = self.names[step] = f"{self.label + step:{self.width}}"
        return known


class Progress:
    """Subscribes to the events of an engine; `width` is that of the step names, `verbose` adds what scripts print.

    The first run seen is the one that was asked for; the steps of others stand behind the name of their playbook.
    `soon` calls back when the event loop turns: the lines of a turn are written at once, for a chain of steps must not
    wait at each.
    """

    def __init__(
        self, output: Output, *, width: int, verbose: bool, soon: Callable[[Callable[[], None]], object]
    ) -> None:
        self._output = output
        self._width = width
        self._verbose = verbose
        self._soon = soon
        self._lines: list[str] = []
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

    def _line(self, at: int, mark: str, text: str) -> None:
        if at // 1_000_000 != self._second:
            self._second = at // 1_000_000
            self._clock = self._output.paint(time.strftime("%H:%M:%S", time.localtime(self._second)), "dim")
        if not self._lines:
            self._soon(self._write)
        self._lines.append(f"{self._clock} {mark} {text}\n")

    def _write(self) -> None:
        lines, self._lines = self._lines, []
        self._output.write("".join(lines))
        self._output.flush()

    def _run_started(self, event: Event, data: dict[str, Any]) -> None:
        label = f"{data['playbook']}/" if self._runs else ""
        self._runs[event.execution_id] = _Run(label, self._width)

    def _step_started(self, event: Event, data: dict[str, Any]) -> None:
        self._runs[event.execution_id].visits[event.token] = (event.at, data["visit"])

    def _step_ended(self, event: Event, data: dict[str, Any]) -> None:
        run = self._runs[event.execution_id]
        started = run.visits.pop(event.token, None)
        if started is None:
            # A branch that was cancelled before it came to its step.
            return
        failures = run.failures.pop(event.step, ())
        if event.kind == Kind.STEP_COMPLETED and failures:
            self._tell_tolerated(event, failures)
        at, visit = started
        took = duration((event.at - at) / 1e6) if event.at != at else "0.0 ms"
        text = f"{run.name(event.step)} {took:>7} (visit {visit})" if visit > 1 else f"{run.name(event.step)} {took:>7}"
        self._line(event.at, self._marks[event.kind], where(text, data.get("next"), data.get("error")))

    def _action_failed(self, event: Event, data: dict[str, Any]) -> None:
        self._note_failure(event, data["error"])

    def _note_failure(self, event: Event, error: dict[str, Any]) -> None:
        self._runs[event.execution_id].failures.setdefault(event.step, []).append(error)

    def _tell_tolerated(self, event: Event, failures: Sequence[dict[str, Any]]) -> None:
        """Failures that a completed step went on after; its own line does not show them."""
        for error in failures[:_MOST_FAILURES]:
            self._line(event.at, self._failed_mark, where(f"{self._name(event)} went on", None, error))
        if len(failures) > _MOST_FAILURES:
            self._say(event, f"{self._name(event)} went on after {len(failures) - _MOST_FAILURES} more failures")

    def _retrying(self, event: Event, data: dict[str, Any]) -> None:
        if failures := self._runs[event.execution_id].failures.get(event.step):
            failures.pop()
        after = f"in {duration(data['delay'])}" if data["delay"] > 0 else "at once"
        again = f"{self._name(event)} is tried again {after} (attempt {data['attempt']})"
        self._line(event.at, self._retry_mark, where(again, None, data["error"]))

    def _name(self, event: Event) -> str:
        return self._runs[event.execution_id].name(event.step).rstrip()

    def _logged(self, event: Event, data: dict[str, Any]) -> None:
        self._log(event, data["level"], data["message"], {})

    def _log(self, event: Event, level: str, message: str, fields: dict[str, Any]) -> None:
        if level == "debug" and not self._verbose:
            return
        head = "" if level == "info" else self._output.paint(f"{level}: ", _LEVEL_STYLES.get(level, "bold"))
        told = "".join(f" {one_line(name)}={shown(value)}" for name, value in fields.items())
        self._say(event, f"{head}{harmless(message)}{told}")

    def _printed(self, event: Event, data: dict[str, Any]) -> None:
        if self._verbose:
            for _, text in data["lines"]:
                self._say(event, f"{self._name(event)} | {harmless(text)}")

    def _say(self, event: Event, text: str) -> None:
        for line in text.split("\n"):
            self._line(event.at, self._said_mark, line.rstrip())


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
