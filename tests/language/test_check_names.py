"""Which names exist where (language.md 4): what is accepted, and what is `unknown-name` or `reserved-name`."""

from __future__ import annotations

import pytest
from checking import find, found

ACCEPTED = {
    "always-present": """
        steps:
          - name: Load
            run:
              - action: log
                message: >-
                  {{ result.status }} {{ results[0].data }} {{ error.code }} {{ last_error.message }}
                  {{ steps.Load.visits }} {{ loop.index }} {{ execution.id }} {{ playbook.version }} {{ env.HOME }}
                  {{ now() }} {{ uuid() }} {{ random() }}
        """,
    "mappings-as-a-whole": """
        inputs: {a: {type: string}}
        environment: {e: 1}
        context: {kept: 0}
        steps:
          - name: Load
            run:
              - action: log
                message: "{{ inputs }} {{ environment }} {{ context }} {{ variables }} {{ steps }}"
        """,
    "methods-of-mappings": """
        inputs: {a: {type: string}}
        context: {kept: 0}
        steps:
          - name: Load
            run:
              - action: log
                message: >-
                  {% for key, value in inputs.items() %}{{ key }}{{ value }}{% endfor %}
                  {{ context.get('kept') }}{{ steps.keys() | list }}
        """,
    "names-in-brackets": """
        steps:
          - name: first-load
            run: [{action: log, message: "{{ steps['first-load']['status'] }}"}]
        """,
    "a-variable-set-only-later": """
        steps:
          - name: Load
            run: [{action: log, message: "{{ rows is none }}"}]
            rule: [{case: default, run: [{step: Count}]}]
          - name: Count
            run: [{action: shell, cmd: [ls], as: rows}]
        """,
    "variables-of-a-task": """
        tasks:
          - name: count
            run:
              - {action: shell, cmd: [ls], as: {rows: "{{ data }}", first: "{{ result.data[0] }}"}}
        steps:
          - name: Load
            run: [{task: count}, {action: log, message: "{{ rows }} {{ context.first }} {{ variables.rows }}"}]
        """,
    "a-loop-variable": """
        steps:
          - name: Load
            run:
              - action: shell
                loop: {items: [a, b], as: file}
                timeout: "{{ file | length }}"
                retry: {when: "error.code == file"}
                cmd: [ls, "{{ file }}", "{{ loop.item }}"]
        """,
    "the-loop-variable-without-a-name": """
        steps:
          - name: Load
            run: [{action: log, loop: {items: 3}, message: "{{ item }}"}]
        """,
    "the-loop-variable-of-a-step": """
        steps:
          - name: Load
            loop: {items: [a], as: file}
            run:
              - {action: log, when: file != 'x', message: "{{ file }}"}
              - {action: shell, cmd: [ls], as: {size: "{{ data }}{{ file }}"}}
        """,
    "the-loop-variable-of-a-task-call": """
        tasks:
          - name: show
            run: [{action: log, message: "{{ file }}"}]
        steps:
          - name: Load
            run: [{task: show, loop: {items: [a], as: file}}]
        """,
    "conditions-of-loops": """
        context: {n: 0}
        steps:
          - name: Load
            run:
              - {action: set, loop: {until: "n > 3 or loop.index > 9"}, values: {n: "{{ n + 1 }}"}}
              - {action: set, loop: {while: "n < 9", as: round}, values: {n: "{{ n + round }}"}}
        """,
    "arguments-with-and-without-defaults": """
        tasks:
          - name: show
            args: {level: info}
            run: [{action: log, level: "{{ level }}", message: "{{ text }}"}]
        steps:
          - name: Load
            run: [{task: show, with: {text: hello}}]
        """,
    "a-default-that-reads-the-run": """
        context: {kept: 0}
        tasks:
          - name: show
            args: {text: "{{ kept }}"}
            run: [{action: log, message: "{{ text }}"}]
        steps:
          - name: Load
            run: [{task: show}]
        """,
    "a-fallback-sees-the-place-it-stands-on": """
        tasks:
          - name: note
            run: [{action: log, message: "{{ file }} of {{ table }}: {{ error.message }}"}]
          - name: copy
            args: {table: orders}
            run:
              - {action: shell, loop: {items: [a], as: file}, cmd: [cp, "{{ file }}"], fallback: note}
        steps:
          - name: Load
            run: [{task: copy}]
        """,
    "a-fallback-of-a-fallback": """
        tasks:
          - name: last
            run: [{action: log, message: "{{ file }}"}]
          - name: second
            run: [{action: shell, cmd: [ls], fallback: last}]
          - name: first
            run: [{action: shell, cmd: [ls], fallback: second}]
        steps:
          - name: Load
            run: [{task: first, with: {file: a}}]
        """,
    "environment-and-context-in-order": """
        inputs: {root: {type: string}}
        environment:
          folder: "{{ root }}/{{ inputs.root }}"
          file: "{{ folder }}/{{ environment.folder }}/{{ env.NAME }}"
        context:
          first: "{{ folder }} {{ execution.id }} {{ env.NAME }} {{ now() }}"
          second: "{{ first }} {{ context.first }} {{ variables.first }}"
        steps:
          - name: Load
            run: [{action: log, message: "{{ file }} {{ second }}"}]
        """,
    "the-page-that-paginate-looks-at": """
        steps:
          - name: Load
            run:
              - action: http
                url: https://shop.example
                paginate: {next: "{{ data.next }} {{ headers.link }} {{ page + 1 }}", items: "{{ data.rows }}"}
        """,
    "names-that-the-template-makes": """
        steps:
          - name: Load
            run:
              - action: log
                message: "{% set total = 0 %}{% for row in [1, 2] %}{{ row + total }}{{ loop.index0 }}{% endfor %}"
        """,
    "a-variable-that-hides-an-input": """
        inputs: {since: {type: string}}
        context: {since: "{{ inputs.since | default('2026-01-01') }}"}
        steps:
          - name: Load
            run: [{action: log, message: "{{ since }}"}]
        """,
    "a-variable-named-like-a-part": """
        steps:
          - name: Load
            run: [{action: shell, cmd: [ls], as: data}, {action: set, values: {status: 1, item: 2, range: 3}}]
            rule: [{case: data and status and item and range, run: []}]
        """,
    "outputs": """
        context: {kept: 0}
        steps:
          - name: Load
            run: [{action: noop}]
        outputs: {kept: "{{ kept }}", took: "{{ steps.Load.duration }}"}
        """,
}

