from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cli_case import Case
from sample_playbooks import BROKEN, GREET

ORDERS = """
apiVersion: noetl.io/v1
kind: Playbook
name: orders
timeout: 1h
inputs:
  day: {type: string, required: true}
  branch: {type: string, default: main}
environment:
  shop: "{{ env.SHOP }}"
secrets:
  token: env:SHOP_TOKEN
  key: vault:shop/key
context: {kept: 0}
tasks:
  - name: tell
    run:
      - {action: log, level: warning, message: "kept {{ kept }}: {{ why }}"}
steps:
  - name: Load
    description: Loads the orders of a day
    timeout: 5m
    run:
      - {action: http, url: "{{ shop }}/orders", params: {day: "{{ day }}"}, auth: {bearer: "{{ secrets.token }}"}, retry: 5, timeout: 10s, as: orders}
      - {action: shell, cmd: [store, "{{ order.id }}"], loop: {items: "{{ orders }}", as: order, parallel: 4}, on_error: continue}
      - {action: set, values: {kept: "{{ orders | length }}"}}
    rule:
      - case: "{{ result.success and branch == 'main' }}"
        run: [{step: Ship}, {step: Bill}]
      - case: "{{ branch != 'main' }}"
        run: [{step: Skip}]
      - case: "{{ result.failed }}"
        run: [{task: tell, with: {why: "{{ error.message }}"}}]
  - name: Skip
    run: [{action: noop}]
  - name: Ship
    parallel: 2
    run:
      - {action: python, code: "return 1", fallback: {task: tell, with: {why: late}}, as: shipped}
    rule: [{case: default, run: [{step: Done}]}]
  - name: Bill
    run: [{task: tell, with: {why: unpaid}, when: "{{ inputs.day == 'never' }}"}]
    rule: [{case: default, run: [{step: Done}]}]
  - name: Done
    join: all
    run: [{action: stop, message: all is done}]
"""

PLAN = """
orders: what a run would do  (4 steps; at most 1h00m)
  inputs
    day     monday
    branch  main
  environment
    shop  http://localhost:1
  context
    kept  0
  secrets
    token  env:SHOP_TOKEN  not usable: the environment variable 'SHOP_TOKEN' is not set
    key    vault:shop/key  not looked at

Load  (start; at most 5m00s)
  Loads the orders of a day
  http      GET http://localhost:1/orders  (as orders; up to 5 attempts; at most 10s)
  shell     store <each order>  (once for each of <after http>; 4 at once; goes on after a failure)
  set       kept = <after http>
  → Ship, Bill  if result.success and branch == 'main'
  → Skip        if branch != 'main' (false)
  → if result.failed:
    task tell
      log       warning: kept <after Load>: <after Load>

Ship
  python    return 1  (as shipped)
    if it fails: task tell
      log       warning: kept <after Load>: late
  → Done

Bill
  task tell  (not done: inputs.day == 'never' is false)
  → Done

Done  (waits for all)
  stop      ends the run: all is done

never reached: Skip
"""


def test_a_plan_is_told_for_people(case: Case) -> None:
    case.file("orders.yaml", ORDERS).env(SHOP="http://localhost:1")
    ended = case.args("run", "orders.yaml", "--dry-run", "-i", "day=monday").run()
    assert ended.stdout == PLAN.lstrip("\n")
    assert ended.code == 0


def test_another_input_opens_other_ways(case: Case) -> None:
    case.file("orders.yaml", ORDERS).env(SHOP="http://localhost:1")
    ended = case.args("run", "orders.yaml", "--dry-run", "-i", "day=monday", "-i", "branch=dev").run()
    assert "  → Ship, Bill  if result.success and branch == 'main' (false)\n" in ended.stdout
    assert "  → Skip        if branch != 'main' (true)\n" in ended.stdout
    assert ended.stdout.endswith("\nnever reached: Ship, Bill, Done\n")


