"""`powershell` with the real thing: what scripts give, how they succeed, and where their errors are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import alive
from running import Running
from stage import Stage

from noetl.actions.base import Origin, Outcome
from noetl.actions.powershell import PowershellHandler
from noetl.actions.powershell.handler import PROGRAMS
from noetl.errors import ActionError, ErrorKind

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, PROGRAMS)), reason="PowerShell is not installed: neither 'pwsh' nor 'powershell' in PATH"
)

#: Where the script of an inline action stands in these tests.
ORIGIN = {"script": Origin("orders.yaml", 12, 10)}

Perform = Callable[..., Outcome]


@pytest.fixture
def perform(stage: Stage) -> Perform:
    def run(script: str | None = None, **options: Any) -> Outcome:
        program = {} if script is None else {"script": script}
        return stage.run(PowershellHandler(), {**program, **options}, origin=ORIGIN)

    return run


def failure(perform: Perform, script: str | None = None, **options: Any) -> ActionError:
    with pytest.raises(ActionError) as caught:
        perform(script, **options)
    return caught.value


@pytest.mark.parametrize(
    ("script", "data"),
    [
        pytest.param("$x = 1", None, id="nothing"),
        pytest.param("1 + 1", 2, id="number"),
        pytest.param("'a'; 'b'", ["a", "b"], id="several"),
        pytest.param(", @(1)", [1], id="a-list-that-is-kept-one"),
        pytest.param(", @()", [], id="an-empty-list"),
        pytest.param("@(1, 2)", [1, 2], id="a-list-is-several-objects"),
        pytest.param("$null", None, id="null"),
        pytest.param("$true, $false", [True, False], id="booleans"),
        pytest.param("5.0, 1.5, 1e300, [single]0.1", [5.0, 1.5, 1e300, 0.1], id="floats"),
        pytest.param("[double]::NaN, [double]::NegativeInfinity", ["NaN", "-Infinity"], id="special-floats"),
        pytest.param("1.50d, [bigint]::Pow(2, 70), [uint64]7", ["1.50", str(2**70), 7], id="decimals-and-long-numbers"),
        pytest.param(
            "[datetime]::new(2024, 3, 1, 10, 0, 0, [System.DateTimeKind]::Utc)",
            "2024-03-01T10:00:00.0000000Z",
            id="date",
        ),
        pytest.param("[timespan]::FromMinutes(90)", "PT1H30M", id="duration"),
        pytest.param(", [byte[]](1, 2, 255)", "AQL/", id="bytes"),
        pytest.param("[DayOfWeek]::Monday, [char]'x'", ["Monday", "x"], id="enumeration-and-character"),
        pytest.param("[guid]::Empty, [version]'1.2'", ["00000000-0000-0000-0000-000000000000", "1.2"], id="texts"),
        pytest.param(
            '"gr\u00fc\u00dfe `" \\ `t`n `0 \u2028 \U0001f600"', 'grüße " \\ \t\n \0 \u2028 \U0001f600', id="text"
        ),
        pytest.param(
            "[ordered]@{a = 1; b = @{c = @(1)}; e = @(); f = @{}}",
            {"a": 1, "b": {"c": [1]}, "e": [], "f": {}},
            id="hashtable",
        ),
        pytest.param(
            "[pscustomobject]@{n = 'x'; deep = [pscustomobject]@{m = $null}}",
            {"n": "x", "deep": {"m": None}},
            id="object",
        ),
        pytest.param(
            "Get-Item / | Select-Object Name, Exists", {"Name": "/", "Exists": True}, id="selected-properties"
        ),
        pytest.param(
            "(Get-Item /).Parent; (Get-Item /) | ForEach-Object { $_.GetType().Name }",
            [None, "DirectoryInfo"],
            id="null-among-others",
        ),
        pytest.param("/bin/echo from a program", "from a program", id="output-of-a-program"),
        pytest.param("$x = 0\nwhile ($true) { $x++; if ($x -eq 3) { return $x } }", 3, id="return"),
        pytest.param("1; exit 0; 2", 1, id="exit-ends-it"),
        pytest.param("$PSScriptRoot -eq (Get-Location).Path", True, id="the-script-root-is-the-playbook's-folder"),
        pytest.param("[Console]::In.ReadToEnd().Length", 0, id="standard-input-is-empty"),
    ],
)
def test_the_data_is_what_the_script_put_out(perform: Perform, script: str, data: Any) -> None:
    outcome = perform(script)
    assert outcome.data == data
    assert type(outcome.data) is type(data)


def test_an_object_of_net_is_its_properties_and_those_in_it_are_texts(perform: Perform, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abc")
    data = perform("Get-Item a.txt").data
    assert (data["Name"], data["Length"], data["Exists"]) == ("a.txt", 3, True)
    assert data["Directory"] == str(tmp_path)


def test_what_is_nested_too_deeply_is_no_data(perform: Perform) -> None:
    error = failure(perform, "$a = @{}; $a.self = $a; $a")
    assert (error.code, error.message) == (
        "bad_result",
        "what the script put out is not data: the output is nested more than 100 deep",
    )


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("2024-03-01T10:00:00Z", id="text-that-looks-like-a-date"),
        pytest.param("'\"`$x\u2019 \u2028\r\n \U0001f600", id="quotes-and-controls"),
        pytest.param("", id="empty-text"),
        pytest.param(2**63 - 1, id="the-largest-number"),
        pytest.param(0.1, id="float"),
        pytest.param(None, id="null"),
        pytest.param({"a": [{"b": None, "c": ["x"]}], "d": True, "e": []}, id="nested"),
        pytest.param([[1], [], [[2]]], id="lists-in-lists"),
    ],
)
@pytest.mark.parametrize("script", [", $v", "param($v) , $v"])
def test_arguments_arrive_and_come_back_as_they_are(perform: Perform, script: str, value: Any) -> None:
    assert perform(script, args={"v": value}).data == value


def test_parameters_are_bound_by_name_and_converted(perform: Perform) -> None:
    script = "[CmdletBinding()] param([Parameter(Mandatory)][int]$Count, [switch]$Fast, [string[]]$Names) $Count + 1; $Fast; $Names.Length"
    assert perform(script, args={"count": "41", "fast": True, "names": ["a", "b"]}).data == [42, True, 2]
    assert failure(perform, script, args={}).code == "script_error"
    assert failure(perform, script, args={"count": 1, "other": 2}).code == "script_error"


def test_arguments_may_be_preferences(perform: Perform, stage: Stage) -> None:
    perform("Write-Verbose 'shown'", args={"VerbosePreference": "Continue"})
    assert stage.lines == [("verbose", "shown")]


def test_an_argument_that_powershell_keeps_to_itself_is_an_error(perform: Perform) -> None:
    assert failure(perform, "1", args={"PID": 1}).code == "script_error"


def test_streams_are_told_under_their_names(perform: Perform, stage: Stage) -> None:
    outcome = perform(
        "Write-Warning w; Write-Verbose v -Verbose; Write-Debug d -Debug; Write-Information i; Write-Host a -NoNewline; Write-Host b\n"
        "Write-Error e\n/bin/sh -c 'echo native >&2'\n'object'"
    )
    assert stage.lines == [
        ("warning", "w"),
        ("verbose", "v"),
        ("debug", "d"),
        ("information", "i"),
        ("information", "ab"),
        ("error", "e (orders.yaml:13)"),
        ("stderr", "native"),
        ("output", "object"),
    ]
    assert outcome.fields["stdout"] == "WARNING: w\nVERBOSE: v\nDEBUG: d\ni\nab\n"
    assert outcome.fields["stderr"] == "e (orders.yaml:13)\nnative\n"


@pytest.mark.parametrize(
    ("script", "exit_code"),
    [
        pytest.param("Write-Error e; 1", 0, id="an-error-before-the-last-statement"),
        pytest.param("/bin/sh -c 'exit 3'; 1", 3, id="a-program-before-the-last-statement"),
        pytest.param("/bin/sh -c 'exit 3'; /bin/true", 0, id="a-later-program-counts"),
        pytest.param("/bin/sh -c 'echo e >&2'", 0, id="a-program-that-writes-to-standard-error"),
        pytest.param("Get-Item /no/such", 1, id="the-last-statement-failed"),
        pytest.param("try { Get-Item /no/such -ErrorAction Stop } catch { 'caught' }", 0, id="caught"),
        pytest.param("/bin/false; exit 0", 0, id="exit-wins"),
        pytest.param("exit 7", 7, id="exit"),
        pytest.param("function f { exit 5 }; f; 'never'", 5, id="exit-in-a-function"),
    ],
)
def test_success_follows_the_last_statement_and_the_last_exit_code(
    perform: Perform, script: str, exit_code: int
) -> None:
    assert perform(script, expect=exit_code).fields["exit_code"] == exit_code
    assert failure(perform, script, expect=99).code == "exit_code"


def test_a_failed_last_statement_is_named_by_its_error(perform: Perform) -> None:
    error = failure(perform, "\nGet-Item /no/such")
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, "exit_code")
    assert error.message.startswith("the script exited with 1: Get-Item: ")
    assert error.message.endswith("(orders.yaml:13)")


@pytest.mark.parametrize(
    ("script", "line", "text"),
    [
        pytest.param("1\n  throw 'no more'", 13, "no more", id="throw"),
        pytest.param("$a = 0\n\n1 / $a", 14, "divide by zero", id="division"),
        pytest.param("no-such-command", 12, "no-such-command", id="unknown-command"),
        pytest.param("\n[int]::Parse('x')", 13, "Parse", id="exception-of-a-method"),
        pytest.param("\nGet-Item /no/such -ErrorAction Stop", 13, "/no/such", id="error-that-stops"),
        pytest.param("function f {\n  throw 'inside'\n}\nf", 13, "inside", id="in-a-function"),
        pytest.param("if ($true) {\n  1", 12, "}", id="syntax"),
    ],
)
def test_a_terminating_error_is_at_its_line_of_the_playbook(
    perform: Perform, script: str, line: int, text: str
) -> None:
    error = failure(perform, script)
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, "script_error")
    assert text in error.message
    assert (error.details["file"], error.details["line"]) == ("orders.yaml", line)
    assert error.details["column"] > 0
    assert error.details["id"]


def test_a_file_is_called_as_a_file(perform: Perform, tmp_path: Path) -> None:
    (tmp_path / "b.ps1").write_text("'from b'")
    (tmp_path / "a.ps1").write_text(
        "param($x)\n$x\n& $PSScriptRoot/b.ps1\nSplit-Path -Leaf $MyInvocation.MyCommand.Path\nexit 4"
    )
    outcome = perform(file="a.ps1", args={"x": 1}, expect=4)
    assert (outcome.data, outcome.fields["exit_code"]) == ([1, "from b", "a.ps1"], 4)


def test_an_error_in_a_file_is_at_its_line_of_the_file(perform: Perform, tmp_path: Path) -> None:
    (tmp_path / "a.ps1").write_text("\nthrow 'x'\n")
    details = failure(perform, file="a.ps1").details
    assert (details["file"], details["line"]) == (str(tmp_path / "a.ps1"), 2)


def test_what_is_written_past_the_streams_is_told_too(perform: Perform, stage: Stage) -> None:
    outcome = perform("[Console]::Write('no line break'); 1; [Console]::Error.WriteLine('e')")
    assert (outcome.data, outcome.fields["stdout"], outcome.fields["stderr"]) == (1, "no line break", "e\n")


def test_ten_thousand_objects_come_back(perform: Perform) -> None:
    rows = perform('1..10000 | ForEach-Object { [pscustomobject]@{ n = $_; name = "row $_" } }').data
    assert rows == [{"n": n, "name": f"row {n}"} for n in range(1, 10_001)]


def test_ten_megabytes_come_back(perform: Perform) -> None:
    assert perform("'x' * 10000000").data == "x" * 10_000_000


def test_cancelling_ends_powershell_and_all_that_it_started(stage: Stage) -> None:
    script = '$child = Start-Process sleep 1000 -PassThru; [Console]::WriteLine("$PID $($child.Id)"); Start-Sleep 1000'

    async def scene() -> list[int]:
        running = Running(stage, PowershellHandler(), {"script": script})
        pids = await running.started()
        await running.cancelled()
        return pids

    assert not any(alive(pid) for pid in stage.play(scene()))
