from __future__ import annotations

import os

import pytest
from cli_case import Case
from sample_playbooks import BROKEN, GREET

WARNED = GREET.replace("  times:", "  unread: {}\n  times:")


def test_a_playbook_without_problems_is_valid(case: Case) -> None:
    case.file("greet.yaml", GREET).args("validate", "greet.yaml").stdout("no problems\n").exit(0)


def test_all_problems_of_all_files_are_shown_with_their_places_and_counted(case: Case) -> None:
    case.file("broken.yaml", BROKEN).file("sub/warned.yaml", WARNED).args(
        "validate", "broken.yaml", "sub/warned.yaml"
    ).stdout(
        """
        broken.yaml:10:22: error[unknown-step]: step 'Finnish' is not defined
           10 |         run: [{step: Finnish}]
              |                      ^^^^^^^ did you mean 'Finish'?
        sub/warned.yaml:6:3: warning[unused-input]: input 'unread' is never read
            6 |   unread: {}
              |   ^^^^^^
        checked 2 playbooks: 1 error, 1 warning
        """
    ).exit(2)


def test_json_is_a_list_of_problems(case: Case) -> None:
    case.file("broken.yaml", BROKEN).args("validate", "broken.yaml", "--json").stdout(
        '[{"code":"unknown-step","severity":"error","file":"broken.yaml","line":10,"column":22,'
        '"message":"step \'Finnish\' is not defined","hint":"did you mean \'Finish\'?"}]\n'
    ).exit(2)


def test_json_without_problems_is_an_empty_list(case: Case) -> None:
    case.file("greet.yaml", GREET).args("validate", "--json", "greet.yaml").stdout("[]\n").exit(0)


def test_warnings_alone_are_no_reason_to_fail(case: Case) -> None:
    ended = case.file("warned.yaml", WARNED).args("validate", "warned.yaml").run()
    assert ended.stdout.endswith("\n1 warning\n")
    assert ended.code == 0


def test_strict_asks_for_timeouts(case: Case) -> None:
    case.file(
        "untimed.yaml",
        """
        apiVersion: noetl.io/v1
        kind: Playbook
        name: untimed
        steps:
          - name: Ask
            run:
              - {action: shell, cmd: date}
        """,
    )
    assert case.args("validate", "untimed.yaml").run().stdout == "no problems\n"
    strict = case.args("validate", "untimed.yaml", "--strict").run()
    assert "warning[no-timeout]" in strict.stdout
    assert strict.code == 0


def test_standard_input_is_read_for_a_dash(case: Case) -> None:
    case.args("validate", "-").stdin(BROKEN).stdout(
        """
        <stdin>:10:22: error[unknown-step]: step 'Finnish' is not defined
           10 |         run: [{step: Finnish}]
              |                      ^^^^^^^ did you mean 'Finish'?
        1 error
        """
    ).exit(2)


def test_a_file_that_is_named_twice_is_checked_once(case: Case) -> None:
    ended = case.file("broken.yaml", BROKEN).args("validate", "broken.yaml", "broken.yaml").run()
    assert ended.stdout.endswith("\nchecked 1 playbook: 1 error\n")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        pytest.param("absent.yaml", None, "1:1: error[unreadable-file]: the file cannot be read", id="missing"),
        pytest.param("bare", None, "1:1: error[", id="folder"),
        pytest.param("bytes.yaml", b"\x00\x01\x02\xff\xfe", "error[yaml-syntax]: ", id="binary"),
        pytest.param("latin.yaml", "name: café".encode("latin-1"), "error[yaml-syntax]: ", id="latin-1"),
        pytest.param("empty.yaml", b"", "error[", id="empty"),
    ],
)
@pytest.mark.parametrize("command", ["validate", "run"])
def test_what_cannot_be_read_is_a_problem_with_a_place(
    case: Case, command: str, name: str, content: bytes | None, sentence: str
) -> None:
    (case.folder / "bare").mkdir()
    if content is not None:
        (case.folder / name).write_bytes(content)
    ended = case.args(command, name).run()
    said = ended.stdout if command == "validate" else ended.stderr
    assert said.startswith(f"{name}:")
    assert sentence in said
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.code == 2
    whole = case.args(command, name, "--json").run()
    problems = whole.json() if command == "validate" else whole.json()["problems"]
    assert {"code", "severity", "file", "line", "column", "message", "hint"} == problems[0].keys()


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may read everything")
def test_a_file_without_permission_is_a_problem(case: Case) -> None:
    case.file("closed.yaml", GREET)
    (case.folder / "closed.yaml").chmod(0)
    ended = case.args("validate", "closed.yaml").run()
    assert "permission denied" in ended.stdout
    assert ended.code == 2


def test_control_characters_of_a_playbook_do_not_reach_the_terminal(case: Case) -> None:
    (case.folder / "evil.yaml").write_bytes(b'name: "\x1b[2J\x9b31m"\nsteps: []\n')
    ended = case.args("validate", "evil.yaml").run()
    assert "\x1b" not in ended.stdout
    assert ended.code == 2
