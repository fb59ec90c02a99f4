"""Runs as a JUnit file: a suite for each run, a test case for each visit of a step."""

from __future__ import annotations

import os
import re
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from noetl.cli.misuse import Misuse
from noetl.cli.text import harmless, one_line, shortened
from noetl.cli.visits import Visit, Visits, went_unhandled
from noetl.errors import RETRYABLE_KINDS
from noetl.model.event import Event, Kind
from noetl.values import Masker

#: Of what a visit says the last lines are kept.
_KEPT_LINES = 500

#: What XML cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_mask = Masker().text


class _Case:
    """A visit, what was said in it, and how it ended: `running` until it has."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.status = "running"
        self.seconds = 0.0
        self.error: dict[str, Any] | None = None
        self.handled = False
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self.said = 0

    def say(self, text: str) -> None:
        for line in text.split("\n"):
            self.lines.append(shortened(_mask(line)))
            self.said += 1

    def end(self, event: Event) -> None:
        self.status = event.kind.rpartition(".")[2]
        self.seconds = (event.at - self.visit.started_at) / 1e6
        self.error = event.data.get("error")
        self.handled = not went_unhandled(event)

    @property
    def verdict(self) -> str | None:
        """The element that says what went wrong: an error may go well another time, a failure will not."""
        if self.status in ("cancelled", "running"):
            return "skipped"
        if self.error is None or self.handled:
            return None
        return _verdict(self.error)


class _Suite:
    """One run."""

    def __init__(self, event: Event) -> None:
        self.execution_id = event.execution_id
        self.playbook: str = event.data["playbook"]
        self.started_at = self.ended_at = event.at
        self.status = "running"
        self.error: dict[str, Any] | None = None
        self.cases: list[_Case] = []
        self._visits = Visits()
        self._open: dict[Visit, _Case] = {}

    def start(self, event: Event) -> None:
        visit = self._visits.start(event)
        case = self._open[visit] = _Case(visit)
        self.cases.append(case)

    def end(self, event: Event) -> None:
        visit = self._visits.end(event)
        if visit is not None:
            self._open.pop(visit).end(event)

    def say(self, event: Event, text: str) -> None:
        visit = self._visits.of(event)
        if visit is not None:
            self._open[visit].say(text)

    def finish(self, event: Event) -> None:
        self.status = event.kind.rpartition(".")[2]
        self.error = event.data.get("error")


def junit_file(path: str | None) -> JUnitFile | None:
    """The file that was asked for, if one was. Raises Misuse where it could not be written in the end."""
    return None if path is None else JUnitFile(path)


class JUnitFile:
    """Subscribes to the events of an engine, and writes them down in the end.

    Raises Misuse where the file could not be written.
    """

    def __init__(self, path: str) -> None:
        # A link stays one.
        self._path = Path(os.path.realpath(path))
        self._draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        self._suites: dict[str, _Suite] = {}
        if self._path.exists() and not self._path.is_file():
            raise Misuse(f"'--junit' takes a file, and '{path}' is none")
        try:
            self._draft.touch(exist_ok=False)
            self._draft.unlink()
        except OSError as error:
            raise Misuse(f"the file of '--junit' cannot be written: '{path}': {error.strerror}") from None

    def __call__(self, event: Event) -> None:
        if event.kind == Kind.RUN_STARTED:
            self._suites[event.execution_id] = _Suite(event)
        suite = self._suites.get(event.execution_id)
        if suite is None:
            return
        suite.ended_at = event.at
        for change in event.data.get("changes", ()):
            if change[1] == "log":
                suite.say(event, _logged(change[2], change[3]))
        record = _RECORD.get(event.kind)
        if record is not None:
            record(suite, event)

    def write(self) -> None:
        """The file is there as a whole or not at all. Raises OSError."""
        root = Element("testsuites")
        for suite in self._suites.values():
            root.append(_suite_element(suite))
        ElementTree.indent(root)
        try:
            with self._draft.open("wb") as file:
                ElementTree.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)
            os.replace(self._draft, self._path)
        finally:
            self._draft.unlink(missing_ok=True)


def _printed(suite: _Suite, event: Event) -> None:
    for _, text in event.data["lines"]:
        suite.say(event, text)


def _said(suite: _Suite, event: Event) -> None:
    suite.say(event, _logged(event.data["level"], event.data["message"]))


def _retrying(suite: _Suite, event: Event) -> None:
    error = event.data["error"]
    suite.say(event, f"tried again (attempt {event.data['attempt']}): {one_line(error['message'])} ({error['code']})")


def _logged(level: str, message: str) -> str:
    return message if level == "info" else f"{level}: {message}"


_RECORD: dict[str, Callable[[_Suite, Event], None]] = {
    Kind.STEP_STARTED: _Suite.start,
    Kind.STEP_COMPLETED: _Suite.end,
    Kind.STEP_FAILED: _Suite.end,
    Kind.STEP_CANCELLED: _Suite.end,
    Kind.OUTPUT: _printed,
    Kind.LOG: _said,
    Kind.ACTION_RETRYING: _retrying,
    Kind.RUN_COMPLETED: _Suite.finish,
    Kind.RUN_FAILED: _Suite.finish,
    Kind.RUN_CANCELLED: _Suite.finish,
}


def _suite_element(suite: _Suite) -> Element:
    verdicts = Counter(case.verdict for case in suite.cases)
    # What failed outside of all steps, like the outputs of the run, would else be seen nowhere.
    outside = suite.error if suite.status == "failed" and not verdicts["failure"] + verdicts["error"] else None
    if outside is not None:
        verdicts[_verdict(outside)] += 1
    element = Element(
        "testsuite",
        name=_text(suite.playbook),
        tests=str(verdicts.total()),
        failures=str(verdicts["failure"]),
        errors=str(verdicts["error"]),
        skipped=str(verdicts["skipped"]),
        time=_seconds((suite.ended_at - suite.started_at) / 1e6),
        timestamp=datetime.fromtimestamp(suite.started_at / 1e6, UTC).isoformat(timespec="seconds"),
    )
    properties = SubElement(element, "properties")
    for name, value in (("execution_id", suite.execution_id), ("status", suite.status)):
        SubElement(properties, "property", name=name, value=value)
    for case in suite.cases:
        element.append(_case_element(suite.playbook, case))
    if outside is not None:
        whole = SubElement(element, "testcase", classname=_text(suite.playbook), name="(the run)", time=_seconds(0))
        _add_error(whole, outside)
    return element


def _case_element(playbook: str, case: _Case) -> Element:
    element = Element("testcase", classname=_text(playbook), name=_text(case.visit.title), time=_seconds(case.seconds))
    if case.verdict == "skipped":
        SubElement(element, "skipped", message="cancelled" if case.status == "cancelled" else "did not end")
    elif case.error is not None and case.verdict is not None:
        _add_error(element, case.error)
    lines = [_text(line) for line in case.lines]
    if case.said > len(lines):
        lines.insert(0, f"... ({case.said - len(lines)} lines before)")
    if case.error is not None and case.handled:
        lines.append(
            f"failed, and a case went on after it: {_text(case.error['message'])} ({_text(case.error['code'])})"
        )
    if lines:
        SubElement(element, "system-out").text = "\n".join(lines)
    return element


def _add_error(element: Element, error: dict[str, Any]) -> None:
    found = SubElement(element, _verdict(error), type=_text(error["code"]), message=_text(one_line(error["message"])))
    trace = error["details"].get("traceback")
    found.text = "\n".join(_text(part) for part in (error["message"], trace) if isinstance(part, str))


def _verdict(error: dict[str, Any]) -> str:
    return "error" if error["kind"] in RETRYABLE_KINDS else "failure"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _text(text: str) -> str:
    """Masked, and only what XML and people can read."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", harmless(_mask(text)))
