"""Where `secrets`, `env` and what reads them may be used (language.md 5)."""

from __future__ import annotations

import pytest
from checking import find, found, read

ACCEPTED = {
    "options-with-and-environment": """
        secrets: {token: env:TOKEN}
        environment:
          database: "{{ env.DATABASE_URL }}"
          header: "Bearer {{ secrets.token }}"
          both: "{{ database }}{{ environment.header }}"
        tasks:
          - name: query
            args: {home: "{{ env.HOME }}"}
            run:
              - {action: postgres, connection: "{{ connection }}", query: SELECT 1}
              - {action: shell, cmd: [ls, "{{ home }}"], env: {TOKEN: "{{ token }}"}}
        steps:
          - name: Load
            run:
              - {task: query, with: {connection: "{{ database }}", token: "{{ secrets.token }}"}}
              - {action: http, url: "{{ env.HOOK }}", headers: {Authorization: "{{ both }}"}}
              - {action: log, message: "{{ secrets.token }} {{ database }} {{ environment.database }}"}
              - {action: playbook, path: "{{ env.CHILD }}", secrets: {token: "{{ secrets.token }}"}}
        """,
    "env-in-context": """
        context: {stage: "{{ env.STAGE }}"}
        steps:
          - name: Load
            run: [{action: noop, when: stage == 'test'}]
        """,
    "a-loop-variable-hides-a-held-entry": """
        environment: {file: "{{ env.FILE }}"}
        steps:
          - name: Load
            run: [{action: shell, loop: {items: [a], as: file}, timeout: "{{ file | length }}", cmd: [ls]}]
        """,
    "an-argument-hides-a-held-entry": """
        environment: {file: "{{ env.FILE }}"}
        tasks:
          - name: show
            run: [{action: noop, when: file == 'a'}]
        steps:
          - name: Load
            run: [{task: show, with: {file: a}}]
        """,
    "a-variable-of-context-hides-a-held-entry": """
        environment: {file: "{{ env.FILE }}"}
        context: {file: a}
        steps:
          - name: Load
            run: [{action: noop, when: file == 'a'}]
        """,
    "an-entry-beside-a-held-one": """
        environment: {file: "{{ env.FILE }}", folder: /tmp}
        steps:
          - name: Load
            run: [{action: noop, when: environment.folder == 'a' and folder}]
        """,
    "the-same-argument-of-another-task": """
        tasks:
          - name: secret
            run: [{action: log, message: "{{ text }}"}]
          - name: open
            run: [{action: log, when: text, message: "{{ text }}"}]
        steps:
          - name: Load
            run: [{task: secret, with: {text: "{{ env.TEXT }}"}}, {task: open, with: {text: a}}]
        """,
}