def test_a_plan_for_programs_is_one_object(case: Case) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "--dry-run", "--json", "-i", "times=2").stdout(
        '{"status":"planned","playbook":"greet","inputs":{"name":"world","times":2},"environment":{},'
        '"context":{"said":0},"secrets":[],"timeout":null,"on_error":"abort","steps":['
        '{"name":"Hello","line":9,"cases":['
        '{"number":1,"condition":{"text":"said < times","holds":null},"moves":["Hello"]},'
        '{"number":2,"condition":null,"moves":["Done"]}],'
        '"work":{"kind":"block","name":"Hello","place":"Hello.run","line":10,"calls":['
        '{"kind":"action","name":"set","place":"Hello.run[0]","line":11,"touches":['
        '{"kind":"variable","text":"said = <after Hello>","details":{"name":"said","value":"<after Hello>"}}],'
        '"needs":["after Hello"]}]},"start":true},'
        '{"name":"Done","line":17,"cases":[],'
        '"work":{"kind":"block","name":"Done","place":"Done.run","line":18,"calls":['
        '{"kind":"action","name":"log","place":"Done.run[0]","line":19,"touches":['
        '{"kind":"log","text":"hello world","details":{"level":"info","message":"hello world"}}]}]}}],'
        '"unreachable":[],"problems":[],"truncated":false}\n'
    ).exit(0)


def test_quiet_tells_nothing_of_a_plan(case: Case) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "--dry-run", "-q").exit(0)


def test_a_plan_is_made_of_standard_input_too(case: Case) -> None:
    ended = case.args("run", "-", "--dry-run").stdin(GREET).run()
    assert ended.stdout.startswith("greet: what a run would do  (2 steps)\n")


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [
        pytest.param(BROKEN, [], "unknown-step", id="playbook"),
        pytest.param(ORDERS, [], "missing-input", id="missing input"),
        pytest.param(GREET, ["-i", "times=x"], "bad-input", id="wrong input"),
        pytest.param(GREET, ["-i", "nmae=x"], "unknown-input", id="unknown input"),
    ],
)
def test_what_is_invalid_has_problems_instead_of_a_plan(case: Case, text: str, words: list[str], code: str) -> None:
    case.file("given.yaml", text).args("run", "given.yaml", "--dry-run", "--json", *words)
    ended = case.run()
    answer = ended.json()
    assert (answer["status"], [problem["code"] for problem in answer["problems"]]) == ("invalid", [code])
    assert ended.code == 2


TOUCHING = """
apiVersion: noetl.io/v1
kind: Playbook
name: touching
inputs: {port: {type: integer}}
environment: {database: "postgresql://me@127.0.0.1:{{ inputs.port }}/x"}
steps:
  - name: All
    parallel: true
    run:
      - {action: shell, cmd: "touch by-shell"}
      - {action: python, code: "open('by-python', 'w')"}
      - {action: http, url: "http://127.0.0.1:{{ inputs.port }}/", save_to: by-http}
      - {action: postgres, connection: "{{ database }}", query: DELETE FROM a}
      - {action: postgres, connection: "{{ database }}", copy_to: {file: by-postgres.csv, table: a}}
      - {action: postgres, connection: embedded, query: SELECT 1}
      - {action: powershell, script: "New-Item by-powershell"}
      - {action: playbook, path: touching.yaml, inputs: {port: "{{ inputs.port }}"}, detach: true}
      - {action: wait, for: 1h}
"""


@contextmanager
def counting_server() -> Iterator[tuple[int, list[object]]]:
    """The port of a server on the loopback, and those who have come."""
    came: list[object] = []

    def serve() -> None:
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                return
            came.append(address)
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], came
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("words", [pytest.param([], id="text"), pytest.param(["--json"], id="json")])
def test_nothing_is_touched(case: Case, words: list[str]) -> None:
    home = case.folder / "home"
    case.file("playbooks/touching.yaml", TOUCHING).env(HOME=str(home))
    home.mkdir()
    with counting_server() as (port, came):
        ended = case.args(
            "run", "playbooks/touching.yaml", "--dry-run", "--junit", "report.xml", "-i", f"port={port}", *words
        ).run()
        assert (ended.code, ended.stderr) == (0, "")
        assert came == []
    assert sorted(str(path.relative_to(case.folder)) for path in case.folder.rglob("*")) == [
        "home",
        "playbooks",
        "playbooks/touching.yaml",
    ]


def test_what_stands_in_the_playbook_cannot_paint_the_terminal(case: Case) -> None:
    case.file(
        "wild.yaml",
        """
        apiVersion: noetl.io/v1
        kind: Playbook
        name: wild
        inputs: {"n": {default: "a\\e[31mb"}}
        steps:
          - name: A
            description: "one\\e[2J"
            run: [{action: shell, cmd: ["\\e[31m", "{{ n }}"], when: "{{ '\\e' != n or result }}"}]
        """,
    )
    ended = case.args("run", "wild.yaml", "--dry-run").run()
    assert ended.code == 0
    assert "\x1b" not in ended.stdout
