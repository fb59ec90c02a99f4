"""What the live view reads from the states of runs, without a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from noetl.actions.registry import Registry, Shapes
from noetl.cli.live.activity import Activity, activities
from noetl.cli.live.spoken import Spoken
from noetl.language import parse
from noetl.machine import ActionEnded, Cancel, Fact, Run, Said, Signal, Start, decide
from noetl.machine.waits import ActionWait
from noetl.model.event import Kind
from noetl.span import Source

HEAD = "apiVersion: noetl.io/v1\nkind: Playbook\nname: test\n"

SECOND = 1_000_000


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of day are those of UTC."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


class Watched:
    """A run that goes on as it is told, and what is said in it; the clock stands at one second."""

    def __init__(self, text: str) -> None:
        playbook, problems = parse(Source("test.yaml", HEAD + text), Shapes(Registry()))
        assert playbook is not None, problems
        self.run = Run(playbook, "RUN")
        self.spoken = Spoken()
        self.feed(Start(at=SECOND, inputs={}, env={}))

    def feed(self, fact: Fact) -> None:
        for event in decide(self.run, fact):
            self.spoken(event)

    def end_actions(self, **ended: Any) -> None:
        """All actions that go on end."""
        for token in list(self.run.tokens.values()):
            if isinstance(token.wait, ActionWait):
                self.feed(ActionEnded(at=SECOND, token=token.id, wait=token.wait.number, **{"fields": {}, **ended}))

    def say(self, kind: str, **data: Any) -> None:
        (token,) = (token for token in self.run.tokens.values() if isinstance(token.wait, ActionWait))
        self.feed(Said(at=SECOND, token=token.id, kind=kind, data=data))

    def seen(self, room: int = 20, label: str = "") -> tuple[list[Activity], int]:
        return activities([(label, self.run)], self.spoken, 2 * SECOND, room)

    def only(self) -> Activity:
        (activity,), hidden = self.seen()
        assert hidden == 0
        return activity


def step(work: str) -> str:
    return f"steps:\n  - name: Work\n    {work}\n"


SHELL = "{action: shell, cmd: x}"


def test_a_visit_has_its_name_its_start_and_its_action() -> None:
    watched = Watched(step(f"run: [{SHELL}]"))
    assert watched.only() == Activity(name="Work", since=SECOND, text="shell")
    assert watched.seen(label="inner/")[0][0].name == "inner/Work"


def test_a_later_visit_has_its_number() -> None:
    watched = Watched(
        step(f'run: [{SHELL}]\n    rule: [{{case: "{{{{ result.data != 3 }}}}", run: [{{step: Work}}]}}]')
    )
    watched.end_actions(data=1)
    assert watched.only().name == "Work (visit 2)"


@pytest.mark.parametrize(
    ("work", "ends", "expected"),
    [
        pytest.param("run: [{action: shell, cmd: x, loop: {items: 5}}]", 2, (2, 5, ()), id="a loop that counts"),
        pytest.param(
            "run: [{action: shell, cmd: x, loop: {items: [a, b]}}]", 1, (1, 2, ("b",)), id="a loop over names"
        ),
        pytest.param(
            "run: [{action: shell, cmd: x, loop: {items: [[1], {k: 2}]}}]", 0, (0, 2, ()), id="a loop over data"
        ),
        pytest.param(
            "run: [{action: shell, cmd: x, loop: {while: true}}]", 3, (None, None, ("iteration 4",)), id="an open loop"
        ),
        pytest.param(f"run: [{SHELL}, {SHELL}, {SHELL}]", 1, (1, 3, ()), id="a list of actions"),
        pytest.param(
            f"loop: {{items: 4}}\n    run: [{SHELL}, {SHELL}]", 3, (1, 4, ()), id="a loop goes before the list in it"
        ),
    ],
)
def test_what_is_repeated_is_counted(work: str, ends: int, expected: tuple[Any, ...]) -> None:
    watched = Watched(step(work))
    for _ in range(ends):
        watched.end_actions()
    activity = watched.only()
    assert (activity.done, activity.total, activity.remarks) == expected


def test_the_last_line_with_anything_on_it_is_shown_and_stays_until_the_visit_ends() -> None:
    watched = Watched(step(f"run: [{SHELL}, {SHELL}]"))
    watched.say(Kind.OUTPUT, lines=[["stdout", "one"], ["stderr", "t\x1bwo"], ["stdout", "  "]])
    assert watched.only().text == "t\\x1bwo"
    watched.end_actions()
    assert watched.only().text == "t\\x1bwo"


def test_progress_is_shown_until_its_action_ends() -> None:
    watched = Watched(step(f"run: [{SHELL}, {SHELL}]"))
    watched.say(Kind.ACTION_PROGRESS, share=0.5, message="half")
    assert (watched.only().share, watched.only().text) == (0.5, "half")
    watched.say(Kind.OUTPUT, lines=[["stdout", "line"]])
    assert (watched.only().share, watched.only().text) == (0.5, "line")
    watched.end_actions()
    assert watched.only().share is None


@pytest.mark.parametrize(("share", "shown"), [(1.7, 1.0), (-1, 0.0), (float("nan"), 0.0), (None, 0.0)])
def test_a_share_is_a_share_whatever_a_script_says(share: float | None, shown: float) -> None:
    watched = Watched(step(f"run: [{SHELL}]"))
    watched.say(Kind.ACTION_PROGRESS, share=share, message="")
    assert (watched.only().share, watched.only().text) == (shown, "shell")


@pytest.mark.parametrize(
    ("work", "text"),
    [
        pytest.param("{action: wait, event: go}", "waits for the event 'go'", id="event"),
        pytest.param("{action: wait, until: 90}", "waits until 00:01:30 (1m28s left)", id="time"),
        pytest.param(
            "{action: wait, until: 172800}", "waits until 1970-01-03 00:00 (47h59m left)", id="a time far away"
        ),
        pytest.param(
            "{action: wait, event: go, timeout: 61s}",
            "waits for the event 'go' until 00:01:02 (1m00s left)",
            id="deadline",
        ),
    ],
)
@pytest.mark.usefixtures("utc")
def test_a_wait_says_for_what_and_until_when(work: str, text: str) -> None:
    watched = Watched(step(f"run: [{work}]"))
    assert watched.only().text == text


def test_a_wait_that_was_heard_is_over() -> None:
    watched = Watched(step(f"run: [{{action: wait, event: go}}, {SHELL}]"))
    watched.feed(Signal(at=SECOND, event="go", data=None))
    assert watched.only().text == "shell"


RETRY = "run: [{action: shell, cmd: x, retry: {attempts: %s, delay: 30s, on: [broken]}}]"


@pytest.mark.parametrize(("attempts", "remark"), [("4", "attempt 2/4"), ('"{{ 2 + 2 }}"', "attempt 2")])
def test_a_retry_has_its_number_and_when_it_comes(attempts: str, remark: str) -> None:
    watched = Watched(step(RETRY % attempts))
    assert watched.only().remarks == ()
    error = {
        "kind": "permanent",
        "code": "broken",
        "message": "",
        "retryable": False,
        "details": {},
        "transient": False,
    }
    watched.end_actions(error={**error, "step": None, "action": None, "attempt": 1})
    assert (watched.only().remarks, watched.only().text) == ((remark,), "is tried again in 29.0 s")


def test_a_run_that_is_cancelled_says_so_of_what_still_goes_on() -> None:
    watched = Watched(step(f"run: [{SHELL}]"))
    watched.feed(Cancel(at=SECOND, reason="enough"))
    assert watched.only().remarks == ("cancelling",)


def test_a_step_whose_branch_is_undone_says_how_much_of_it_is_left() -> None:
    watched = Watched(
        "tasks: [{name: undo, run: [{action: shell, cmd: x}]}]\n"
        "steps: [{name: Work, on_error: compensate, run: [{action: noop, compensate: undo}, {action: noop, compensate: undo}, "
        "{action: fail}]}]"
    )
    found, _ = watched.seen()
    assert [(activity.name, activity.text) for activity in found] == [
        ("Work", "failed; 2 pieces of its branch to be undone"),
        ("Work, undone", "shell"),
    ]
    watched.end_actions()
    assert watched.seen()[0][0].text == "failed; 1 piece of its branch to be undone"


def test_parallel_items_have_their_number_and_name() -> None:
    watched = Watched(
        "tasks: [{name: build, run: [{action: shell, cmd: x, as: n}]}]\n"
        f"{step(f'parallel: true{chr(10)}    run: [{SHELL}, {{task: build}}]')}"
    )
    found, _ = watched.seen()
    assert [(activity.name, activity.item) for activity in found] == [
        ("Work", False),
        ("1 shell", True),
        ("2 build", True),
    ]
    assert [activity.name for activity in watched.seen(room=2)[0]] == ["Work", "and 2 more"]


def test_the_items_of_a_long_loop_are_counted() -> None:
    watched = Watched(
        step("run: [{action: shell, cmd: x, loop: {items: [a, b, c, d, e, f, g, h, i, j], parallel: 9}}]")
    )
    names = [activity.name for activity in watched.seen()[0]]
    assert names == ["Work", "1 a", "2 b", "3 c", "4 d", "5 e", "6 f", "7 g", "and 2 more"]
    watched.end_actions()
    activity = watched.seen()[0][0]
    assert (activity.done, activity.total) == (9, 10)


FORK = f"""
steps:
  - {{name: All, parallel: true, rule: [{{case: default, run: [{{step: A}}, {{step: B}}, {{step: C}}]}}]}}
  - {{name: A, run: [{SHELL}]}}
  - {{name: B, run: [{SHELL}]}}
  - {{name: C, run: [{SHELL}]}}
"""


@pytest.mark.parametrize(
    ("room", "names", "hidden"), [(3, ["A", "B", "C"], 0), (2, ["A"], 2), (1, ["A"], 2)], ids=["fits", "two", "one"]
)
def test_visits_that_do_not_fit_are_counted_and_the_count_needs_a_line(
    room: int, names: list[str], hidden: int
) -> None:
    found, more = Watched(FORK).seen(room)
    assert ([activity.name for activity in found], more) == (names, hidden)
