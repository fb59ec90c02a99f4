"""The events of runs as lines of text: one for each step that ended, and what actions and scripts say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from noetl.cli.console import Output
from noetl.cli.lines import Lines
from noetl.cli.render import where
from noetl.cli.text import duration, harmless, one_line, shown
from noetl.cli.visits import Visit, Visits
from noetl.machine import Run
from noetl.machine.undoing import undoes
from noetl.model.event import Event, Kind
from noetl.runtime.ids import following_id

#: So many failures of one visit are told one by one.
_MOST_FAILURES = 3

#: What most steps that only set something take.
_AT_ONCE = f"{duration(0):>7}"

_LEVEL_STYLES = {"warning": "warning", "error": "bad", "debug": "dim"}


class _Notes:
    """What is to be told with the end of a visit."""

    __slots__ = ("done", "failures", "reused")

    def __init__(self) -> None:
        #: What failed and was not tried again.
        self.failures: list[dict[str, Any]] = []
        #: Whether an action was taken over from another run, or has completed here.
        self.reused = False
        self.done = False


class _Run:
    """What is to be remembered of a run; `label` stands before the names of its steps."""

    __slots__ = ("label", "names", "notes", "visits", "width")

    def __init__(self, label: str, width: int) -> None:
        self.label = label
        self.width = width
        self.names: dict[str, str] = {}
        self.visits = Visits(label)
        #: By step, while it goes on.
        self.notes: dict[str, _Notes] = {}

    def name(self, step: str) -> str:
        """A step's name as it stands in its line."""
        known = self.names.get(step)
        if known is None:
            known = self.names[step] = f"{self.label + step:{self.width}}"
        return known

    def note(self, step: str) -> _Notes:
        return self.notes.setdefault(step, _Notes())