REJECTED = {
    "a-loop-variable-outside": (
        """
        steps:
          - name: Load
            run:
              - {action: shell, loop: {items: "{{ item }}"}, cmd: ["{{ item }}"], as: {n: "{{ item }}"}}
              - {action: log, message: "{{ item }}"}
        """,
        ["unknown-name: item"] * 3,
    ),
    "the-loop-variable-of-a-step-in-its-rule": (
        """
        steps:
          - name: Load
            loop: {items: [a], as: file}
            run: [{action: noop}]
            rule: [{case: file == 'a', run: []}]
        """,
        ["unknown-name: file"],
    ),
    "the-loop-variable-of-a-step-in-a-task-that-it-calls": (
        """
        tasks:
          - name: show
            run: [{action: log, message: "{{ other }}"}]
        steps:
          - name: Load
            loop: {items: [a], as: other}
            run: [{task: show}]
        """,
        ["unknown-name: other"],
    ),
    "data-outside-of-as": (
        """
        steps:
          - name: Load
            run: [{action: log, message: "{{ data.rows }}"}]
        """,
        ["unknown-name: data"],
    ),
    "sections": (
        """
        inputs: {since: {type: string}}
        environment: {folder: /tmp}
        secrets: {token: env:TOKEN}
        context: {kept: "{{ inputs.since }}"}
        steps:
          - name: Load
            run:
              - action: log
                message: >-
                  {{ inputs.sinc }} {{ environment.foldr }} {{ secrets.tokn }} {{ context.kep }} {{ variables.kep }}
                  {{ steps.Lod.status }} {{ execution.key }} {{ playbook.path }} {{ loop.index0 }} {{ last_error.text }}
        """,
        10,
    ),
    "environment-reads-only-what-is-above": (
        """
        environment:
          first: "{{ second }} {{ environment.second }} {{ first }}"
          second: "{{ kept }} {{ result.data }} {{ context.kept }}"
        context:
          kept: 0
        steps:
          - name: Load
            run: [{action: noop}]
        """,
        [
            "unknown-name: second",
            "unknown-name: second",
            "unknown-name: first",
            "unknown-name: kept",
            "unknown-name: result",
            "unknown-name: context",
        ],
    ),
    "context-reads-only-what-is-above": (
        """
        context:
          first: "{{ second }} {{ context.second }} {{ steps.Load.status }}"
          second: 0
        steps:
          - name: Load
            run: [{action: noop}]
        """,
        ["unknown-name: second", "unknown-name: second", "unknown-name: steps"],
    ),
    "a-default-does-not-make-a-name": (
        """
        steps:
          - name: Load
            run: [{action: log, message: "{{ rows | default(0) }}"}]
        """,
        ["unknown-name: rows"],
    ),
    "every-place-of-an-expression": (
        """
        timeout: "{{ n1 }}"
        tasks:
          - name: show
            args: {a: "{{ n2 }}"}
            run: [{action: noop}]
        steps:
          - name: Load
            when: n3
            timeout: "{{ n4 }}"
            retry: {attempts: "{{ n5 }}", delay: "{{ n6 }}", when: n7}
            loop: {items: "{{ n8 }}", parallel: "{{ n9 }}"}
            run:
              - {task: show, with: {b: "{{ n10 }}"}, loop: {until: n11, max: "{{ n12 }}"}}
              - {action: shell, cmd: [ls], as: {out: "{{ n13 }}"}, fallback: {task: show, with: {c: "{{ n14 }}"}}}
            rule: [{case: n15, run: [{action: log, message: "{{ n16 }}"}]}]
        outputs: {out: "{{ n17 }}"}
        """,
        [f"unknown-name: n{number}" for number in range(1, 18)],
    ),
}

