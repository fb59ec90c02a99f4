"""What a plan knows: values rendered as far as they are known, brackets for the rest, ways that stay closed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from engine_stage import HEAD

from noetl import Call, Engine, Outcome, PlaybookError, Touch
from noetl.runtime.planning import Plan, Work
from noetl.runtime.planning.work import MOST_ITEMS, MOST_WORK


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "shop.example")
    monkeypatch.setenv("API_TOKEN", "never-to-be-shown")
    monkeypatch.setenv("PASS_FOR_DB", "hunter-two-2")


def plan_of(text: str, inputs: Mapping[str, Any] | None = None, folder: Path | None = None) -> Plan:
    engine = Engine(working_folder=folder)
    return engine.plan(engine.load(HEAD + text), inputs)


def calls_of(plan: Plan) -> list[Work]:
    """All calls of all steps, in order, those of tasks behind the call."""
    todo = [work for step in plan.steps for work in (step.work, *(case.work for case in step.cases)) if work]
    found: list[Work] = []
    while todo:
        work = todo.pop(0)
        found.append(work)
        todo = [*work.calls, *(spare for spare in (work.fallback, work.compensate) if spare), *todo]
    return [work for work in found if work.kind != "block"]


def texts_of(plan: Plan) -> list[str]:
    return [touch.text for work in calls_of(plan) for touch in work.touches or ()]


#: Playbooks whose last step logs what is known at its place.
LOGGED = [
    pytest.param('steps: [{name: A, run: [{action: log, message: "{{ 1 + 1 }}"}]}]', "2", id="constant"),
    pytest.param(
        "inputs: {day: {default: monday}}\n"
        'steps: [{name: A, run: [{action: log, message: "on {{ day | upper }} {{ inputs.day }}"}]}]',
        "on MONDAY monday",
        id="input",
    ),
    pytest.param(
        'environment: {url: "http://{{ env.HOST }}/{{ playbook.name }}"}\n'
        'steps: [{name: A, run: [{action: noop}, {action: shell, cmd: ["{{ url }}"]}]}]',
        "http://shop.example/test",
        id="environment and process",
    ),
    pytest.param(
        'context: {n: 1}\nsteps: [{name: A, run: [{action: log, message: "{{ n + context.n }}"}]}]',
        "2",
        id="variable that nobody changes",
    ),
    pytest.param(
        'context: {n: 1}\nsteps: [{name: A, run: [{action: log, message: "{{ n }}"}, {action: set, values: {n: 2}}]}]',
        "1",
        id="variable that is changed later in the step",
    ),
    pytest.param(
        'context: {n: 1}\nsteps: [{name: A, run: [{action: set, values: {n: 2}}, {action: log, message: "{{ n }}"}]}]',
        "<after set>",
        id="variable that was changed in the step",
    ),
    pytest.param(
        "context: {n: 1}\n"
        'steps: [{name: A, loop: {items: 2}, run: [{action: log, message: "{{ n }}"}, {action: set, values: {n: 2}}]}]',
        "<after A>",
        id="variable that an iteration before may have changed",
    ),
    pytest.param(
        "context: {n: 1}\n"
        "steps:\n"
        '  - {name: A, run: [{action: log, message: "{{ n }}"}], rule: [{case: default, run: [{step: B}]}]}\n'
        "  - {name: B, run: [{action: set, values: {n: 2}}]}",
        "1",
        id="variable that a later step changes",
    ),
    pytest.param(
        "context: {n: 1}\n"
        "steps:\n"
        '  - {name: A, run: [{action: log, message: "{{ n }}"}], rule: [{case: default, run: [{step: B}]}]}\n'
        "  - name: B\n"
        "    run: [{action: set, values: {n: 2}}]\n"
        '    rule: [{case: "{{ n < 9 }}", run: [{step: A}]}]',
        "<after B>",
        id="variable that is changed in a cycle",
    ),
    pytest.param(
        "inputs: {n: {default: 1}}\n"
        'steps: [{name: A, run: [{action: shell, cmd: ls, as: n}, {action: log, message: "{{ n }}/{{ inputs.n }}"}]}]',
        "<after shell>/1",
        id="variable that hides an input",
    ),
    pytest.param(
        "tasks: [{name: t, run: [{action: shell, cmd: ls, as: n}]}]\n"
        'steps: [{name: A, run: [{task: t}, {action: log, message: "{{ n }}"}]}]',
        "<after t>",
        id="variable that a task sets",
    ),
    pytest.param(
        'steps: [{name: A, run: [{action: shell, cmd: ls}, {action: log, message: "got {{ result.data }}"}]}]',
        "got <after shell>",
        id="result",
    ),
    pytest.param(
        "steps:\n"
        "  - {name: A, run: [{action: shell, cmd: ls}], rule: [{case: default, run: [{step: B}]}]}\n"
        '  - {name: B, run: [{action: log, message: "{{ steps.A.result.data }} {{ result.data | upper }}"}]}',
        "<after A> <after A>",
        id="result of a step",
    ),
    pytest.param(
        'steps: [{name: A, run: [{action: log, message: "{{ now() }} {{ uuid() }} {{ execution.id }}"}]}]',
        "<now()> <uuid()> <execution.id>",
        id="what is drawn",
    ),
    pytest.param(
        'steps: [{name: A, run: [{action: log, message: "{% if result %}x{% endif %}{{ 1 }}"}]}]',
        "1",
        id="nothing has come before the first step",
    ),
    pytest.param(
        'steps: [{name: A, run: [{action: noop}, {action: log, message: "{% if result %}x{% endif %}{{ 1 }}"}]}]',
        "<after noop>",
        id="a statement makes the whole unknown",
    ),
    pytest.param(
        "inputs: {all: {default: false}}\n"
        'steps: [{name: A, run: [{action: noop}, {action: log, message: "{{ result.data if all else 1 }}"}]}]',
        "1",
        id="what is not read need not be known",
    ),
    pytest.param(
        "tasks: [{name: t, args: {b: 2}, run: [{action: log, message: '{{ a }}{{ b }}{{ c }}'}]}]\n"
        'steps: [{name: A, run: [{task: t, with: {a: "{{ 1 }}", c: "{{ result }}"}}]}]',
        "12",
        id="arguments",
    ),
    pytest.param(
        "tasks: [{name: t, run: [{action: log, message: '{{ a.x }} {{ a.y }} {{ a.y | upper }}'}]}]\n"
        "steps:\n"
        "  - name: A\n"
        '    run: [{action: shell, cmd: ls, as: v}, {task: t, with: {a: {x: 1, y: "v={{ v }}"}}}]',
        "1 v=<after shell> <after shell>",
        id="argument that is known in part",
    ),
    pytest.param(
        "tasks: [{name: t, run: [{action: log, message: 'failed: {{ error.code }} {{ item }}'}]}]\n"
        "steps:\n"
        "  - name: A\n"
        "    loop: {items: [1]}\n"
        "    run: [{action: shell, cmd: ls, fallback: t}]",
        "failed: <the failure> <each item>",
        id="fallback",
    ),
    pytest.param(
        'secrets: {t: "env:API_TOKEN"}\nsteps: [{name: A, run: [{action: log, message: "a {{ secrets.t }} {{ env.HOST }}"}]}]',
        "a <secret> <secret>",
        id="a log shows nothing that is held",
    ),
]


@pytest.mark.parametrize(("text", "told"), LOGGED)
def test_what_is_known_is_rendered_and_brackets_stand_for_the_rest(text: str, told: str) -> None:
    known = [touch for work in calls_of(plan_of(text)) if work.name in ("log", "shell") for touch in work.touches or ()]
    assert told in [touch.text for touch in known]


@pytest.mark.parametrize(
    ("action", "told"),
    [
        pytest.param('{action: shell, cmd: "ls -l\\nwc"}', ["ls -l ..."], id="shell text"),
        pytest.param(
            '{action: shell, cmd: [ls, "a b", "{{ env.HOST }}"], cwd: /tmp}',
            ["ls 'a b' shop.example", "in /tmp"],
            id="shell list",
        ),
        pytest.param('{action: python, code: "# first\\n\\nx = 1\\nreturn x"}', ["x = 1 ..."], id="python code"),
        pytest.param("{action: python, function: 'shop.tools:load'}", ["shop.tools:load()"], id="python function"),
        pytest.param("{action: python, file: load.py}", ["runs load.py"], id="python file"),
        pytest.param("{action: playbook, path: child.yaml}", ["runs child.yaml"], id="playbook"),
        pytest.param(
            "{action: playbook, name: child, detach: true}", ["starts child, without waiting for it"], id="detached"
        ),
        pytest.param(
            '{action: postgres, connection: "postgresql://me:pw@db:5433/shop?x=y", query: SELECT * FROM a}',
            ["SELECT from a", "in db:5433/shop"],
            id="postgres query",
        ),
        pytest.param(
            "{action: postgres, connection: embedded, queries: [DELETE FROM a, {query: INSERT INTO b VALUES (1)}]}",
            ["DELETE from a", "INSERT into b", "in embedded"],
            id="postgres queries",
        ),
        pytest.param(
            '{action: postgres, connection: "{{ env.API_TOKEN }}", copy_from: {file: a.csv, table: b}}',
            ["reads a.csv", "COPY into b", "in <secret>"],
            id="postgres copy_from",
        ),
        pytest.param(
            "{action: postgres, connection: embedded, copy_to: {file: a.csv, query: SELECT * FROM b}}",
            ["SELECT from b", "writes a.csv", "in embedded"],
            id="postgres copy_to",
        ),
        pytest.param(
            '{action: http, url: "https://me:pw@{{ env.HOST }}/a?key=x#y"}',
            ["GET https://shop.example/a"],
            id="http address",
        ),
        pytest.param(
            '{action: http, method: put, url: "{{ result.data }}", files: {f: a.txt, g: [{file: b}, {content: c}]}}',
            ["PUT <after noop>", "reads a.txt", "reads b"],
            id="http with files to an unknown address",
        ),
        pytest.param(
            "{action: http, url: 'http://a/b', save_to: out.bin, proxy: 'http://u:p@proxy:3128', "
            "auth: {oauth2: {token_url: 'https://id/token', client_id: a, client_secret: '{{ secrets.db }}'}}}",
            ["POST https://id/token", "GET http://a/b", "writes out.bin", "by way of proxy:3128"],
            id="http into a file",
        ),
        pytest.param(
            '{action: http, url: "http://a/b", paginate: {next: "{{ data.next }}", until: "{{ page > 3 }}"}}',
            ["GET http://a/b, page by page"],
            id="http in pages",
        ),
        pytest.param('{action: powershell, script: "\\nGet-Item ."}', ["Get-Item ."], id="powershell"),
        pytest.param("{action: powershell, file: a.ps1, cwd: b}", ["runs a.ps1", "in b"], id="powershell file"),
        pytest.param("{action: set, values: {a: null, b: [1]}}", ["a = null", "b = [1]"], id="set"),
        pytest.param("{action: log, level: warning, message: 7}", ["warning: 7"], id="log"),
        pytest.param("{action: wait, for: 10s}", ["for 10s"], id="wait for"),
        pytest.param("{action: wait, event: 'go {{ env.HOST }}'}", None, id="held where it may not be"),
        pytest.param("{action: wait, event: approved}", ["for the event 'approved'"], id="wait for an event"),
        pytest.param("{action: fail, message: no luck, code: luck}", ["no luck (luck)"], id="fail"),
        pytest.param("{action: stop}", ["ends the run"], id="stop"),
    ],
)
def test_actions_tell_what_they_would_touch(action: str, told: list[str] | None) -> None:
    text = f"secrets: {{db: 'env:PASS_FOR_DB'}}\nsteps: [{{name: A, run: [{{action: noop}}, {action}]}}]"
    if told is None:
        with pytest.raises(PlaybookError):
            plan_of(text)
    else:
        assert texts_of(plan_of(text)) == told


def test_the_statements_of_a_script_are_told(tmp_path: Path) -> None:
    (tmp_path / "load.sql").write_text("CREATE TABLE a (x int);\nINSERT INTO a VALUES (1);")
    action = "{action: postgres, connection: embedded, script: load.sql}"
    plan = plan_of(f"steps: [{{name: A, run: [{action}]}}]", folder=tmp_path)
    assert texts_of(plan) == ["reads load.sql", "CREATE TABLE a", "INSERT into a", "in embedded"]


FLOWS = [
    pytest.param(
        "inputs: {branch: {default: main}}\n"
        "steps:\n"
        "  - name: A\n"
        "    rule:\n"
        "      - {case: \"{{ branch == 'main' }}\", run: [{step: B}]}\n"
        "      - {case: default, run: [{step: C}]}\n"
        "  - {name: B, run: [{action: noop}]}\n"
        "  - {name: C, run: [{action: noop}]}",
        ["A", "B"],
        ["C"],
        [True, None],
        id="a case that is true closes those below",
    ),
    pytest.param(
        "inputs: {branch: {default: dev}}\n"
        "steps:\n"
        "  - name: A\n"
        "    run: [{action: shell, cmd: ls}]\n"
        "    rule:\n"
        "      - {case: \"{{ result.success and branch == 'main' }}\", run: [{step: B}]}\n"
        "      - {case: default, run: [{step: C}]}\n"
        '      - {case: "{{ result.failed }}", run: [{step: D}]}\n'
        "  - {name: B, run: [{action: noop}]}\n"
        "  - {name: C, run: [{action: noop}]}\n"
        "  - {name: D, run: [{action: noop}]}",
        ["A", "C", "D"],
        ["B"],
        [False, None, None],
        id="one part that is false is enough, and a failure has its own ways",
    ),
    pytest.param(
        "steps:\n"
        "  - {name: A, rule: [{case: default, run: [{step: B}, {step: C}]}]}\n"
        "  - {name: D, join: all, run: [{action: noop}]}\n"
        "  - {name: C, rule: [{case: default, run: [{step: D}]}]}\n"
        "  - {name: B, rule: [{case: default, run: [{step: D}]}]}",
        ["A", "B", "C", "D"],
        [],
        [None],
        id="a join stands behind its branches",
    ),
    pytest.param(
        "context: {n: 0}\n"
        "steps:\n"
        "  - name: A\n"
        "    run: [{action: set, values: {n: '{{ n + 1 }}'}}]\n"
        "    rule: [{case: '{{ n < 3 }}', run: [{step: A}]}, {case: default, run: [{step: B}]}]\n"
        "  - {name: B, run: [{action: noop}]}",
        ["A", "B"],
        [],
        [None, None],
        id="cycle",
    ),
]


@pytest.mark.parametrize(("text", "reached", "unreachable", "holds"), FLOWS)
def test_steps_are_told_in_the_order_of_the_ways_that_are_open(
    text: str, reached: list[str], unreachable: list[str], holds: list[bool | None]
) -> None:
    plan = plan_of(text)
    assert ([step.name for step in plan.steps], plan.unreachable) == (reached, unreachable)
    assert [case.condition and case.condition.holds for case in plan.steps[0].cases] == holds


def test_a_short_loop_is_told_item_by_item_and_a_long_one_at_once() -> None:
    text = 'inputs: {{}}\nsteps: [{{name: A, run: [{{action: log, message: "{{{{ loop.index }}}}{{{{ item }}}}", loop: {{items: {}}}}}]}}]'
    assert texts_of(plan_of(text.format("[a, b, a]"))) == ["0a", "1b", "2a"]
    assert texts_of(plan_of(text.format(MOST_ITEMS + 1))) == ["<each item><each item>"]


@pytest.mark.parametrize(
    ("policies", "told"),
    [
        pytest.param("loop: {items: 37, parallel: 4}", {"loop": {"times": 37, "parallel": 4}}, id="loop over a number"),
        pytest.param("loop: {items: {a: 1}}", {"loop": {"times": 1}}, id="loop over a mapping"),
        pytest.param(
            "loop: {items: '{{ result.data }}', on_error: continue}",
            {"loop": {"times": "<after noop>", "goes_on": True}, "needs": ["after noop"]},
            id="loop over what is not known",
        ),
        pytest.param(
            "loop: {while: '{{ result.data < 3 }}', max: 9}",
            {"loop": {"while": "result.data < 3", "most": 9}},
            id="while",
        ),
        pytest.param("retry: 5, timeout: '{{ 2 * 15 }}s'", {"attempts": 5, "timeout": 30.0}, id="retry and timeout"),
        pytest.param("timeout: soon", None, id="no duration"),
        pytest.param("when: '{{ 1 > 2 }}'", {"when": {"text": "1 > 2", "holds": False}, "skipped": True}, id="skipped"),
        pytest.param(
            "on_error: continue, as: {x: '{{ data }}'}", {"goes_on": True, "sets": ["x"]}, id="on_error and as"
        ),
    ],
)
def test_what_stands_around_an_action_is_told(policies: str, told: dict[str, Any] | None) -> None:
    text = f"steps: [{{name: A, run: [{{action: noop}}, {{action: noop, {policies}}}]}}]"
    if told is None:
        with pytest.raises(PlaybookError):
            plan_of(text)
        return
    work = msgspec.to_builtins(calls_of(plan_of(text))[1])
    expected = {"kind": "action", "name": "noop", "place": "A.run[1]", "line": 4, **told}
    assert {name: value for name, value in work.items() if name != "touches"} == expected


def test_a_step_that_undoes_its_branch_says_so() -> None:
    (step,) = plan_of("steps: [{name: A, on_error: compensate, run: [{action: noop}]}]").steps
    assert step.work is not None
    assert (step.work.goes_on, step.work.undoes) == (True, True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            'steps: [{name: A, run: [{action: shell, cmd: "{{ env.NOT_THERE }}"}]}]',
            "'env' has no key 'NOT_THERE'",
            id="undefined",
        ),
        pytest.param(
            'inputs: {n: {default: x}}\nsteps: [{name: A, run: [{action: shell, cmd: ls, expect: "{{ n }}"}]}]',
            "the options of 'shell' are wrong: 'expect': ",
            id="options",
        ),
        pytest.param(
            'inputs: {n: {default: x}}\nsteps: [{name: A, run: [{action: noop, loop: {items: "{{ n }}"}}]}]',
            "a loop needs a list, a mapping or a whole number, got 'x'",
            id="loop",
        ),
        pytest.param(
            'inputs: {n: {default: x}}\nsteps: [{name: A, run: [{action: noop, when: "{{ n > 1 }}"}]}]',
            "cannot evaluate '{{ n > 1 }}'",
            id="when",
        ),
    ],
)
def test_what_would_fail_is_told_where_it_stands(text: str, problem: str) -> None:
    (work,) = calls_of(plan_of(text))
    assert [sentence[: len(problem)] for sentence in work.problems] == [problem]


def test_what_the_start_would_fail_of_is_told() -> None:
    plan = plan_of('environment: {x: "{{ env.NOT_THERE }}"}\nsteps: [{name: A, run: [{action: noop}]}]')
    assert plan.environment == {"x": "<error>"}
    assert plan.problems == ["'environment.x' cannot be rendered: 'env' has no key 'NOT_THERE'"]


SECRETIVE = """
inputs: {api_key: {default: ""}, note: {default: ""}}
secrets: {db: "env:PASS_FOR_DB", gone: "env:NOT_THERE", short: "file:short.txt", vault: "vault:a/b"}
environment:
  dsn: "postgres://me:{{ secrets.db }}@{{ env.HOST }}/shop"
  copy: "{{ env.PASS_FOR_DB }} {{ env.API_TOKEN }}"