REJECTED = {
    "every-place-that-becomes-state": (
        """
        timeout: "{{ env.N1 }}"
        context: {a: "{{ secrets.n2 }}"}
        secrets: {n2: env:A}
        steps:
          - name: Load
            when: env.N3
            timeout: "{{ env.N4 }}"
            retry: {attempts: "{{ env.N5 }}", when: env.N6}
            loop: {items: "{{ env.N7 }}"}
            run:
              - {action: shell, cmd: [ls], as: {b: "{{ env.N8 }}"}}
              - {action: set, values: {c: "{{ env.N9 }}"}}
              - {action: fail, message: "{{ env.N10 }}"}
              - {action: stop, message: "{{ env.N11 }}"}
              - {action: wait, for: "{{ env.N12 }}"}
              - {action: playbook, path: child.yaml, inputs: {d: "{{ env.N13 }}"}}
            rule: [{case: env.N14, run: []}]
        outputs: {e: "{{ env.N15 }}"}
        """,
        ["env.N1", "secrets.n2", *(f"env.N{number}" for number in range(3, 16))],
    ),
    "a-held-entry-by-all-its-names": (
        """
        environment:
          first: "{{ env.FILE }}"
          second: "{{ first }}"
          third: "{{ environment.second }}"
        context: {a: "{{ third }}"}
        steps:
          - name: Load
            run: [{action: noop, when: second}, {action: noop, when: "environment.third or environment['first']"}]
        """,
        ["third", "second", "environment.third", "environment['first']"],
    ),
    "environment-as-a-whole": (
        """
        environment: {file: "{{ env.FILE }}", folder: /tmp}
        steps:
          - name: Load
            run: [{action: set, values: {all: "{{ environment }}"}}]
        """,
        ["environment"],
    ),
    "an-entry-on-its-way-into-a-variable-of-that-name": (
        """
        environment: {file: "{{ env.FILE }}"}
        context: {other: "{{ file }}", file: "{{ file }}", third: "{{ file }}"}
        steps:
          - name: Load
            run: [{action: noop}]
        """,
        ["file", "file"],
    ),
    "an-argument-that-environment-gives": (
        """
        environment: {file: "{{ env.FILE }}", folder: /tmp}
        tasks:
          - name: show
            run: [{action: noop, when: a and b and c}]
        steps:
          - name: Load
            run:
              - task: show
                with: {a: "{{ environment.file }}", b: "{{ environment }}", c: "{{ environment.folder }}"}
        """,
        ["a", "b"],
    ),
    "an-argument-through-two-tasks": (
        """
        tasks:
          - name: outer
            run: [{task: inner, with: {b: "{{ a }}"}}]
          - name: inner
            run: [{action: noop, when: b}]
        steps:
          - name: Load
            run: [{task: outer, with: {a: "{{ env.FILE }}"}}]
        """,
        ["b"],
    ),
    "an-argument-that-one-of-two-calls-holds": (
        """
        tasks:
          - name: show
            run: [{action: noop, when: text}]
        steps:
          - name: Load
            run: [{task: show, with: {text: a}}, {task: show, with: {text: "{{ env.TEXT }}"}}]
        """,
        ["text"],
    ),
    "a-held-default": (
        """
        tasks:
          - name: show
            args: {text: "{{ env.TEXT }}", copy: "{{ text }}"}
            run: [{action: noop, when: copy}]
        steps:
          - name: Load
            run: [{task: show}]
        """,
        ["copy"],
    ),
    "what-a-fallback-inherits": (
        """
        tasks:
          - name: note
            run: [{action: noop, when: text}]
          - name: show
            run: [{action: shell, cmd: [ls], fallback: note}]
        steps:
          - name: Load
            run: [{task: show, with: {text: "{{ env.TEXT }}"}}]
        """,
        ["text"],
    ),
    "an-argument-that-not-every-call-gives": (
        """
        environment: {file: "{{ env.FILE }}"}
        tasks:
          - name: show
            run: [{action: noop, when: file}]
        steps:
          - name: Load
            run: [{task: show, with: {file: a}}, {task: show}]
        """,
        ["file"],
    ),
    "a-variable-that-may-not-yet-hide-a-held-entry": (
        """
        environment: {file: "{{ env.FILE }}"}
        steps:
          - name: Load
            run: [{action: noop, when: file == 'a'}, {action: set, values: {file: b}}]
        """,
        ["file"],
    ),
}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in ACCEPTED.items()])
def test_what_is_held_may_be_used_where_it_never_becomes_state(body: str) -> None:
    assert found(body) == []


@pytest.mark.parametrize(("body", "expected"), [pytest.param(*case, id=name) for name, case in REJECTED.items()])
def test_what_is_held_may_not_become_state(body: str, expected: list[str]) -> None:
    assert found(body) == [f"secret-in-state: {name}" for name in expected]


def test_a_secret_and_a_process_variable_have_different_cures() -> None:
    problems = find("""
        secrets: {token: env:TOKEN}
        environment: {both: "{{ secrets.token }}{{ env.HOME }}"}
        steps:
          - name: Load
            run: [{action: noop, when: env.HOME}, {action: noop, when: both}]
        """)
    assert [problem.hint for problem in problems] == [
        "take the process variable into 'context' and read that",
        "only options of actions, 'with' and 'environment' may read secrets",
    ]


def test_the_playbook_knows_its_held_entries() -> None:
    playbook, _ = read("""
        environment: {plain: 1, first: "{{ env.A }}", second: "{{ first }}", third: "{{ plain }}"}
        steps: [{name: Load, run: [{action: log, message: "{{ second }}{{ third }}"}]}]
        """)
    assert playbook.held == {"first", "second"}
