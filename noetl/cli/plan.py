"""The plan of a dry run as lines of text, for people: steps as headings, actions as lines, cases as arrows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from noetl.cli.console import Console, Output
from noetl.cli.text import count, harmless, one_line, shown
from noetl.runtime.planning import CasePlan, Plan, Repetition, SecretPlan, StepPlan, Work
from noetl.units import format_duration

#: A longer name is not worth moving everything behind it to the right.
_WIDEST = 24
#: What one action touches beyond these nobody reads on a line; programs have `--json`. The last is always told.
_MOST_TOUCHES = 6
_ACTION_WIDTH = 8

_JOINS = {
    "all": "waits for all",
    "any": "runs for the first to come",
    "first": "runs for the first to come, cancels the others",
}


class PlanLines:
    """Draws plans, painted for an output."""

    def __init__(self, output: Output) -> None:
        self._paint = output.paint
        self._arrow = output.symbol("→", "->")

    def lines(self, plan: Plan) -> Iterator[str]:
        about = [count(len(plan.steps), "step")]
        if plan.timeout is not None:
            about.append(f"at most {_duration(plan.timeout)}")
        if plan.on_error == "continue":
            about.append("a failure ends its branch only")
        yield f"{self._paint(plan.playbook, 'bold')}: what a run would do{self._remarks(about)}"
        for title, values in (("inputs", plan.inputs), ("environment", plan.environment), ("context", plan.context)):
            yield from self._values(title, values)
        yield from self._secrets(plan.secrets)
        yield from self._problems(plan.problems, 2)
        for step in plan.steps:
            yield ""
            yield from self._step(step)
        if plan.unreachable:
            yield ""
            yield self._paint(f"never reached: {', '.join(plan.unreachable)}", "dim")
        if plan.truncated:
            yield ""
            yield self._paint("the plan is too long, some of the work is left out", "warning")

    def _values(self, title: str, values: Mapping[str, Any]) -> Iterator[str]:
        if values:
            yield self._paint(f"  {title}", "dim")
        width = _width(values)
        for name, value in values.items():
            yield f"    {name:{width}}  {shown(value)}"

    def _secrets(self, secrets: Sequence[SecretPlan]) -> Iterator[str]:
        if secrets:
            yield self._paint("  secrets", "dim")
        width = _width([secret.name for secret in secrets])
        for secret in secrets:
            if secret.found is None:
                state = self._paint("not looked at", "dim")
            elif secret.found:
                state = self._paint("found", "good")
            else:
                state = self._paint(f"not usable: {one_line(secret.problem or '')}", "warning")
            yield f"    {secret.name:{width}}  {one_line(secret.source)}  {state}"

    def _problems(self, problems: Iterable[str], indent: int) -> Iterator[str]:
        for problem in problems:
            yield " " * indent + self._paint(f"! {one_line(problem)}", "bad")

    def _step(self, step: StepPlan) -> Iterator[str]:
        remarks = ["start"] if step.start else []
        if step.join is not None:
            remarks.append(_JOINS.get(str(step.join), f"waits for {step.join}"))
        if step.work is not None:
            remarks += _remarks(step.work)
        yield f"{self._paint(step.name, 'bold')}{self._remarks(remarks)}"
        if step.description:
            yield self._paint(f"  {one_line(step.description)}", "dim")
        if step.work is not None:
            yield from self._inside(step.work, 2)
        width = _width([_target(case) for case in step.cases if case.work is None])
        for case in step.cases:
            yield from self._case(case, step.parallel, width)

    def _case(self, case: CasePlan, parallel: int, width: int) -> Iterator[str]:
        condition = case.condition
        when = f"if {harmless(condition.text)}" if condition is not None else "otherwise" if case.number > 1 else ""
        line = (
            f"  {self._arrow} {when}:" if case.work is not None else f"  {self._arrow} {_target(case):{width}}  {when}"
        )
        line = line.rstrip()
        if len(case.moves) > 1 and parallel != 1:
            line += f" ({_at_once(parallel)})"
        if not case.followed:
            never = "false" if condition is not None and condition.holds is False else "not tried"
            yield self._paint(f"{line} ({never})", "dim")
        elif condition is not None and condition.holds:
            yield f"{line} {self._paint('(true)', 'good')}"
        else:
            yield line
        yield from self._problems(case.problems, 4)
        if case.work is not None:
            yield from self._inside(case.work, 4)

    def _work(self, work: Work, indent: int, before: str = "") -> Iterator[str]:
        """The lines of a call."""
        if work.kind == "action":
            head = f"{work.name:{_ACTION_WIDTH}}  {self._touches(work)}".rstrip()
        else:
            head = f"task {work.name}"
        yield f"{' ' * indent}{before}{head}{self._remarks(_remarks(work))}"
        yield from self._inside(work, indent + 2)

    def _inside(self, work: Work, indent: int) -> Iterator[str]:
        yield from self._problems(work.problems, indent)
        for call in work.calls:
            yield from self._work(call, indent)
        if work.fallback is not None:
            yield from self._work(work.fallback, indent, "if it fails: ")
        if work.compensate is not None:
            yield from self._work(work.compensate, indent, "to undo it: ")

    def _touches(self, work: Work) -> str:
        if work.touches is None:
            return "" if work.skipped or work.problems else self._paint("does not tell what it touches", "dim")
        texts = [one_line(touch.text) for touch in work.touches]
        more = len(texts) - _MOST_TOUCHES
        if more > 0:
            texts = [*texts[: _MOST_TOUCHES - 1], f"and {more} more", texts[-1]]
        return "; ".join(texts)

    def _remarks(self, remarks: Sequence[str]) -> str:
        told = harmless("; ".join(remarks))
        return f"  {self._paint(f'({told})', 'dim')}" if told else ""


def show_plan(plan: Plan, console: Console, *, json: bool, quiet: bool) -> int:
    """Print a plan; the exit code."""
    if json:
        console.out.json(msgspec.to_builtins(plan))
    elif not quiet:
        for line in PlanLines(console.out).lines(plan):
            console.out.write(f"{line}\n")
    return 0


def _target(case: CasePlan) -> str:
    return ", ".join(case.moves) or "end"


def _width(names: Iterable[str]) -> int:
    return min(_WIDEST, max(map(len, names), default=0))


def _remarks(work: Work) -> list[str]:
    """What stands around work, in a few words each."""
    remarks = []
    if work.skipped and work.when is not None:
        return [f"not done: {work.when.text} is false"]
    if work.when is not None:
        remarks.append(f"if {work.when.text}")
    if work.sets:
        remarks.append(f"as {', '.join(work.sets)}")
    if work.loop is not None:
        remarks += _repetition(work.loop)
    if work.parallel != 1 and len(work.calls) > 1:
        remarks.append(_at_once(work.parallel))
    if work.attempts is not None:
        remarks.append(f"up to {work.attempts} attempts")
    if work.timeout is not None:
        remarks.append(f"at most {_duration(work.timeout)}")
    if work.limit is not None:
        remarks.append(f"limit {work.limit}")
    if work.runtime is not None:
        remarks.append(work.runtime)
    if work.undoes:
        remarks.append("undoes its branch after a failure, and goes on")
    elif work.goes_on:
        remarks.append("goes on after a failure")
    return remarks


def _repetition(loop: Repetition) -> list[str]:
    remarks = []
    if isinstance(loop.times, int):
        remarks.append(count(loop.times, "time"))
    elif loop.times is not None:
        remarks.append(f"once for each of {loop.times}")
    for word, condition in (("while", loop.while_), ("until", loop.until)):
        if condition is not None:
            remarks.append(f"{word} {condition}, at most {loop.most} times")
    if loop.parallel != 1:
        remarks.append(_at_once(loop.parallel))
    if loop.goes_on:
        remarks.append("goes on after a failed one")
    return remarks


def _at_once(parallel: int | str) -> str:
    return "all at once" if parallel == 0 else f"{parallel} at once"


def _duration(seconds: float | str) -> str:
    if isinstance(seconds, str):
        return seconds
    return f"{seconds:g}s" if seconds < 60 else format_duration(seconds)
