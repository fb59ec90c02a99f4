"""`noetl validate` on folders and patterns: which files are playbooks, and what is said where none is."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from cli_case import Case
from sample_playbooks import BROKEN, GREET

OTHER = "services: {web: {image: nginx}}\n"
AS_JSON = json.dumps(
    {
        "apiVersion": "noetl.io/v1",
        "kind": "Playbook",
        "name": "short",
        "steps": [{"name": "Only", "run": [{"step": "Nowhere"}]}],
    },
    indent=2,
)


def files_with_problems(case: Case, *words: str) -> list[str]:
    problems: list[dict[str, Any]] = case.args("validate", "--json", *words).run().json()
    return [problem["file"] for problem in problems]


def test_all_playbooks_below_a_folder_are_checked_and_other_files_passed_over(case: Case) -> None:
    case.file("a.yaml", GREET).file("sub/deep/broken.yml", BROKEN).file("sub/short.json", AS_JSON)
    case.file("compose.yaml", OTHER).file("data.json", "[1, 2]").file("notes.txt", BROKEN).file("list.yaml", "- 1\n")
    assert files_with_problems(case, ".") == ["sub/short.json", "sub/deep/broken.yml"]
    text = case.args("validate", ".").run()
    assert text.stdout.endswith("\nchecked 3 playbooks: 2 errors\n")
    assert text.code == 2


def test_a_folder_without_problems_says_how_much_was_checked(case: Case) -> None:
    case.file("play/greet.yaml", GREET).args("validate", "play").stdout("checked 1 playbook: no problems\n").exit(0)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("apiVersion: noetl.io/v1\nsteps: [\n", id="torn"),
        pytest.param("apiVersion: noetl.io/v9\nkind: Playbook\n", id="of another version"),
        pytest.param("kind: Playbook  # mine\nname: a\n", id="without apiVersion"),
        pytest.param('"apiVersion": "noetl.io/v1"\n"kind": "Playbook"\n', id="quoted"),
        pytest.param("{apiVersion: noetl.io/v1, kind: Playbook", id="flow"),
        pytest.param('{"kind": "Playbook"}', id="JSON without apiVersion"),
        pytest.param('{"apiVersion": "noetl.io/v1", "steps": [}', id="torn JSON"),
        pytest.param('{"kind": "Playbook", "a": ' + "[" * 100_000, id="too deep"),
        pytest.param("# caf\xe9\napiVersion: noetl.io/v1\n", id="not UTF-8"),
    ],
)
def test_what_means_to_be_a_playbook_is_checked_though_it_is_broken(case: Case, text: str) -> None:
    (case.folder / "mine.yaml").write_bytes(text.encode("latin-1"))
    assert set(files_with_problems(case, ".")) == {"mine.yaml"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(OTHER, id="other YAML"),
        pytest.param("apiVersion: v1\nkind: ConfigMap\ndata:\n  apiVersion: noetl.io/v1\n", id="holds a playbook"),
        pytest.param("apiVersion: example.com/v1\nkind: Playbook\n", id="another's playbook"),
        pytest.param('{"items": [{"apiVersion": "noetl.io/v1"}]}', id="JSON that holds a playbook"),
        pytest.param("\x00\xff", id="binary"),
        pytest.param("", id="empty"),
    ],
)
def test_what_does_not_is_passed_over_in_a_folder_but_checked_by_its_name(case: Case, text: str) -> None:
    (case.folder / "other.yaml").write_bytes(text.encode("latin-1"))
    case.file("greet.yaml", GREET)
    case.args("validate", ".").stdout("checked 1 playbook: no problems\n").exit(0)
    assert set(files_with_problems(case, "other.yaml")) == {"other.yaml"}


def test_hidden_files_and_folders_of_others_are_left_out(case: Case) -> None:
    for name in (".git/a.yaml", ".hidden.yaml", "node_modules/pack/b.yaml", "sub/.venv/c.yaml"):
        case.file(name, BROKEN)
    case.file("greet.yaml", GREET).args("validate", ".", "**/*.yaml").stdout("checked 1 playbook: no problems\n").exit(
        0
    )
    assert files_with_problems(case, ".git") == [".git/a.yaml"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        pytest.param("*.yaml", ["top.yaml"], id="here"),
        pytest.param("**/*.yaml", ["sub/deep/low.yaml", "sub/mid.yaml", "top.yaml"], id="any folders"),
        pytest.param("**", ["sub/deep/low.yaml", "sub/mid.yaml", "top.yaml"], id="everything"),
        pytest.param("sub/m?d.[xy]aml", ["sub/mid.yaml"], id="characters"),
        pytest.param("s*", ["sub/mid.yaml", "sub/deep/low.yaml"], id="a folder that it matches"),
    ],
)
def test_patterns_are_expanded_by_noetl_itself(case: Case, pattern: str, found: list[str]) -> None:
    case.file("top.yaml", BROKEN).file("sub/mid.yaml", BROKEN).file("sub/deep/low.yaml", BROKEN)
    case.file("sub/other.yaml", OTHER)
    assert files_with_problems(case, pattern) == found


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(case: Case) -> None:
    case.file("a[1].yaml", BROKEN).file("a1.yaml", GREET)
    assert files_with_problems(case, "a[1].yaml") == ["a[1].yaml"]


def test_what_several_names_stand_for_is_checked_once(case: Case) -> None:
    ended = case.file("sub/broken.yaml", BROKEN).args("validate", "sub", "./sub/broken.yaml", "s*/*.yaml", "sub/").run()
    assert ended.stdout.endswith("\nchecked 1 playbook: 1 error\n")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        pytest.param("empty", "this folder holds no playbook", id="folder"),
        pytest.param("*.yml", "no playbook matches this pattern", id="pattern"),
        pytest.param("nowhere/**", "no playbook matches this pattern", id="pattern in no folder"),
    ],
)
def test_where_nothing_is_found_that_is_an_error(case: Case, name: str, sentence: str) -> None:
    (case.folder / "empty").mkdir()
    case.file("other.yml", OTHER).args("validate", name).stdout(
        f"{name}:1:1: error[no-playbook]: {sentence}\n1 error\n"
    ).exit(2)


def test_a_name_that_is_no_text_is_told_in_every_format(case: Case) -> None:
    (case.folder / os.fsdecode(b"b\xff.yaml")).write_text(BROKEN)
    assert files_with_problems(case, ".") == ["b\\udcff.yaml"]
    for form in ("text", "github", "sarif"):
        ended = case.args("validate", ".", "--format", form).run()
        assert (ended.stderr, ended.code) == ("", 2)


def test_what_is_not_found_does_not_keep_the_rest_from_being_checked(case: Case) -> None:
    case.file("broken.yaml", BROKEN)
    assert files_with_problems(case, "nothing/*", "broken.yaml") == ["nothing/*", "broken.yaml"]


def test_links_and_pipes_in_a_folder_do_no_harm(case: Case) -> None:
    case.file("sub/greet.yaml", GREET)
    (case.folder / "sub" / "round").symlink_to(case.folder)
    os.mkfifo(case.folder / "sub" / "pipe.yaml")
    case.args("validate", "sub").stdout("checked 1 playbook: no problems\n").exit(0)
    (case.folder / "sub" / "gone.yaml").symlink_to("nowhere")
    assert files_with_problems(case, "sub") == ["sub/gone.yaml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may read everything")
def test_a_folder_that_cannot_be_read_is_a_problem(case: Case) -> None:
    case.file("sub/greet.yaml", GREET).file("sub/closed/greet.yaml", GREET)
    (case.folder / "sub" / "closed").chmod(0)
    ended = case.args("validate", "sub").run()
    (case.folder / "sub" / "closed").chmod(0o700)
    assert "sub/closed:1:1: error[unreadable-file]: the folder cannot be read: permission denied" in ended.stdout
    assert ended.code == 2