steps:
  - name: A
    run:
      - {action: shell, cmd: ["{{ note }}", "{{ api_key }}", "{{ dsn }}", "{{ copy | upper }}"]}
"""


def test_secrets_are_never_shown_and_their_sources_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("ab")
    plan = plan_of(SECRETIVE, {"api_key": "given-key-1", "note": "it is hunter-two-2"}, folder=tmp_path)
    assert plan.inputs == {"api_key": "<secret>", "note": "it is ***"}
    assert plan.environment == {"dsn": "postgres://me:<secret>@shop.example/shop", "copy": "<secret> <secret>"}
    assert [(secret.name, secret.found) for secret in plan.secrets] == [
        ("db", True),
        ("gone", False),
        ("short", False),
        ("vault", None),
    ]
    whole = msgspec.json.encode(plan).decode()
    assert not any(word in whole for word in ("hunter", "given-key", "never-to-be"))


def test_a_secret_that_is_a_word_of_the_plan_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for word in ("steps", "action", "planned", "each", "1234"):
        monkeypatch.setenv("PASS_FOR_DB", word)
        text = "secrets: {db: 'env:PASS_FOR_DB'}\ninputs: {n: {default: 1234}}\nsteps: [{name: A, run: [{action: noop, timeout: 1234}]}]"
        assert plan_of(text).steps[0].line == 6


def test_a_plan_that_is_too_long_is_cut() -> None:
    tasks = [f"  - {{name: t{n}, run: [{{task: t{n + 1}}}, {{task: t{n + 1}}}]}}" for n in range(40)]
    text = "\n".join(
        ["tasks:", *tasks, "  - {name: t40, run: [{action: noop}]}", "steps: [{name: A, run: [{task: t0}]}]"]
    )
    plan = plan_of(text)
    assert plan.truncated
    assert len(calls_of(plan)) <= MOST_WORK


def test_tasks_that_are_nested_too_deeply_are_cut() -> None:
    tasks = [f"  - {{name: t{n}, run: [{{task: t{n + 1}}}]}}" for n in range(300)]
    text = "\n".join(
        ["tasks:", *tasks, "  - {name: t300, run: [{action: noop}]}", "steps: [{name: A, run: [{task: t0}]}]"]
    )
    assert plan_of(text).truncated


def test_of_many_steps_that_may_have_set_a_variable_the_first_are_named() -> None:
    steps = [
        f'  - {{name: s{n}, run: [{{action: set, values: {{x: "{{{{ x }}}}"}}}}], rule: [{{case: default, run: [s{n + 1}]}}]}}'
        for n in range(30)
    ]
    plan = plan_of(
        "\n".join(["context: {x: 1}", "steps:", *steps, "  - {name: s30, run: [{action: log, message: '{{ x }}'}]}"])
    )
    (call,) = plan.steps[-1].work.calls if plan.steps[-1].work is not None else []
    assert call.needs == [*(f"after s{n}" for n in range(20)), "after 10 more steps"]
    assert texts_of(plan)[-1] == "<after s0, s1, s2, ...>"


class ShipOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    parcel: Any


class Ship:
    name: ClassVar[str] = "ship"
    options: ClassVar[type[msgspec.Struct]] = ShipOptions
    program_text: ClassVar[frozenset[str]] = frozenset()
    runtimes: ClassVar[tuple[str, ...]] = ("in-process",)

    async def run(self, options: ShipOptions, call: Call) -> Outcome:
        raise AssertionError("a plan runs nothing")


class TellingShip(Ship):
    def touches(self, options: Mapping[str, Any], folder: Path) -> list[Touch]:
        return [Touch(kind="parcel", text=f"ships {options['parcel']['id']}", details={"id": options["parcel"]["id"]})]


@pytest.mark.parametrize(
    ("handler", "parcel", "touches"),
    [
        pytest.param(Ship(), "{id: 1}", None, id="a handler that does not tell"),
        pytest.param(TellingShip(), "{id: 1}", [Touch(kind="parcel", text="ships 1", details={"id": 1})], id="tells"),
        pytest.param(
            TellingShip(),
            "{id: '{{ result.data }}'}",
            [Touch(kind="parcel", text="ships <after noop>", details={"id": "<after noop>"})],
            id="what is not known",
        ),
        pytest.param(TellingShip(), "'{{ result.data }}'", None, id="a shape that it does not take"),
    ],
)
def test_a_handler_of_ones_own_may_tell_too(handler: Ship, parcel: str, touches: list[Touch] | None) -> None:
    engine = Engine(handlers=[handler])
    text = f"{HEAD}steps: [{{name: A, run: [{{action: noop}}, {{action: ship, parcel: {parcel}}}]}}]"
    assert calls_of(engine.plan(engine.load(text)))[1].touches == touches
