"""Whole playbooks in which nothing is wrong: the check must not say a word."""

from __future__ import annotations

import pytest
from checking import found

ACCEPTED = {
    "a-playbook-in-one-look": """
        description: Load orders, reject bad ones, export the rest.

        inputs:
          threshold: {type: number, default: 100, description: smallest order kept}

        environment:
          database: "{{ env.DATABASE_URL | default('embedded') }}"

        secrets:
          token: env:SHOP_TOKEN

        context:
          kept: 0

        tasks:
          - name: create_table
            run:
              - action: postgres
                connection: "{{ database }}"
                query: CREATE TABLE IF NOT EXISTS orders (id int primary key, amount numeric)

        steps:
          - name: Load
            run:
              - task: create_table
              - action: postgres
                connection: "{{ database }}"
                query: SELECT count(*) FROM orders WHERE amount >= $1
                params: ["{{ threshold }}"]
                fetch: value
                as: kept
            rule:
              - case: "{{ result.success and kept > 0 }}"
                run: [{step: Export}, {step: Notify}]
              - case: "{{ result.failed and error.transient }}"
                run: [{step: Load}]
              - case: "{{ result.failed }}"
                run: [{step: Report}]
          - name: Export
            run:
              - {action: shell, cmd: ["wc", "-l", "orders.csv"], as: lines}
          - name: Notify
            run:
              - {action: http, method: POST, url: "{{ env.HOOK }}", json: {kept: "{{ kept }}"}}
          - name: Report
            run:
              - {action: log, level: error, message: "load failed: {{ error.message }}"}

        outputs:
          kept: "{{ kept }}"
        """,
    "an-export-with-a-bounded-retry": """
        environment: {database: embedded}
        context: {tries: 0}
        steps:
          - name: initialize_db
            run: [{action: postgres, connection: "{{ database }}", script: schema.sql}]
            rule:
              - {case: result.success, run: [{step: export_step}]}
              - {case: default, run: [{step: handle_error}]}
              - {case: result.failed, run: [{step: handle_error}]}
          - name: export_step
            run: [{action: postgres, connection: "{{ database }}", copy_to: {query: SELECT 1, file: out.csv}}]
            rule:
              - {case: result.success, run: []}
              - {case: result.failed, run: [{step: handle_error}]}
          - name: handle_error
            run:
              - {action: set, values: {tries: "{{ tries + 1 }}"}}
              - {action: wait, for: "{{ tries }}s"}
            rule:
              - {case: "error.retryable and tries < 3", run: [{step: export_step}]}
              - {case: default, run: [{action: fail, message: "{{ last_error.message }}"}]}
        """,
    "branches-that-meet": """
        inputs: {day: {type: string, required: true}}
        steps:
          - name: Extract
            parallel: true
            run:
              - {action: shell, cmd: ["extract", "{{ day }}", orders], as: orders, output: json}
              - {action: shell, cmd: ["extract", "{{ day }}", customers], as: customers, output: json}
            rule:
              - case: default
                run: [Left, Right]
          - name: Left
            when: orders
            loop: {items: "{{ orders }}", as: order, parallel: 8}
            run: [{action: python, code: "return order", args: {order: "{{ order }}"}, as: cleaned}]
            rule: [{case: default, run: [Meet]}]
          - name: Right
            run:
              - action: python
                function: shop:score
                args: {customers: "{{ customers }}"}
                as: {scores: "{{ data.scores }}", worst: "{{ data.worst }}"}
            rule: [{case: default, run: [Meet]}, {case: result.failed, run: [Meet]}]
          - name: Meet
            join: all
            run: [{action: log, message: "{{ steps.Left.result.data | length }} {{ scores }} {{ worst }}"}]
        outputs: {scores: "{{ scores }}"}
        """,
    "a-shell-pipeline": """
        inputs:
          folder: {type: string, default: .}
          lines: {type: integer, default: 10}
        steps:
          - name: Count
            run:
              - action: shell
                cmd: |
                  set -e
                  files=$(ls {{ folder | sh }})
                  echo "${#files[@]}" | head -n {{ lines }}
                env: {NAME: "{{ folder }}", HOME: "{{ env.HOME }}"}
                output: lines
                as: files
        """,
    "a-race": """
        steps:
          - {name: Ask, rule: [{case: default, run: [First, Second]}]}
          - name: First
            run: [{action: http, url: https://a.example, as: answer}]
            rule: [{case: result.success, run: [Answer]}]
          - name: Second
            run: [{action: http, url: https://b.example, as: answer}]
            rule: [{case: result.success, run: [Answer]}]
          - name: Answer
            join: first
            run: [{action: log, message: "{{ answer }}"}]
        outputs: {answer: "{{ answer }}"}
        """,
}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in ACCEPTED.items()])
def test_nothing_is_said_of_a_sound_playbook(body: str) -> None:
    assert found(body) == []


def test_a_long_chain_is_checked_without_deep_calls() -> None:
    steps = "\n".join(f"- {{name: S{number}, rule: [{{case: true, run: [S{number + 1}]}}]}}" for number in range(2_000))
    tasks = "\n".join(f"- {{name: t{number}, run: [t{number + 1}]}}" for number in range(2_000))
    body = (
        f"tasks:\n{tasks}\n- {{name: t2000, run: [{{action: noop}}]}}\nsteps:\n{steps}\n- {{name: S2000, run: [t0]}}\n"
    )
    assert found(body) == []


def test_a_great_many_forks_are_checked() -> None:
    size = 2_000
    forks = "\n".join(
        f"- {{name: F{number}, rule: [{{case: true, run: [L{number}, R{number}]}}]}}\n"
        f"- {{name: L{number}, rule: [{{case: true, run: [J{number}]}}]}}\n"
        f"- {{name: R{number}, rule: [{{case: true, run: [J{number}]}}]}}\n"
        f"- {{name: J{number}, {'join: all, ' if number % 2 else ''}rule: [{{case: true, run: [F{number + 1}]}}]}}"
        for number in range(size)
    )
    body = f"steps:\n{forks}\n- {{name: F{size}, run: [{{action: noop}}]}}\n"
    assert found(body) == [f"missing-join: J{number}" for number in range(0, size, 2)]
