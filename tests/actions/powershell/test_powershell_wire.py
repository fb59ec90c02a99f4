"""`powershell` over its wire, spoken by a real process: what goes in, what comes back, and how failures read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import alive
from running import Running
from stage import Stage
from standing_in import Run, put_stand_in

from noetl.actions.base import Origin
from noetl.actions.powershell import PowershellHandler, messages
from noetl.actions.powershell.handler import WRAPPER
from noetl.errors import ActionError, ErrorKind

#: Where the script of an inline action stands in these tests.
ORIGIN = {"script": Origin("books/orders.yaml", 12, 10)}


def failure(perform: Callable[[], Any]) -> ActionError:
    with pytest.raises(ActionError) as caught:
        perform()
    return caught.value


@pytest.mark.parametrize(
    ("script", "data"),
    [
        pytest.param("pass", None, id="no-object-is-null"),
        pytest.param("output(7)", 7, id="one-object-is-itself"),
        pytest.param("output({'a': [1, 2.5, None, True, 'x']})", {"a": [1, 2.5, None, True, "x"]}, id="types-are-kept"),
        pytest.param("output(1); output('b')", [1, "b"], id="several-objects-are-a-list"),
        pytest.param("output([1])", [1], id="one-object-that-is-a-list"),
        pytest.param("output([])", [], id="one-object-that-is-an-empty-list"),
        pytest.param("output(None)", None, id="one-null"),
        pytest.param("output(None); output(None)", [None, None], id="several-nulls"),
        pytest.param("output('grüße \\u2028 \\n')", "grüße \u2028 \n", id="text-is-utf8"),
        pytest.param("output(5.0)", 5.0, id="a-float-stays-one"),
        pytest.param("output('x' * 3_000_000)", "x" * 3_000_000, id="three-megabytes"),
    ],
)
def test_the_data_is_what_the_script_put_out(run: Run, script: str, data: Any) -> None:
    outcome = run(script)
    assert outcome.data == data
    assert type(outcome.data) is type(data)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("2024-03-01T10:00:00Z", id="text-that-looks-like-a-date"),
        pytest.param("/Date(1)/", id="text-that-old-versions-take-for-a-date"),
        pytest.param("=", id="text-that-looks-sheltered"),
        pytest.param("", id="empty-text"),
        pytest.param("'\"`$x\u2019 \u2028\r\n\0 \U0001f600", id="quotes-and-controls"),
        pytest.param(2**63 - 1, id="the-largest-number"),
        pytest.param(0.1, id="float"),
        pytest.param([], id="empty-list"),
        pytest.param({"a": [{"b": None, "c": ["=x"]}], "d": True}, id="nested"),
    ],
)
def test_arguments_arrive_as_they_are(run: Run, value: Any) -> None:
    assert run("output(args['v'])", args={"v": value}).data == value


def test_neither_script_nor_arguments_nor_environment_show_in_the_command_line(run: Run) -> None:
    script = (
        "# hunter1\noutput(open('/proc/self/cmdline').read()); output(argv[1:]); import os; output(os.environ['T'])"
    )
    seen, argv, variable = run(script, args={"token": "hunter2"}, env={"T": "hunter3"}).data
    assert "hunter" not in seen
    assert argv == ["-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File", WRAPPER]
    assert variable == "hunter3"


def test_the_mark_is_another_each_time(run: Run) -> None:
    assert run("output(request['mark'])").data != run("output(request['mark'])").data


def test_the_script_runs_where_the_run_was_started_or_in_cwd(run: Run, stage: Stage) -> None:
    (stage.folder / "sub").mkdir()
    here = "import os; output(os.getcwd()); output(os.environ['NOETL_IDEMPOTENCY_KEY'])"
    assert run(here).data == [str(stage.folder), "key-1"]
    assert run(here, cwd="sub").data == [str(stage.folder / "sub"), "key-1"]


def test_a_file_is_found_beside_the_playbook(run: Run, stage: Stage) -> None:
    (stage.folder / "jobs").mkdir()
    (stage.folder / "jobs" / "a.ps1").write_text("output(request['file']); output(request['text'])")
    assert run(file="jobs/a.ps1").data == [str(stage.folder / "jobs" / "a.ps1"), None]


def test_a_script_text_is_named_after_the_playbook_so_that_it_finds_what_lies_beside(run: Run, stage: Stage) -> None:
    assert run("output(request['name'])", origin=ORIGIN).data == str(stage.folder / "orders.yaml")


def test_streams_are_told_line_by_line_under_their_names(run: Run, stage: Stage) -> None:
    run(
        "stream('warning', 'low on ink\\nand paper'); stream('verbose', 'v'); stream('debug', 'd')\n"
        "stream('information', 'half ', open=True); stream('information', 'a line'); stream('stderr', 'native')\n"
        "say({'stream': 'error', 'error': fault('no such file', 2, command='Get-Item')})\n"
        "output('text\\nof two lines'); output({'a': 1}); print('printed')",
        origin=ORIGIN,
    )
    assert stage.lines == [
        ("warning", "low on ink"),
        ("warning", "and paper"),
        ("verbose", "v"),
        ("debug", "d"),
        ("information", "half a line"),
        ("stderr", "native"),
        ("error", "Get-Item: no such file (books/orders.yaml:13)"),
        ("output", "text"),
        ("output", "of two lines"),
        ("output", '{"a":1}'),
        ("stdout", "printed"),
    ]


def test_the_fields_hold_what_a_terminal_would_show_beside_the_objects(run: Run) -> None:
    outcome = run(
        "stream('warning', 'w'); stream('information', 'i'); print('printed'); output('object')\n"
        "stream('stderr', 'native'); say({'stream': 'error', 'error': fault('bad', 1)})"
    )
    assert outcome.fields == {
        "exit_code": 0,
        "stdout": "WARNING: w\ni\nprinted\n",
        "stderr": "native\nbad (script:1)\n",
        "truncated": False,
    }


def test_a_line_that_stays_open_is_told_at_the_end(run: Run, stage: Stage) -> None:
    run("stream('information', 'no line break', open=True)")
    assert stage.lines == [("information", "no line break")]


def test_what_is_printed_between_messages_stays_what_it_is(run: Run) -> None:
    script = (
        "import sys\nfor n in range(3):\n"
        "    sys.stdout.write(f'{n}\\x1e{request[\"mark\"][:9]}'); sys.stdout.flush(); output(n)\nsys.stdout.write('end')"
    )
    outcome = run(script)
    assert outcome.data == [0, 1, 2]
    assert [len(part) for part in outcome.fields["stdout"].split("\x1e\x1e")] == [1, 9, 9, 11]


@pytest.mark.parametrize("size", [1, 2, 7, 40, 10_000])
def test_messages_are_found_however_the_bytes_are_cut(size: int) -> None:
    class Rest:
        def __init__(self) -> None:
            self.data = b""

        def feed(self, data: bytes) -> None:
            self.data += data

        def finish(self) -> None:
            self.data += b"<end>"

    mark, rest, received = "\x1e0123 ", Rest(), list[messages.Message]()
    heard = messages.Messages(mark, rest, received.append)
    stream = b'a\x1eb\x1e01\x1e0123 {"output":"\xc3\xbc"}\n\n\x1e0123 {"output":2}\nlast\x1e012'
    for start in range(0, len(stream), size):
        heard.feed(stream[start : start + size])
    heard.finish()
    assert [message.output for message in received] == ["ü", 2]
    assert rest.data == b"a\x1eb\x1e01\nlast\x1e012<end>"
    assert not heard.broken


@pytest.mark.parametrize(
    ("script", "expect", "exit_code"),
    [
        pytest.param("pass", 0, 0, id="success"),
        pytest.param("say({'ended': {'success': True, 'exit_code': 3}})", 3, 3, id="a-program-ended-so"),
        pytest.param("say({'ended': {'success': False, 'exit_code': 0}})", [0, 1], 1, id="the-last-statement-failed"),
        pytest.param("say({'ended': {'success': False, 'exit_code': 4}})", 4, 4, id="its-code-says-more"),
        pytest.param("say({'ended': {'success': False, 'exit_code': -1}})", 255, 255, id="eight-bits"),
        pytest.param("say({'ended': {'success': True, 'exit_code': None}})", 0, 0, id="no-code"),
        pytest.param("import os; os._exit(7)", 7, 7, id="the-script-called-exit"),
        pytest.param("import os; os.kill(os.getpid(), 9)", 137, 137, id="a-signal-is-128-more"),
    ],
)
def test_the_exit_code_is_that_of_exit_or_else_of_the_last_program(
    run: Run, script: str, expect: Any, exit_code: int
) -> None:
    assert run(f"output('x'); {script}", expect=expect).fields["exit_code"] == exit_code


@pytest.mark.parametrize(
    ("script", "kind", "code", "message", "details"),
    [
        pytest.param(
            "say({'ended': {'success': True, 'exit_code': 3}})",
            ErrorKind.PERMANENT,
            "exit_code",
            "the script exited with 3",
            {"exit_code": 3},
            id="exit-code",
        ),
        pytest.param(
            "say({'stream': 'error', 'error': fault('no such file', 4, command='Copy-Item')})\n"
            "say({'ended': {'success': False, 'exit_code': 0}})",
            ErrorKind.PERMANENT,
            "exit_code",
            "the script exited with 1: Copy-Item: no such file (books/orders.yaml:15)",
            {"exit_code": 1},
            id="failed-last-statement-with-the-last-error",
        ),
        pytest.param(
            "import os, sys; print('disk full', file=sys.stderr, flush=True); os._exit(2)",
            ErrorKind.PERMANENT,
            "exit_code",
            "the script exited with 2: disk full",
            {"exit_code": 2},
            id="exit-with-what-was-said-last",
        ),
        pytest.param(
            "import os; os.kill(os.getpid(), 9)",
            ErrorKind.SYSTEM,
            "killed",
            "the script was killed by SIGKILL",
            {"signal": "SIGKILL"},
            id="killed",
        ),
        pytest.param(
            "say({'failed': fault('Attempted to divide by zero.', 3, source='  $a = 1/0\\n  $b', "
            "stack=f'at Get-Half, {request[\"name\"]}: line 3\\nat <ScriptBlock>, {argv[-1]}: line 9')})",
            ErrorKind.PERMANENT,
            "script_error",
            "Attempted to divide by zero.",
            {
                "id": "Id",
                "category": "NotSpecified",
                "exception": "E",
                "file": "books/orders.yaml",
                "line": 14,
                "column": 15,
                "source": "$a = 1/0",
                "stack": "at Get-Half, books/orders.yaml: line 14",
            },
            id="terminating-error-at-the-line-of-the-playbook",
        ),
        pytest.param(
            "say({'failed': fault('a parameter is missing', 1, file=argv[-1])})",
            ErrorKind.PERMANENT,
            "script_error",
            "a parameter is missing",
            {"id": "Id", "category": "NotSpecified", "exception": "E"},
            id="an-error-at-a-line-of-ours-has-no-place",
        ),
        pytest.param(
            "say({'failed': fault('by Write-Error', 1, file=argv[-1], source='& it', stack=f'at <ScriptBlock>, {request[\"name\"]}: ligne 4')})",
            ErrorKind.PERMANENT,
            "script_error",
            "by Write-Error",
            {
                "id": "Id",
                "category": "NotSpecified",
                "exception": "E",
                "file": "books/orders.yaml",
                "line": 15,
                "column": 11,
                "stack": "at <ScriptBlock>, books/orders.yaml: ligne 15",
            },
            id="an-error-whose-place-only-the-stack-knows",
        ),
        pytest.param(
            "say({'failed': fault('inside', 7, file='/lib/Tools.psm1')})",
            ErrorKind.PERMANENT,
            "script_error",
            "inside",
            {
                "id": "Id",
                "category": "NotSpecified",
                "exception": "E",
                "file": "/lib/Tools.psm1",
                "line": 7,
                "column": 5,
            },
            id="an-error-in-a-module-has-the-module's-place",
        ),
        pytest.param(
            "# never starts\nimport os, sys; print('libicu is missing', file=sys.stderr, flush=True); os._exit(131)",
            ErrorKind.SYSTEM,
            "powershell_failed",
            "did not start: libicu is missing",
            {},
            id="powershell-that-does-not-start",
        ),
        pytest.param(
            "# never starts\nimport os; os._exit(1)",
            ErrorKind.SYSTEM,
            "powershell_failed",
            "did not start: it exited with 1",
            {},
            id="powershell-that-does-not-start-and-says-nothing",
        ),
        pytest.param(
            "say({'unfit': 'the output is nested more than 100 deep'})",
            ErrorKind.PERMANENT,
            "bad_result",
            "what the script put out is not data: the output is nested more than 100 deep",
            {},
            id="no-data",
        ),
        pytest.param(
            "print(request['mark'] + '{\"output\": [1, ')",
            ErrorKind.PERMANENT,
            "bad_output",
            "was cut, or mixed up with",
            {},
            id="a-message-in-pieces",
        ),
        pytest.param(
            "print(request['mark'] + '{\"stream\": 5}')",
            ErrorKind.PERMANENT,
            "bad_output",
            "was cut, or mixed up with",
            {},
            id="a-message-of-another-form",
        ),
        pytest.param(
            "print(request['mark'] + '{\"output\": 1', end=''); import sys; sys.stdout.flush(); import os; os._exit(0)",
            ErrorKind.PERMANENT,
            "bad_output",
            "was cut, or mixed up with",
            {},
            id="a-message-without-end",
        ),
    ],
)
def test_a_failure_says_its_class_its_code_and_where(
    run: Run, script: str, kind: ErrorKind, code: str, message: str, details: dict[str, Any]
) -> None:
    error = failure(lambda: run(script, origin=ORIGIN))
    assert (error.kind, error.code) == (kind, code)
    assert message in error.message
    assert error.details == details


def test_a_terminating_error_has_the_exit_code_1_and_what_was_said_before(run: Run) -> None:
    error = failure(lambda: run("print('before'); say({'failed': fault('bad', 1)})", expect=[0, 1]))
    assert (error.code, error.fields["exit_code"], error.fields["stdout"]) == ("script_error", 1, "before\n")


def test_an_error_in_a_file_is_at_the_line_of_the_file(run: Run, stage: Stage) -> None:
    (stage.folder / "a.ps1").write_text("say({'failed': fault('bad', 1)})")
    error = failure(lambda: run(file="a.ps1"))
    assert error.details["file"] == str(stage.folder / "a.ps1")
    assert error.details["line"] == 1


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("for _ in range(20): output('x' * 100)", id="many-objects"),
        pytest.param("output('x' * 300_000)", id="one-object"),
    ],
)
def test_more_data_than_is_kept_fails_the_action_and_its_streams_go_on(
    run: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(messages, "LARGEST_DATA", 1000)
    error = failure(lambda: run(f"{script}\nstream('warning', 'the end')"))
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, "bad_output")
    assert "is larger than" in error.message
    assert stage.lines[-1] == ("warning", "the end")


def test_a_file_that_is_not_there_is_reported(run: Run) -> None:
    assert failure(lambda: run(file="none.ps1")).code == "file_not_found"


def test_a_folder_that_cannot_be_entered_is_reported(run: Run) -> None:
    assert failure(lambda: run("pass", cwd="/no/such")).code == "bad_cwd"


def test_without_powershell_the_error_says_what_to_install(stage: Stage, tmp_path: Path) -> None:
    options = {"script": "1", "env": {"PATH": str(tmp_path)}}
    error = failure(lambda: stage.run(PowershellHandler(), options))
    assert (error.kind, error.code) == (ErrorKind.SYSTEM, "powershell_not_found")
    assert error.message == "neither 'pwsh' nor 'powershell' was found in PATH, install PowerShell 7 or newer"


def test_powershell_serves_where_there_is_no_pwsh(stage: Stage, tmp_path: Path) -> None:
    path = put_stand_in(tmp_path / "old", "powershell")
    assert stage.run(PowershellHandler(), {"script": "output(1)", "env": {"PATH": f"{path}:/bin"}}).data == 1


def test_a_pwsh_that_cannot_be_executed_is_not_passed_over(stage: Stage, tmp_path: Path) -> None:
    path = put_stand_in(tmp_path / "bin")
    (path / "pwsh").chmod(0o644)
    error = failure(lambda: stage.run(PowershellHandler(), {"script": "1", "env": {"PATH": str(path)}}))
    assert error.code == "not_executable"


def test_cancelling_ends_powershell_and_all_that_it_started(stage: Stage, tmp_path: Path) -> None:
    path = put_stand_in(tmp_path / "bin")
    script = (
        "import os, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '1000'])\n"
        "print(os.getpid(), child.pid, flush=True)\ntime.sleep(1000)"
    )

    async def scene() -> list[int]:
        options = {"script": script, "env": {"PATH": f"{path}:{os.environ['PATH']}"}}
        running = Running(stage, PowershellHandler(), options)
        pids = await running.started()
        assert all(alive(pid) for pid in pids)
        await running.cancelled()
        return pids

    leader, child = stage.play(scene())
    assert not alive(leader)
    assert not alive(child)
    assert stage.pids == [leader]


def test_what_the_script_leaves_running_ends_with_it(run: Run) -> None:
    pid = run("import subprocess; output(subprocess.Popen(['sleep', '1000'], stdout=-3, stderr=-3).pid)").data
    assert not alive(pid)
