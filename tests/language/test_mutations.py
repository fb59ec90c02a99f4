"""A spoilt playbook gives problems with places, or still is one; it never gives a traceback."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from mutations import SOUND, mutated
from reading import ACTIONS

from noetl.errors import Problem, Severity, sort_problems
from noetl.language import check, parse
from noetl.span import Source


def errors_of(text: str) -> list[Problem]:
    return [problem for problem in check(text + "\n", ACTIONS) if problem.severity is Severity.ERROR]


def assert_well_placed(problem: Problem) -> None:
    source, span = problem.span.source, problem.span
    assert 1 <= span.line <= source.text.count("\n") + 1
    assert 1 <= span.column <= len(source.line(span.line)) + 1
    assert span.length >= 1
    assert problem.message
    assert problem.render().startswith(f"<text>:{span.line}:{span.column}: ")


def test_the_playbook_is_sound_before_it_is_spoilt() -> None:
    assert errors_of(SOUND) == []


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in mutated(200)])
def test_a_spoilt_playbook_gives_problems_with_places_or_is_still_one(text: str) -> None:
    problems = check(text + "\n", ACTIONS)
    for problem in problems:
        assert_well_placed(problem)
    assert problems == sort_problems(problems)
    playbook, _ = parse(Source("p.yaml", text), ACTIONS)
    if playbook is None:
        assert errors_of(text)


def test_most_spoilt_playbooks_are_found_out() -> None:
    found = sum(bool(errors_of(text)) for _, text in mutated(200))
    assert found > 150


@pytest.mark.parametrize("length", range(0, len(SOUND), 17))
def test_a_playbook_that_is_cut_off_is_still_read_as_far_as_it_goes(length: int) -> None:
    for problem in errors_of(SOUND[:length]):
        assert_well_placed(problem)


@pytest.mark.parametrize("seed", range(60))
def test_flipped_bytes_give_problems_with_places_or_leave_a_playbook(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    content = bytearray(SOUND.replace("Load orders", "Lädt 😀 orders").encode())
    for _ in range(chance.randrange(1, 4)):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path = tmp_path / "p.yaml"
    path.write_bytes(content)
    for problem in check(path, ACTIONS):
        assert 1 <= problem.span.column <= len(problem.span.source.line(problem.span.line)) + 1
        assert problem.render()
