"""Every action of the language under every condition that an action meets: through a playbook, on a real engine."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_stage import HEAD, code, run, stage
from web_server import web_server

from noetl import PlaybookError, Status, check

pytestmark = pytest.mark.usefixtures("embedded", "web")

MEGABYTES = 10 * 1000 * 1000

#: Rows that need PowerShell itself; without it, a stand-in is tested in `tests/actions/powershell`.
HAS_POWERSHELL = any(map(shutil.which, ("pwsh", "powershell")))


def where_installed(row: Any) -> dict[str, Any]:
    return {"powershell": row} if HAS_POWERSHELL else {}


#: A playbook whose only step is one action, and the data it must give.
SUCCESSES: dict[str, tuple[str, Any]] = {
    "shell": ("action: shell, cmd: echo hello", "hello"),
    "python": ("action: python, code: 'return n + 1', args: {n: 1}", 2),
    "postgres": (
        "action: postgres, connection: embedded, query: 'SELECT 1 + $1::int AS n', params: [1], fetch: value",
        2,
    ),
    "http": ("action: http, url: '{{ env.WEB }}/two'", 2),
    "playbook": ("action: playbook, path: child.yaml", {"x": 1}),
    **where_installed(("action: powershell, script: '$n + 1', args: {n: 1}", 2)),
    "set": ("action: set, values: {a: 1}", {"a": 1}),
    "log": ("action: log, message: hello", None),
    "wait": ("action: wait, for: 1ms", None),
    "noop": ("action: noop", None),
}

#: What fails, with the class and code of its error.
FAILURES: dict[str, tuple[str, str, str]] = {
    "shell": ("action: shell, cmd: exit 3", "permanent", "exit_code"),
    "shell without program": ("action: shell, cmd: [no-such-program]", "system", "program_not_found"),
    "python": ("action: python, code: 'return 1 / 0'", "permanent", "ZeroDivisionError"),
    "python that dies": ("action: python, code: 'import os; os._exit(7)'", "system", "worker_died"),
    "postgres": ("action: postgres, connection: embedded, query: SELEC 1", "permanent", "42601"),
    "http": ("action: http, url: '{{ env.WEB }}/none'", "permanent", "status_code"),
    "http without server": ("action: http, url: 'http://127.0.0.1:1/'", "transient", "connection_refused"),
    "playbook": ("action: playbook, path: failing.yaml", "user", "mine"),
    "powershell without program": (
        "action: powershell, script: '1', env: {PATH: /no/such}",
        "system",
        "powershell_not_found",
    ),
    **where_installed(("action: powershell, script: throw 'no'", "permanent", "script_error")),
    "set": ("action: set, values: {a: '{{ steps.Later.result.data }}'}", "permanent", "undefined"),
    "log": ("action: log, message: '{{ steps.Later.result.data }}'", "permanent", "undefined"),
    "wait": ("action: wait, until: '{{ inputs.text }}'", "permanent", "expression"),
    "fail": ("action: fail, message: no, code: mine, kind: transient", "transient", "mine"),
}

#: What takes long, for a timeout or a cancel to end.
SLOW: dict[str, str] = {
    "shell": "action: shell, cmd: sleep 60",
    "python": "action: python, code: 'import time; time.sleep(60)'",
    "postgres": "action: postgres, connection: embedded, query: SELECT pg_sleep(60)",
    "http": "action: http, url: '{{ env.WEB }}/slow'",
    "playbook": "action: playbook, path: slow.yaml",
    **where_installed("action: powershell, script: Start-Sleep 60"),
    "wait": "action: wait, for: 1h",
    "wait for an event": "action: wait, event: never",
}

#: Options that only show themselves as wrong when they are rendered.
BAD_OPTIONS: dict[str, tuple[str, str]] = {
    "shell": ("action: shell, cmd: '{{ inputs.mapping }}'", "bad_options"),
    "python": ("action: python, code: 'return 1', args: '{{ inputs.text }}'", "bad_options"),
    "postgres": ("action: postgres, connection: embedded, query: '{{ inputs.mapping }}'", "bad_options"),
    "http": ("action: http, url: '{{ inputs.text }}'", "bad_options"),
    "playbook": ("action: playbook, path: '{{ inputs.mapping }}'", "bad_options"),
    "powershell": ("action: powershell, script: '1', args: '{{ inputs.text }}'", "bad_options"),
    "wait": ("action: wait, for: '{{ inputs.text }}'", "expression"),
    "fail": ("action: fail, message: no, kind: '{{ inputs.text }}'", "expression"),
}

#: Options that the check refuses before anything runs.
REFUSED: dict[str, str] = {
    "shell": "action: shell, cmdd: echo",
    "python": "action: python, code: 'return 1', file: x.py",
    "postgres": "action: postgres, connection: embedded, fetch: some, query: SELECT 1",
    "http": "action: http, url: /orders",
    "playbook": "action: playbook, pth: x",
    "powershell": "action: powershell, script: '1', file: x.ps1",
    "set": "action: set, value: {a: 1}",
    "log": "action: log, message: x, level: loud",
    "wait": "action: wait, for: 1s, event: x",
    "fail": "action: fail, message: x, kind: sad",
    "stop": "action: stop, mesage: x",
    "noop": "action: noop, x: 1",
}

#: Ten megabytes through an action, and how long its data is then.
LARGE: dict[str, str] = {
    "shell": "action: shell, cmd: 'head -c 10000000 /dev/zero | tr \"\\\\0\" x', max_output: 20MB",
    "python": "action: python, code: \"return 'x' * 10000000\"",
    "postgres": "action: postgres, connection: embedded, query: \"SELECT repeat('x', 10000000)\", fetch: value",
    "http": "action: http, url: '{{ env.WEB }}/large'",
    "playbook": "action: playbook, path: large.yaml",
    **where_installed("action: powershell, script: \"'x' * 10000000\""),
    "set": 'action: set, values: {a: "{{ inputs.large }}"}',
    "log": 'action: log, message: "{{ inputs.large }}"',
    "fail": 'action: fail, message: "{{ inputs.large }}", on_error: continue',
    "stop": 'action: stop, message: "{{ inputs.large }}"',
}

#: A secret among the options; what it leaves behind must not show it.
SECRETIVE: dict[str, str] = {
    "shell": "action: shell, cmd: [echo, '{{ secrets.token }}', '{{ secrets.token | b64encode }}']",
    "shell that fails": "action: shell, cmd: [sh, -c, 'echo $0 >&2; exit 1', '{{ secrets.token }}']",
    "python": "action: python, code: 'print(t); raise ValueError(t)', args: {t: '{{ secrets.token }}'}",
    "postgres": "action: postgres, connection: embedded, query: 'SELECT $1::text AS t', params: ['{{ secrets.token }}']",
    "postgres that fails": "action: postgres, connection: 'postgresql://u:{{ secrets.token }}@127.0.0.1:1/x', query: SELECT 1",
    "http": "action: http, url: '{{ env.WEB }}/repeat?key={{ secrets.token }}', auth: {bearer: '{{ secrets.token }}'}",
    "http that fails": "action: http, url: '{{ env.WEB }}/refuse', auth: {basic: {username: u, password: '{{ secrets.token }}'}}",
    "playbook": "action: playbook, path: secretive.yaml, secrets: {key: '{{ secrets.token }}'}",
    **where_installed("action: powershell, script: Write-Warning $t; throw $t, args: {t: '{{ secrets.token }}'}"),
    "log": "action: log, message: '{{ secrets.token }}'",
}

ACTIONS = {*SUCCESSES, "powershell", "fail", "stop"}


def _step(action: str, more: str = "") -> str:
    """A playbook that does one action and keeps its data."""
    return (
        "inputs: {text: {default: nonsense}, mapping: {default: {a: {b: 1}}}, large: {default: ''}}\n"
        f"steps:\n  - name: A\n    run: [{{{action}{more}}}]\n    rule: [{{case: false, run: [{{step: Later}}]}}]\n"
        "  - {name: Later, run: [{action: noop}]}\n"
    )


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server, whose URL is in the process environment."""
    with web_server() as url:
        monkeypatch.setenv("WEB", url)
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the playbooks are that others call."""
    children = {
        "child": "steps: [{name: W, run: [{action: set, values: {x: 1}}]}]\n",
        "failing": "steps: [{name: W, run: [{action: fail, message: no, code: mine, kind: user}]}]\n",
        "slow": "steps: [{name: W, run: [{action: shell, cmd: sleep 60}]}]\n",
        "large": "steps: [{name: W, run: [{action: python, code: \"return 'x' * 10000000\", as: x}]}]\n",
        "secretive": "secrets: {key: 'env:UNSET'}\nsteps: [{name: W, run: [{action: shell, cmd: [echo, '{{ secrets.key }}'], as: x}]}]\n",
    }
    for name, text in children.items():
        (tmp_path / f"{name}.yaml").write_text(HEAD + text)
    return tmp_path


def test_every_action_stands_in_every_table_that_applies() -> None:
    for table in (SUCCESSES, FAILURES, SLOW, BAD_OPTIONS, REFUSED, LARGE, SECRETIVE):
        assert {name.split()[0] for name in table} <= ACTIONS
    outside = {"http", "shell", "python", "postgres", "playbook"}
    for table in (SUCCESSES, FAILURES, SLOW, BAD_OPTIONS, REFUSED, LARGE, SECRETIVE):
        assert outside <= set(table)
    assert set(REFUSED) == ACTIONS


@pytest.mark.parametrize("action", SUCCESSES)
async def test_success_gives_the_data_of_the_table(action: str, folder: Path) -> None:
    text, data = SUCCESSES[action]
    report = await run(_step(text, ", as: kept"), folder=folder)
    assert report.succeeded, report.error
    assert report.outputs["kept"] == data


@pytest.mark.parametrize("action", FAILURES)
async def test_failure_has_its_class_and_code(action: str, folder: Path) -> None:
    text, kind, expected = FAILURES[action]
    report = await run(_step(text), folder=folder)
    assert report.error is not None
    assert (report.error["kind"], report.error["code"]) == (kind, expected)
    assert (report.error["step"], report.steps[0]["status"]) == ("A", "failed")


@pytest.mark.parametrize("action", SLOW)
async def test_a_timeout_ends_it_as_transient(action: str, folder: Path) -> None:
    report = await run(_step(SLOW[action], ", timeout: 300ms"), folder=folder)
    assert report.error is not None, report
    assert (report.error["kind"], report.error["code"]) == ("transient", "timeout")


@pytest.mark.parametrize("action", SLOW)
async def test_a_cancel_ends_it_as_cancelled(action: str, folder: Path) -> None:
    async with stage(folder=folder) as on:
        handle = await on.start(_step(SLOW[action]))
        while not {"action.started", "timer.set"} & set(on.kinds()):
            await asyncio.sleep(0.005)
        handle.cancel("enough")
        report = await handle.result()
    assert (report.status, code(report)) == (Status.CANCELLED, "cancelled")
    assert report.steps[0]["status"] == "cancelled"


@pytest.mark.parametrize("action", BAD_OPTIONS)
async def test_options_that_render_to_nonsense_fail_the_action(action: str, folder: Path) -> None:
    text, expected = BAD_OPTIONS[action]
    report = await run(_step(text), folder=folder)
    assert code(report) == expected, report.error


@pytest.mark.parametrize("action", REFUSED)
def test_wrong_options_are_refused_before_anything_runs(action: str) -> None:
    problems = check(HEAD + _step(REFUSED[action]))
    assert {problem.span.line for problem in problems if problem.severity == "error"} == {7}


@pytest.mark.parametrize("action", LARGE)
async def test_ten_megabytes_pass(action: str, folder: Path) -> None:
    async with stage(f"sqlite:{folder}/runs.db", folder=folder) as on:
        report = await on.run(_step(LARGE[action], ", as: kept"), {"large": "x" * MEGABYTES})
        assert report.succeeded, report.error
        events = await on.engine.store.read(report.execution_id)
    assert events == [event for event in on.events if event.execution_id == report.execution_id]
    kept = report.outputs.get("kept")
    if action in ("http", "shell", "python", "postgres"):
        assert kept == "x" * MEGABYTES


@pytest.mark.parametrize("action", SECRETIVE)
async def test_no_secret_is_left_behind(action: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2-and-more")
    text = "secrets: {token: env:TOKEN}\n" + _step(SECRETIVE[action], ", on_error: continue, as: kept")
    async with stage(folder=folder) as on:
        report = await on.run(text)
    assert report.succeeded, report.error
    everything = on.text() + repr(report.as_data())
    assert "hunter2" not in everything
    assert "aHVudGVy" not in everything
    assert "***" in everything or "that fails" in action


async def test_stop_ends_the_run_as_completed_and_cancels_the_rest(folder: Path) -> None:
    report = await run(
        """
