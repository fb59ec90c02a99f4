"""What a dry run tells, as plain data: the text at a terminal and the JSON for programs are both made of it."""

from __future__ import annotations

from typing import Any

import msgspec

from noetl.actions.touch import Touch


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A condition as it is written, without braces; `holds` is None where only the run will know."""

    text: str
    holds: bool | None = None


class Repetition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A loop.

    `times` is a number where it is known, else what stands for the items; None with `while_` or `until`, which go on at
    most `most` times. `parallel` bounds how many run at once, 0 is without a bound; `goes_on` says that a failure stops
    none of them.
    """

    times: int | str | None = None
    while_: str | None = msgspec.field(default=None, name="while")
    until: str | None = None
    most: int | str | None = None
    parallel: int | str = 1
    goes_on: bool = False


class Work(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A call of an action or a task, or the `block` of such calls that a step or a case consists of.

    `touches` is None where the handler does not tell. `needs` are the reasons for which a part of it is not known.
    `problems` are sentences on what would fail. `skipped` says that its `when` is known to be false, `goes_on` that its
    failure does not stop what it belongs to, `undoes` that what the branch has completed is undone first. `parallel`
    bounds how many `calls` run at once, 0 is without a bound.
    """

    kind: str
    name: str
    place: str
    line: int
    touches: list[Touch] | None = None
    calls: list[Work] = []
    parallel: int = 1
    when: Condition | None = None
    skipped: bool = False
    loop: Repetition | None = None
    attempts: int | str | None = None
    timeout: float | str | None = None
    goes_on: bool = False
    undoes: bool = False
    sets: list[str] = []
    limit: str | None = None
    runtime: str | None = None
    fallback: Work | None = None
    compensate: Work | None = None
    needs: list[str] = []
    problems: list[str] = []


class CasePlan(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A case: where it moves to, or what it does. `followed` is false where it is known that it does not fire."""

    number: int
    condition: Condition | None
    moves: list[str]
    work: Work | None = None
    followed: bool = True
    problems: list[str] = []


class StepPlan(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A step that a token can come to. `parallel` bounds the branches of its forks, 0 is without a bound."""

    name: str
    line: int
    cases: list[CasePlan]
    work: Work | None = None
    start: bool = False
    join: str | int | None = None
    parallel: int = 1
    description: str | None = None


class SecretPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A secret: where it is read from, whether it is there (None where nobody looked), and why not."""

    name: str
    source: str
    found: bool | None
    problem: str | None = None


class Plan(msgspec.Struct, kw_only=True):
    """A playbook with the values of one run, as far as they are known before it.

    `truncated` says that the plan has grown too long and that the rest of the work is left out.
    """

    status: str = "planned"
    playbook: str
    inputs: dict[str, Any]
    environment: dict[str, Any]
    context: dict[str, Any]
    secrets: list[SecretPlan]
    timeout: float | str | None
    on_error: str
    steps: list[StepPlan]
    unreachable: list[str]
    problems: list[str]
    truncated: bool = False
