"""Playbooks from files and texts."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from reading import ACTIONS, HEADER

from noetl.errors import PlaybookError
from noetl.language import check, load

TEXT = HEADER + 'steps: [{name: A, run: [{action: log, message: "é"}]}]\n'


def problem_of(path: Path | str) -> str:
    (problem,) = check(path, ACTIONS)
    return problem.render().replace(str(path), "FILE")


def test_a_playbook_is_loaded_from_a_path(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(TEXT)
    assert load(path, ACTIONS).source.name == str(path)
    assert load(str(path), ACTIONS).name == "read"


def test_a_text_with_a_line_break_is_the_playbook_itself() -> None:
    playbook = load(TEXT, ACTIONS)
    assert (playbook.name, playbook.source.name) == ("read", "<text>")


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        pytest.param("utf-8", b"", id="UTF-8"),
        pytest.param("utf-8", codecs.BOM_UTF8, id="UTF-8 with a mark"),
        pytest.param("utf-16-le", codecs.BOM_UTF16_LE, id="UTF-16 of small ends"),
        pytest.param("utf-16-be", codecs.BOM_UTF16_BE, id="UTF-16 of big ends"),
        pytest.param("utf-32-le", codecs.BOM_UTF32_LE, id="UTF-32 of small ends"),
    ],
)
def test_the_encodings_of_yaml_are_read(tmp_path: Path, encoding: str, mark: bytes) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(mark + TEXT.encode(encoding))
    playbook = load(path, ACTIONS)
    assert playbook.source.text == TEXT


def test_a_mark_in_a_text_does_not_shift_its_columns() -> None:
    (problem,) = check("\ufeff" + TEXT.replace("apiVersion", "apiversion"), ACTIONS)
    assert (problem.span.line, problem.span.column, problem.code) == (1, 1, "unknown-key")


def test_line_ends_of_dos_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(TEXT.replace("\n", "\r\n").replace("noop", "nope").encode())
    assert load(path, ACTIONS).name == "read"


def test_a_playbook_with_errors_is_not_loaded() -> None:
    with pytest.raises(PlaybookError) as caught:
        load(TEXT.replace("log", "lgo"), ACTIONS)
    assert [problem.code for problem in caught.value.problems] == ["unknown-action"]


def test_warnings_do_not_keep_a_playbook_from_loading() -> None:
    text = TEXT + "tasks: [{name: unused, run: [{action: noop}]}]\n"
    assert [problem.code for problem in check(text, ACTIONS)] == ["unused-task"]
    assert load(text, ACTIONS).tasks.keys() == {"unused"}


def test_problems_of_the_whole_playbook_are_found_beside_those_of_its_shape() -> None:
    text = TEXT.replace('"é"', '"{{ gone }}"').replace("read", "1st")
    assert [problem.code for problem in check(text, ACTIONS)] == ["bad-value", "unknown-name"]


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "gone.yaml"
    assert problem_of(path) == "FILE:1:1: error[unreadable-file]: the file cannot be read: no such file or directory"
    with pytest.raises(PlaybookError):
        load(path, ACTIONS)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param(".", "is a directory", id="a folder"),
        pytest.param("a\0b", "embedded null byte", id="no name of a file"),
        pytest.param("n" * 5000, "file name too long", id="too long"),
    ],
)
def test_what_is_no_file_is_a_problem(tmp_path: Path, name: str, reason: str) -> None:
    path = tmp_path / name
    assert problem_of(path) == f"FILE:1:1: error[unreadable-file]: the file cannot be read: {reason}"


def test_bytes_that_are_no_text_are_a_problem_at_their_place(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"name: x\nd\xc3\xa9scription: \xff\xfe\n")
    assert problem_of(path) == (
        "FILE:2:14: error[yaml-syntax]: the file is not UTF-8: it has the byte 0xFF here\n"
        "    2 | déscription: \ufffd\ufffd\n"
        "      |              ^ save it as UTF-8"
    )


def test_an_endless_file_is_refused() -> None:
    assert problem_of("/dev/zero").startswith("FILE:1:1: error[too-large]: a playbook may have ")
