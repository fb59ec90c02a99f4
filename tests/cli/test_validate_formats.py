"""`noetl validate --format`: SARIF for code scanning, annotations for GitHub Actions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_case import Case
from jsonschema import Draft4Validator
from sample_playbooks import BROKEN, GREET

from noetl.cli.workflow_commands import workflow_command
from noetl.codes import PROBLEMS

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text())
WARNED = GREET.replace("  times:", "  unread: {}\n  times:")


def sarif_of(case: Case, *words: str) -> Any:
    """The one run of a log, which must be what the public schema says."""
    log = case.args("validate", *words, "--format", "sarif").run().json()
    assert [error.message for error in Draft4Validator(SCHEMA).iter_errors(log)] == []
    (run,) = log["runs"]
    return run


def test_sarif_has_each_problem_at_its_place(case: Case) -> None:
    run = sarif_of(case.file("broken.yaml", BROKEN).file("sub/warned.yaml", WARNED), "broken.yaml", "sub")
    assert run["results"] == [
        {
            "ruleId": "unknown-step",
            "ruleIndex": 0,
            "level": "error",
            "message": {"text": "step 'Finnish' is not defined (did you mean 'Finish'?)"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "broken.yaml", "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": 10, "startColumn": 22, "endColumn": 29},
                    }
                }
            ],
        },
        {
            "ruleId": "unused-input",
            "ruleIndex": 1,
            "level": "warning",
            "message": {"text": "input 'unread' is never read"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "sub/warned.yaml", "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": 6, "startColumn": 3, "endColumn": 9},
                    }
                }
            ],
        },
    ]
    assert run["originalUriBaseIds"] == {"%SRCROOT%": {"uri": f"{case.folder.as_uri()}/"}}


def test_sarif_explains_the_rules_that_its_results_name(case: Case) -> None:
    run = sarif_of(case.file("broken.yaml", BROKEN).file("warned.yaml", WARNED), ".")
    assert run["tool"]["driver"]["name"] == "noetl"
    assert run["tool"]["driver"]["rules"] == [
        {
            "id": "unknown-step",
            "name": "UnknownStep",
            "shortDescription": {"text": "No step of this name is defined."},
            "help": {
                "text": "No step of this name is defined. Cure: See the hint.",
                "markdown": "No step of this name is defined.\n\n**Cure**: See the hint.",
            },
            "defaultConfiguration": {"level": "error"},
        },
        {
            "id": "unused-input",
            "name": "UnusedInput",
            "shortDescription": {"text": "Nothing uses an input."},
            "help": {
                "text": "Nothing uses an input. Cure: Remove it.",
                "markdown": "Nothing uses an input.\n\n**Cure**: Remove it.",
            },
            "defaultConfiguration": {"level": "warning"},
        },
    ]


def test_sarif_without_problems_has_no_results(case: Case) -> None:
    run = sarif_of(case.file("greet.yaml", GREET), "greet.yaml")
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        pytest.param("two words.yaml", "two%20words.yaml", id="blank"),
        pytest.param("50%#ä.yaml", "50%25%23%C3%A4.yaml", id="signs of addresses"),
        pytest.param("absent.yaml", "absent.yaml", id="missing"),
    ],
)
def test_sarif_writes_paths_as_addresses(case: Case, name: str, uri: str) -> None:
    if name != "absent.yaml":
        case.file(name, BROKEN)
    (result,) = sarif_of(case, f"./{name}")["results"]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location == {"uri": uri, "uriBaseId": "%SRCROOT%"}


def test_sarif_names_a_file_outside_of_the_folder_by_its_whole_address(case: Case, tmp_path_factory: Any) -> None:
    outside = tmp_path_factory.mktemp("outside") / "broken.yaml"
    outside.write_text(BROKEN)
    (result,) = sarif_of(case, str(outside))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": outside.as_uri()}


def test_sarif_marks_one_character_where_a_line_ends_too_soon(case: Case) -> None:
    case.file("torn.yaml", "apiVersion: noetl.io/v1\nkind: Playbook\nname: torn\nsteps: [{name: A\n")
    (result,) = sarif_of(case, "torn.yaml")["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region["endColumn"] == region["startColumn"] + 1


def test_a_job_gets_an_annotation_for_each_problem(case: Case) -> None:
    case.file("broken.yaml", BROKEN).file("sub/warned.yaml", WARNED).args(
        "validate", "broken.yaml", "sub/warned.yaml", "--format", "github"
    ).stdout(
        """
        ::error file=broken.yaml,line=10,col=22,endColumn=29,title=unknown-step::step 'Finnish' is not defined (did you mean 'Finish'?)
        ::warning file=sub/warned.yaml,line=6,col=3,endColumn=9,title=unused-input::input 'unread' is never read
        checked 2 playbooks: 1 error, 1 warning
        """
    ).exit(2)


def test_annotations_name_files_from_the_top_of_the_checkout(case: Case) -> None:
    case.file("broken.yaml", BROKEN).env(GITHUB_WORKSPACE=str(case.folder.parent))
    ended = case.args("validate", "broken.yaml", "--format", "github").run()
    assert ended.stdout.startswith(f"::error file={case.folder.name}/broken.yaml,line=10,")


@pytest.mark.parametrize(
    ("message", "properties", "line"),
    [
        pytest.param("fine", {}, "::error::fine", id="nothing to escape"),
        pytest.param("100%\r\n::stop", {}, "::error::100%25%0D%0A::stop", id="message"),
        pytest.param("a,b:c", {"file": "a,b:c%.yaml"}, "::error file=a%2Cb%3Ac%25.yaml::a,b:c", id="property"),
        pytest.param("", {"line": 3, "title": "x\ny"}, "::error line=3,title=x%0Ay::", id="several"),
    ],
)
def test_no_text_can_end_its_workflow_command(message: str, properties: dict[str, Any], line: str) -> None:
    assert workflow_command("error", message, **properties) == line


def test_json_may_be_asked_for_in_two_ways_that_agree(case: Case) -> None:
    case.file("broken.yaml", BROKEN)
    expected = case.args("validate", "broken.yaml", "--json").run()
    assert case.args("validate", "broken.yaml", "--format", "json").run() == expected
    assert case.args("validate", "broken.yaml", "--json", "--format=json").run() == expected
    case.args("validate", "broken.yaml", "--json", "--format", "sarif").run()
    refused = case.run()
    assert (refused.code, refused.json()["problems"][0]["message"]) == (2, "'--json' does not go with '--format sarif'")


def test_every_explained_rule_is_a_valid_part_of_a_log() -> None:
    from noetl.cli.sarif import sarif_log
    from noetl.errors import Problem
    from noetl.span import Source, Span

    here = Span(Source("a.yaml", "name: a\n"), 1, 1, 4)
    log = sarif_log([Problem(code, "a sentence", here) for code in (*PROBLEMS, "of-a-plugin")])
    assert [error.message for error in Draft4Validator(SCHEMA).iter_errors(log)] == []
    assert len(log["runs"][0]["tool"]["driver"]["rules"]) == len(PROBLEMS) + 1
