"""Command lines that are wrong, ask for help, or are written in every way there is."""

from __future__ import annotations

import pytest
from cli_case import Case
from sample_playbooks import GREET

from noetl.cli.commands import NAMES, find_command


@pytest.mark.parametrize(
    ("line", "sentence", "command"),
    [
        pytest.param("rum", "there is no command 'rum' (did you mean 'run'?)", "", id="command"),
        pytest.param("frobnicate", "there is no command 'frobnicate'", "", id="command far off"),
        pytest.param("--frob", "no such option: --frob", "", id="option before the command"),
        pytest.param("run", "the argument FILE is missing", "run ", id="missing argument"),
        pytest.param("run a b", "there is an argument too many: 'b'", "run ", id="extra argument"),
        pytest.param("run a --jsn", "there is no option '--jsn' (did you mean '--json'?)", "run ", id="option"),
        pytest.param("run a -x", "there is no option '-x'", "run ", id="short option"),
        pytest.param("run a --store", "option '--store' needs a value", "run ", id="missing value"),
        pytest.param("run a --json=1", "option '--json' takes no value", "run ", id="value of a flag"),
        pytest.param(
            "run a --durability wishful",
            "option '--durability' does not take 'wishful' (it takes strict, relaxed, none)",
            "run ",
            id="choice",
        ),
        pytest.param(
            "runs --status complete",
            "option '--status' does not take 'complete' (did you mean 'completed'?)",
            "runs ",
            id="choice nearby",
        ),
        pytest.param("runs --limit x", "option '--limit' takes a whole number, got 'x'", "runs ", id="number"),
        pytest.param("runs --limit -1", "option '--limit' takes a whole number, got '-1'", "runs ", id="negative"),
        pytest.param("runs x", "there is an argument too many: 'x'", "runs ", id="argument where none is"),
        pytest.param("validate", "the argument PATH... is missing", "validate ", id="missing arguments"),
        pytest.param("schema shel", "there is no schema 'shel' (did you mean 'shell'?)", "schema ", id="schema"),
        pytest.param(
            "run a --store b --durability none",
            "'--durability none' keeps no event log, so it does not go with '--store'",
            "run ",
            id="options that exclude each other",
        ),
    ],
)
def test_a_wrong_command_line_is_explained_in_one_sentence(case: Case, line: str, sentence: str, command: str) -> None:
    case.args(*line.split()).stderr(f"error: {sentence}\n'noetl {command}--help' tells more\n").exit(2)


@pytest.mark.parametrize("line", ["run --json", "run a b --json", "rum --json", "run a --jsn --json"])
def test_a_wrong_command_line_is_an_object_where_json_is_asked_for(case: Case, line: str) -> None:
    ended = case.args(*line.split()).run()
    assert (ended.json()["status"], ended.code, ended.stderr) == ("invalid", 2, "")
    (problem,) = ended.json()["problems"]
    assert (problem["code"], problem["file"], problem["line"]) == ("bad-usage", "<command line>", 1)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("run greet.yaml -qi times=2", id="short flags in one"),
        pytest.param("run greet.yaml -itimes=2 -q", id="value behind its flag"),
        pytest.param("run -q -i times=2 -- greet.yaml", id="end of options"),
        pytest.param("run --quiet --input=times=2 greet.yaml", id="options first"),
    ],
)
def test_a_command_line_may_be_written_in_any_usual_way(case: Case, line: str) -> None:
    case.file("greet.yaml", GREET).args(*line.split()).exit(0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_has_help_with_all_options_and_examples(case: Case, name: str, flag: str) -> None:
    ended = case.args(name, flag).run()
    command = find_command(name)
    shown = " ".join(ended.stdout.split())
    assert (ended.stderr, ended.code) == ("", 0)
    assert command.summary in shown
    for example in command.examples:
        assert example.line.startswith(f"noetl {name}")
        assert f"{example.line} {example.purpose}" in shown
    for parameter in command.options.parameters().values():
        assert parameter.hidden != all(flag in shown for flag in parameter.flags or [parameter.help])


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]], ids=["nothing", "--help", "-h"])
def test_without_a_command_the_commands_are_listed(case: Case, words: list[str]) -> None:
    ended = case.args(*words).run()
    assert ended.code == 0
    for name in NAMES:
        assert find_command(name).summary in ended.stdout


def test_the_version_is_printed(case: Case) -> None:
    case.args("--version").stdout("noetl 0.1.0\n").exit(0)


def test_words_are_completed(case: Case) -> None:
    case.env(_NOETL_COMPLETE="complete_bash", COMP_WORDS="noetl val", COMP_CWORD="1")
    assert case.run().stdout.split() == ["validate"]


def test_options_are_completed(case: Case) -> None:
    case.env(_NOETL_COMPLETE="complete_bash", COMP_WORDS="noetl run --js", COMP_CWORD="2").args("run")
    assert case.run().stdout.split() == ["--json"]