steps:
  - {name: A, parallel: true, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: shell, cmd: sleep 60}]}
  - {name: C, run: [{action: shell, cmd: echo x, as: x}, {action: stop, message: enough}, {action: set, values: {x: y}}]}
outputs: {x: "{{ x }}"}
""",
        folder=folder,
    )
    assert (report.status, report.outputs) == (Status.COMPLETED, {"x": "x"})
    assert {row["name"]: row["status"] for row in report.steps} == {
        "A": "completed",
        "B": "cancelled",
        "C": "completed",
    }


async def test_a_timeout_that_does_not_come_changes_nothing() -> None:
    report = await run(
        "timeout: 1h\nsteps: [{name: A, timeout: 1h, run: [{action: set, values: {x: 1}, timeout: 1h}]}]\n"
    )
    assert report.outputs == {"x": 1}


def test_a_program_with_a_syntax_error_is_refused_where_it_stands() -> None:
    text = "steps:\n  - name: A\n    run:\n      - action: python\n        code: |\n          x = 1\n          return x +\n"
    (problem,) = check(HEAD + text)
    assert problem.render() == (
        "<text>:10:21: error[program-syntax]: 'code' is no program: invalid syntax\n"
        "   10 |           return x +\n"
        "      |                     ^"
    )


def test_a_template_in_a_program_is_refused_where_it_stands() -> None:
    text = "steps:\n  - name: A\n    run:\n      - action: python\n        code: return {{ x }}\n"
    (problem,) = check(HEAD + text)
    assert problem.render() == (
        "<text>:8:22: error[program-syntax]: 'code' is no program: '{{ }}' is no template here: pass the value by 'args'\n"
        "    8 |         code: return {{ x }}\n"
        "      |                      ^"
    )


async def test_a_wrong_playbook_never_starts() -> None:
    with pytest.raises(PlaybookError):
        await run("steps: [{name: A, run: [{action: shel, cmd: x}]}]\n")
