"""`shell`: what a command is given, what becomes of what it says, and how its failures read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from stage import Stage

from noetl.actions.base import Outcome
from noetl.actions.shell import ShellHandler, ShellOptions
from noetl.errors import ActionError, ErrorKind

TEN_MB = 10 * 1024 * 1024


@pytest.fixture
def shell(stage: Stage) -> Any:
    def run(cmd: Any, **options: Any) -> Outcome:
        return stage.run(ShellHandler(), {"cmd": cmd, **options})

    return run


@pytest.mark.parametrize(
    ("cmd", "options", "data"),
    [
        pytest.param("echo a; echo b", {}, "a\nb", id="text-drops-only-the-final-line-break"),
        pytest.param("printf 'a\\n\\n'", {}, "a\n", id="text-keeps-an-empty-last-line"),
        pytest.param("printf 'a\\r\\n'", {}, "a", id="text-drops-a-final-crlf"),
        pytest.param("true", {}, "", id="nothing-said-is-an-empty-text"),
        pytest.param(["echo", "$HOME", "a b"], {}, "$HOME a b", id="a-list-is-not-read-by-a-shell"),
        pytest.param(["echo", 5, 1.5, True], {}, "5 1.5 true", id="numbers-and-booleans-are-words-too"),
        pytest.param("echo $A-$B-$C", {"env": {"A": "x", "B": 7, "C": False}}, "x-7-false", id="env-adds-variables"),
        pytest.param("echo ${HOME-none}", {"env": {"HOME": None}}, "none", id="a-null-removes-a-variable"),
        pytest.param("echo $NOETL_IDEMPOTENCY_KEY", {}, "key-1", id="the-idempotency-key-is-in-the-environment"),
        pytest.param("cat", {}, "", id="the-input-is-empty-by-default"),
        pytest.param("cat", {"stdin": "grüße\n"}, "grüße", id="stdin-text"),
        pytest.param("cat", {"stdin": ""}, "", id="stdin-empty-text"),
        pytest.param("cat", {"stdin": {"a": [1, None]}}, '{"a":[1,null]}', id="stdin-data-is-json"),
        pytest.param("printf 'a\\r\\n\\nb\\n'", {"output": "lines"}, ["a", "", "b"], id="lines"),
        pytest.param("true", {"output": "lines"}, [], id="no-output-has-no-lines"),
        pytest.param("echo '{\"a\": [1, 2.5, null]}'", {"output": "json"}, {"a": [1, 2.5, None]}, id="json"),
        pytest.param("exit 3", {"expect": 3}, "", id="one-expected-code"),
        pytest.param("exit 4", {"expect": [0, 4]}, "", id="a-list-of-expected-codes"),
        pytest.param("kill -9 $$", {"expect": 137}, "", id="a-signal-is-128-more"),
        pytest.param("printf 'a\\377b'", {}, "a\ufffdb", id="bytes-that-are-not-utf8-are-replaced"),
    ],
)
def test_the_data_is_what_the_command_printed(shell: Any, cmd: Any, options: dict[str, Any], data: Any) -> None:
    assert shell(cmd, **options).data == data


def test_the_fields_hold_the_exit_code_and_both_streams_as_they_were(shell: Any) -> None:
    outcome = shell("echo out; echo err >&2; exit 2", expect=2)
    assert outcome.fields == {"exit_code": 2, "stdout": "out\n", "stderr": "err\n", "truncated": False}


@pytest.mark.parametrize(
    ("cmd", "options", "kind", "code", "message"),
    [
        pytest.param(
            "echo first >&2; echo no such table >&2; exit 3",
            {},
            ErrorKind.PERMANENT,
            "exit_code",
            "'echo first >&2; echo no such table >&2; exit 3' exited with 3: no such table",
            id="exit-code-with-the-last-line-of-stderr",
        ),
        pytest.param("exit 3", {}, ErrorKind.PERMANENT, "exit_code", "'exit 3' exited with 3", id="silent"),
        pytest.param(
            "echo E501 too long; exit 3",
            {},
            ErrorKind.PERMANENT,
            "exit_code",
            "'echo E501 too long; exit 3' exited with 3: E501 too long",
            id="says-it-on-stdout",
        ),
        pytest.param("true", {"expect": 1}, ErrorKind.PERMANENT, "exit_code", "'true' exited with 0", id="unwanted-0"),
        pytest.param(
            "true\nexit 3", {}, ErrorKind.PERMANENT, "exit_code", "'true...' exited with 3", id="only-the-first-line"
        ),
        pytest.param(
            "kill -SEGV $$", {}, ErrorKind.SYSTEM, "killed", "'kill -SEGV $$' was killed by SIGSEGV", id="signal"
        ),
        pytest.param(
            ["no-such-program", "x"],
            {},
            ErrorKind.SYSTEM,
            "program_not_found",
            "program 'no-such-program' was not found in PATH",
            id="not-in-path",
        ),
        pytest.param(
            ["/no/such"], {}, ErrorKind.SYSTEM, "program_not_found", "program '/no/such' does not exist", id="no-file"
        ),
        pytest.param(
            ["/etc/passwd"],
            {},
            ErrorKind.SYSTEM,
            "not_executable",
            "program '/etc/passwd' is not executable",
            id="not-executable",
        ),
        pytest.param(
            "pwd",
            {"cwd": "/no/such"},
            ErrorKind.PERMANENT,
            "bad_cwd",
            "folder '/no/such' cannot be entered: No such file or directory",
            id="no-folder",
        ),
        pytest.param(
            "echo {", {"output": "json"}, ErrorKind.PERMANENT, "bad_output", "is not JSON: ", id="output-is-not-json"
        ),
        pytest.param(
            "true", {"output": "json"}, ErrorKind.PERMANENT, "bad_output", "of 'true' is empty", id="no-json-at-all"
        ),
        pytest.param(
            "echo '[1, 2, 3]'",
            {"output": "json", "max_output": 4},
            ErrorKind.PERMANENT,
            "bad_output",
            "is longer than 'max_output', which is 4",
            id="json-cut-off",
        ),
        pytest.param(
            "seq 100",
            {"output": "lines", "max_output": 40},
            ErrorKind.PERMANENT,
            "bad_output",
            "is longer than 'max_output', which is 40",
            id="lines-cut-off",
        ),
        pytest.param(
            ["true", "x" * 4_000_000],
            {},
            ErrorKind.PERMANENT,
            "spawn_failed",
            "could not be started: Argument list too long, large data can be given by 'stdin'",
            id="too-many-arguments",
        ),
    ],
)
def test_a_failure_says_its_class_its_code_and_why(
    shell: Any, cmd: Any, options: dict[str, Any], kind: ErrorKind, code: str, message: str
) -> None:
    with pytest.raises(ActionError) as caught:
        shell(cmd, **options)
    assert (caught.value.kind, caught.value.code) == (kind, code)
    assert message in caught.value.message


def test_a_failure_keeps_what_was_said(shell: Any) -> None:
    with pytest.raises(ActionError) as caught:
        shell("echo out; echo err >&2; exit 9")
    assert caught.value.details == {"exit_code": 9}
    assert caught.value.fields == {"exit_code": 9, "stdout": "out\n", "stderr": "err\n", "truncated": False}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "#!/no/such\n", "interpreter that '.*script' names in its first line does not exist", id="missing"
        ),
        pytest.param("echo a\n", "Exec format error, a script needs a first line such as '#!/bin/sh'", id="none"),
    ],
)
def test_a_script_that_lacks_its_interpreter_is_explained(shell: Any, tmp_path: Path, text: str, message: str) -> None:
    script = tmp_path / "script"
    script.write_text(text)
    script.chmod(0o755)
    with pytest.raises(ActionError, match=message):
        shell([str(script)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({}, "missing required field `cmd`", id="no-cmd"),
        pytest.param({"cmd": ""}, "'cmd' is empty", id="empty-text"),
        pytest.param({"cmd": []}, "'cmd' is empty", id="empty-list"),
        pytest.param({"cmd": "a\0b"}, "cannot hold a NUL character", id="nul"),
        pytest.param({"cmd": "true", "env": {"A=B": "x"}}, "'A=B' cannot be the name", id="bad-variable-name"),
        pytest.param({"cmd": ["a", None]}, "got `null`", id="null-among-the-words"),
        pytest.param({"cmd": "true", "shell": "bash"}, "unknown field `shell`", id="unknown-key"),
        pytest.param({"cmd": "true", "output": "xml"}, "Invalid enum value 'xml'", id="unknown-output"),
        pytest.param({"cmd": "true", "expect": "ok"}, "Expected `int | array`", id="expect-is-a-number"),
        pytest.param({"cmd": "true", "max_output": -1}, "got the negative number '-1'", id="negative-size"),
        pytest.param({"cmd": "true", "max_output": "much"}, "got 'much'", id="bad-size"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message.replace("|", r"\|")):
        msgspec.convert(options, ShellOptions)


def test_every_option_is_described() -> None:
    schema = msgspec.json.schema(ShellOptions)["$defs"]["ShellOptions"]
    assert all(option.get("description") for option in schema["properties"].values())


def test_it_runs_where_the_run_was_started_and_leaves_the_engine_where_it_is(shell: Any, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "tool").write_text("#!/bin/sh\npwd")
    (tmp_path / "sub" / "tool").chmod(0o755)
    here = os.getcwd()
    assert shell("pwd").data == str(tmp_path)
    assert shell(["./tool"], cwd="sub").data == str(tmp_path / "sub")
    assert shell("pwd", cwd="/").data == "/"
    assert os.getcwd() == here


def test_a_changed_environment_of_the_engine_reaches_the_next_command(
    shell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOETL_TEST_VARIABLE", "new")
    assert shell("echo $NOETL_TEST_VARIABLE").data == "new"


def test_a_program_that_moved_within_the_path_is_found_again(
    shell: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}/a:{tmp_path}/b:{os.environ['PATH']}")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tool").write_text(f"#!/bin/sh\necho {name}")
        (tmp_path / name / "tool").chmod(0o755)
    assert shell(["tool"]).data == "a"
    (tmp_path / "a" / "tool").unlink()
    assert shell(["tool"]).data == "b"
    (tmp_path / "b" / "tool").unlink()
    with pytest.raises(ActionError, match="program 'tool' was not found in PATH"):
        shell(["tool"])


def test_broken_pipes_end_a_command_as_in_a_shell(shell: Any) -> None:
    assert shell("yes | head -1").data == "y"


@pytest.mark.parametrize(
    ("cmd", "lines"),
    [
        pytest.param(
            "echo a; echo b >&2; echo; printf c",
            [("stdout", "a"), ("stdout", ""), ("stdout", "c"), ("stderr", "b")],
            id="both-streams",
        ),
        pytest.param(
            "printf '10%%\\r20%%\\r30%%\\nx\\r\\n'",
            [("stdout", "30%"), ("stdout", "x")],
            id="a-carriage-return-overwrites",
        ),
        pytest.param(
            "printf 'gr\\303'; sleep 0.05; printf '\\274n\\n'", [("stdout", "grün")], id="a-character-in-two-writes"
        ),
        pytest.param("printf '\\377\\n'", [("stdout", "\ufffd")], id="not-utf8"),
    ],
)
def test_lines_are_told_one_by_one(stage: Stage, cmd: str, lines: list[tuple[str, str]]) -> None:
    stage.run(ShellHandler(), {"cmd": cmd})
    assert sorted(stage.lines, key=lambda line: line[0], reverse=True) == lines


def test_a_very_long_line_is_told_in_pieces_that_break_no_character(stage: Stage) -> None:
    stage.run(ShellHandler(), {"cmd": ["python3", "-c", "print('x' + 'ü' * 200_000)"]})
    assert len(stage.lines) > 5
    assert "".join(text for _, text in stage.lines) == "x" + "ü" * 200_000


def test_ten_megabytes_come_back_whole(shell: Any) -> None:
    outcome = shell(["head", "-c", str(TEN_MB), "/dev/zero"])
    assert len(outcome.data) == TEN_MB


def test_ten_megabytes_go_in_and_come_back(shell: Any) -> None:
    text = "0123456789abcde\n" * (TEN_MB // 16)
    assert shell("cat", stdin=text).fields["stdout"] == text


def test_a_command_need_not_read_its_input(shell: Any) -> None:
    assert shell("exit 0", stdin="x" * TEN_MB).data == ""
    assert shell("head -c 3", stdin="x" * TEN_MB).data == "xxx"


@pytest.mark.parametrize(
    ("limit", "printed", "kept"),
    [
        pytest.param(10, "0123456789", "0123456789", id="exactly-the-limit"),
        pytest.param(10, "0123456789X", "01234\n[... 1 bytes left out, max_output is 10 ...]\n6789X", id="one-more"),
        pytest.param(0, "abc", "\n[... 3 bytes left out, max_output is 0 ...]\n", id="nothing-kept"),
        pytest.param(
            8, "abcüüüüüüxyz", "abc\n[... 12 bytes left out, max_output is 8 ...]\nxyz", id="no-character-is-broken"
        ),
    ],
)
def test_of_a_long_output_head_and_tail_are_kept(shell: Any, limit: int, printed: str, kept: str) -> None:
    outcome = shell(["printf", printed], max_output=limit)
    assert outcome.fields["stdout"] == kept


def test_a_cut_output_never_blocks_or_fails_the_command(shell: Any) -> None:
    outcome = shell("seq 1000000; seq 1000000 >&2; echo end", max_output="1kB")
    for stream in ("stdout", "stderr"):
        assert outcome.fields[stream].startswith("1\n2\n3\n")
        assert "bytes left out, max_output is 1000 ..." in outcome.fields[stream]
        assert len(outcome.fields[stream]) < 1100
    assert outcome.data.endswith("\n1000000\nend")


def test_stdin_and_output_may_be_templates_rendered_to_json(shell: Any) -> None:
    rows = [{"id": 1}, {"id": 2}]
    assert shell("cat", stdin=rows, output="json").data == json.loads(json.dumps(rows))