class Progress:
    """Subscribes to the events of an engine and gives lines, painted for an output.

    `width` is that of the step names. `scripts` says whether what scripts print is told, `debug` whether messages of
    that level are. The first run seen is the one that was asked for, as are those that try it again; the steps of
    others, and with `named` of all, stand behind the name of their playbook. `runs` gives the states of the runs that
    go on: one that is resumed has visits that began before its first event here.
    """

    def __init__(
        self,
        output: Output,
        lines: Lines,
        *,
        width: int,
        scripts: bool,
        debug: bool,
        runs: Callable[[], Iterable[Run]] = tuple,
        named: bool = False,
    ) -> None:
        self._output = output
        self._lines = lines
        self._width = width
        self._scripts = scripts
        self._debug = debug
        self._second = -1
        self._clock = ""
        self._going_on = runs
        self._named = named
        self._runs: dict[str, _Run] = {}
        #: By its id, the label of a run that is to try a failed one again.
        self._following: dict[str, str] = {}
        #: By run and step: what waits for a limit, so that it is told once.
        self._queued: set[tuple[str, str, str]] = set()
        self._marks: dict[str, str] = {
            Kind.STEP_COMPLETED: output.paint(output.symbol("✓", "+"), "good"),
            Kind.STEP_FAILED: output.paint(output.symbol("✗", "x"), "bad"),
            Kind.STEP_CANCELLED: output.paint("-", "warning"),
        }
        self._retry_mark = output.paint(output.symbol("↻", "~"), "warning")
        self._failed_mark = output.paint("!", "warning")
        self._said_mark = output.paint(output.symbol("·", "."), "dim")

    def __call__(self, event: Event) -> None:
        run = self._runs.get(event.execution_id) or self._meet(event)
        data = event.data
        if "changes" in data:
            for change in data["changes"]:
                word = change[1]
                if word == "log":
                    self._log(run, event, *change[2:])
                elif word == "fail":
                    self._note_failure(run, event, change[2])
        if event.kind in _HANDLERS:
            _HANDLERS[event.kind](self, run, event, data)

    def _line(self, at: int, mark: str, text: str) -> str:
        if at // 1_000_000 != self._second:
            self._second = at // 1_000_000
            self._clock = self._output.paint(time.strftime("%H:%M:%S", time.localtime(self._second)), "dim")
        return f"{self._clock} {mark} {text}\n"

    def _tell(self, run: _Run, event: Event, mark: str, text: str) -> None:
        self._lines.said(run.visits.of(event), self._line(event.at, mark, text))

    def _meet(self, event: Event) -> _Run:
        """The first event of a run: its beginning, or of a run that is resumed whatever comes then."""
        run = next((run for run in self._going_on() if run.id == event.execution_id), None)
        playbook = (
            event.data["playbook"] if event.kind == Kind.RUN_STARTED else "" if run is None else run.playbook.name
        )
        label = f"{playbook}/" if self._runs or self._named else ""
        met = _Run(self._following.pop(event.execution_id, label), self._width)
        self._runs[event.execution_id] = met
        if run is not None and event.kind != Kind.RUN_STARTED:
            for row in run.rows:
                # The state may be ahead of the event.
                if row.started_at < event.at and (row.ended_at is None or row.ended_at >= event.at):
                    met.visits.take_up(row)
        return met

    def _run_paused(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        until = data.get("until")
        end = "" if until is None else f" until {time.strftime('%H:%M:%S', time.localtime(until / 1e6))}"
        self._tell_run(run, event, self._failed_mark, f"is paused{end}: {one_line(data['reason'])}")

    def _run_resumed(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        how = "goes on where its engine was lost" if data.get("recovered") else "goes on"
        self._tell_run(run, event, self._retry_mark, how)

    def _run_failed(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        again = data.get("again")
        if again is None:
            return
        self._following[following_id(event.execution_id)] = run.label
        delay = (again["due"] - event.at) / 1e6
        after = f"in {duration(delay)}" if delay > 0 else "at once"
        text = f"is tried again {after} (attempt {again['attempt']})"
        self._tell_run(run, event, self._retry_mark, where(text, None, data["error"]))

    def _late(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        if event.step:
            self._tell(run, event, self._failed_mark, f"{self._name(run, event)} is late: its 'sla' has passed")
        else:
            self._tell_run(run, event, self._failed_mark, "is late: its 'sla' has passed")

    def _was_queued(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        known = (event.execution_id, event.step, data["reason"])
        if known not in self._queued:
            self._queued.add(known)
            self._tell(run, event, self._said_mark, f"{self._name(run, event)} is queued: {one_line(data['reason'])}")

    def _circuit_changed(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        mark = self._said_mark if data["state"] == "closed" else self._failed_mark
        self._tell(run, event, mark, f"the circuit of limit '{one_line(data['limit'])}' is {one_line(data['state'])}")

    def _compensating(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        self._tell(run, event, self._said_mark, f"{self._name(run, event)} is undone by '{one_line(data['task'])}'")

    def _compensated(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        error = data.get("error")
        text = f"{self._name(run, event)} {'is undone' if error is None else 'is not undone'}"
        mark = self._marks[Kind.STEP_COMPLETED if error is None else Kind.STEP_FAILED]
        self._tell(run, event, mark, where(text, None, error))

    def _tell_run(self, run: _Run, event: Event, mark: str, text: str) -> None:
        label = run.label.rstrip("/")
        self._lines.said(None, self._line(event.at, mark, f"{label or 'the run'} {text}"))

    def _step_started(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        run.visits.start(event)

    def _step_ended(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        visit = run.visits.end(event)
        if visit is None:
            return
        name = run.names.get(event.step) or run.name(event.step)
        took = _AT_ONCE if event.at == visit.started_at else f"{duration((event.at - visit.started_at) / 1e6):>7}"
        text = f"{name} {took} (visit {visit.number})" if visit.number > 1 else f"{name} {took}"
        if event.step in run.notes:
            text += self._told(run, event, visit, run.notes.pop(event.step))
        line = self._line(event.at, self._marks[event.kind], where(text, data.get("next"), data.get("error")))
        self._lines.ended(visit, line)

    def _told(self, run: _Run, event: Event, visit: Visit, notes: _Notes) -> str:
        """Tell of a visit that ends what its line does not show; a remark for the line."""
        if event.kind == Kind.STEP_COMPLETED and notes.failures:
            self._tell_tolerated(run, event, visit, notes.failures)
        if not notes.reused:
            return ""
        return " (partly taken over)" if notes.done else " (taken over)"

    def _step_undoing(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        if data["compensations"]:
            run.note(event.step).failures.clear()
            text = where(f"{self._name(run, event)} failed, and its branch is undone", None, data["error"])
            self._tell(run, event, self._failed_mark, text)

    def _action_failed(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        self._note_failure(run, event, data["error"])

    def _action_completed(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        if undoes(event.token):
            return
        notes = run.note(event.step)
        if "reused" in data:
            notes.reused = True
        else:
            notes.done = True

    def _note_failure(self, run: _Run, event: Event, error: dict[str, Any]) -> None:
        # What fails in undoing something is told with what it was to undo.
        if not undoes(event.token):
            run.note(event.step).failures.append(error)

    def _tell_tolerated(self, run: _Run, event: Event, visit: Visit, failures: Sequence[dict[str, Any]]) -> None:
        """Failures that a completed step went on after; its own line does not show them."""
        head = f"{self._name(run, event)} went on"
        for error in failures[:_MOST_FAILURES]:
            self._lines.said(visit, self._line(event.at, self._failed_mark, where(head, None, error)))
        if len(failures) > _MOST_FAILURES:
            more = f"{head} after {len(failures) - _MOST_FAILURES} more failures"
            self._lines.said(visit, self._line(event.at, self._said_mark, more))

    def _retrying(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        failures = run.note(event.step).failures
        if failures and not undoes(event.token):
            failures.pop()
        after = f"in {duration(data['delay'])}" if data["delay"] > 0 else "at once"
        again = f"{self._name(run, event)} is tried again {after} (attempt {data['attempt']})"
        self._tell(run, event, self._retry_mark, where(again, None, data["error"]))

    def _name(self, run: _Run, event: Event) -> str:
        return run.name(event.step).rstrip()

    def _logged(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        self._log(run, event, data["level"], data["message"], {})

    def _log(self, run: _Run, event: Event, level: str, message: str, fields: dict[str, Any]) -> None:
        if level == "debug" and not self._debug:
            return
        head = "" if level == "info" else self._output.paint(f"{level}: ", _LEVEL_STYLES.get(level, "bold"))
        told = "".join(f" {one_line(name)}={shown(value)}" for name, value in fields.items())
        self._say(run, event, f"{head}{harmless(message)}{told}")

    def _printed(self, run: _Run, event: Event, data: dict[str, Any]) -> None:
        if self._scripts:
            for _, text in data["lines"]:
                self._say(run, event, f"{self._name(run, event)} | {harmless(text)}")

    def _say(self, run: _Run, event: Event, text: str) -> None:
        for line in text.split("\n"):
            self._tell(run, event, self._said_mark, line.rstrip())


_HANDLERS: dict[str, Callable[[Progress, _Run, Event, dict[str, Any]], None]] = {
    Kind.RUN_PAUSED: Progress._run_paused,
    Kind.RUN_RESUMED: Progress._run_resumed,
    Kind.RUN_FAILED: Progress._run_failed,
    Kind.RUN_LATE: Progress._late,
    Kind.STEP_STARTED: Progress._step_started,
    Kind.STEP_COMPLETED: Progress._step_ended,
    Kind.STEP_UNDOING: Progress._step_undoing,
    Kind.STEP_FAILED: Progress._step_ended,
    Kind.STEP_CANCELLED: Progress._step_ended,
    Kind.ACTION_FAILED: Progress._action_failed,
    Kind.ACTION_RETRYING: Progress._retrying,
    Kind.ACTION_QUEUED: Progress._was_queued,
    Kind.ACTION_COMPLETED: Progress._action_completed,
    Kind.CIRCUIT_CHANGED: Progress._circuit_changed,
    Kind.COMPENSATION_STARTED: Progress._compensating,
    Kind.COMPENSATION_COMPLETED: Progress._compensated,
    Kind.COMPENSATION_FAILED: Progress._compensated,
    Kind.LOG: Progress._logged,
    Kind.OUTPUT: Progress._printed,
}