RESERVED = {
    "sections": (
        """
        inputs:
          loop: {type: string}
        environment:
          env: 1
        context:
          steps: 1
          "in": 2
        steps:
          - name: Load
            run: [{action: log, message: "{{ inputs.loop }}"}]
        """,
        ["loop", "env", "steps", "in"],
    ),
    "arguments": (
        """
        tasks:
          - name: show
            args:
              error: 1
            run: [{action: log, message: "{{ text }}"}]
        steps:
          - name: Load
            run: [{task: show, with: {text: "with: {uuid: 1}", uuid: 1}}]
        """,
        ["error", "uuid"],
    ),
    "variables": (
        """
        steps:
          - name: Load
            run:
              - {action: log, loop: {items: [as], as: inputs}, message: x}
              - {action: shell, cmd: [ls], as: secrets}
              - {action: shell, cmd: [ls], as: {fine: 1, playbook: 2, results: "{{ data }}"}}
              - {action: set, values: {fine: {random: 1}, random: 2, now: "{{ fine }}"}}
        """,
        ["inputs", "secrets", "playbook", "results", "random", "now"],
    ),
    "written-as-in-json": (
        """
        "context": {"kept":0,"env":{"a":1}}
        "steps": [{"name":"Load","run":[{"action":"set","values":{"uuid":2}}]}]
        """,
        ["env", "uuid"],
    ),
    "an-argument-is-no-variable": (
        """
        tasks:
          - name: count
            args: {total: 0}
            run:
              - {action: shell, cmd: [ls], as: total}
              - {action: set, values: {given: 1}}
              - {action: set, values: {other: 1}}
        steps:
          - name: Load
            run: [{task: count, with: {given: 1}}, {action: set, values: {total: 1}}]
        """,
        ["total", "given"],
    ),
}

HINTS = {
    "item": "'loop' is decided once, outside the loop that gives 'item' its values",
    "data": "did you mean 'result.data'?",
    "token": "did you mean 'secrets.token'?",
    "Load": "did you mean 'steps.Load'?",
    "later": "the entries of 'context' are rendered in order, and 'later' comes later",
    "itself": "the entries of 'context' are rendered in order, and it cannot read itself",
    "result": "'context' is rendered before the run has done anything",
    "thresold": "did you mean 'threshold'?",
    "zzz": None,
}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in ACCEPTED.items()])
def test_a_name_that_can_exist_is_accepted(body: str) -> None:
    assert found(body) == []


@pytest.mark.parametrize(("body", "expected"), [pytest.param(*case, id=name) for name, case in REJECTED.items()])
def test_a_name_that_cannot_exist_is_unknown(body: str, expected: list[str] | int) -> None:
    problems = [problem for problem in found(body) if problem.startswith("unknown-name")]
    assert (len(problems) if isinstance(expected, int) else problems) == expected


@pytest.mark.parametrize(("body", "expected"), [pytest.param(*case, id=name) for name, case in RESERVED.items()])
def test_a_name_of_the_language_is_reserved(body: str, expected: list[str]) -> None:
    assert found(body) == [f"reserved-name: {name}" for name in expected]


def test_a_hint_says_why_a_name_is_not_known_here() -> None:
    problems = find("""
        inputs: {threshold: {type: number, default: 1}}
        secrets: {token: env:TOKEN}
        context:
          itself: "{{ itself }}"
          first: "{{ later }} {{ result.data }} {{ thresold }}"
          later: "{{ threshold }}"
        steps:
          - name: Load
            run:
              - {action: noop, loop: {items: "{{ item }}"}}
              - {action: log, message: "{{ data }} {{ token }} {{ Load.status }} {{ zzz }}"}
        """)
    hints = {problem.message.split("'")[1]: problem.hint for problem in problems}
    assert hints == HINTS


def test_hints_are_not_looked_for_without_end() -> None:
    names = ", ".join(f"name{number}: 0" for number in range(1_000))
    problems = find(f"""
        context: {{{names}}}
        steps:
          - name: Load
            run:
              - {{action: log, message: "{" ".join(f"{{{{ nane{number} }}}}" for number in range(200))}"}}
        """)
    assert len(problems) == 200
    assert 50 < sum(problem.hint is not None for problem in problems) < 150
