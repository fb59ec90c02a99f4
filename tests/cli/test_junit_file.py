"""`noetl run --junit FILE`, held against the public schema."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
import xmlschema
from cli_case import Case, Ended, normalised
from sample_playbooks import BROKEN, GREET, SLEEPING

SCHEMA = xmlschema.XMLSchema(str(Path(__file__).parent / "schemas" / "junit-10.xsd"))

HEAD = "apiVersion: noetl.io/v1\nkind: Playbook\nname: test\n"


def written(path: Path) -> Element:
    """The file, which must be what the public schema says."""
    SCHEMA.validate(str(path))
    return ElementTree.parse(path).getroot()


def suites_of(case: Case, text: str, *words: str) -> list[Element]:
    case.file("play.yaml", HEAD + text).args("run", "play.yaml", "-q", "--junit", "out.xml", *words).run()
    return list(written(case.folder / "out.xml"))


def suite_of(case: Case, text: str, *words: str) -> Element:
    (suite,) = suites_of(case, text, *words)
    return suite


def counts(suite: Element) -> dict[str, str]:
    return {name: suite.attrib[name] for name in ("tests", "failures", "errors", "skipped")}


def test_each_visit_is_a_test_case(case: Case) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "-q", "-i", "times=2", "--junit", "out.xml").exit(0)
    (suite,) = written(case.folder / "out.xml")
    assert counts(suite) == {"tests": "3", "failures": "0", "errors": "0", "skipped": "0"}
    assert suite.attrib["name"] == "greet"
    cases = [(found.attrib["classname"], found.attrib["name"]) for found in suite.iter("testcase")]
    assert cases == [("greet", "Hello"), ("greet", "Hello (visit 2)"), ("greet", "Done")]
    (run,) = case.args("runs", "--json").run().json()
    properties = {found.attrib["name"]: found.attrib["value"] for found in suite.iter("property")}
    assert properties == {"execution_id": run["execution_id"], "status": "completed"}


FAILING = """
on_error: continue
steps:
  - name: All
    rule: [{case: default, run: [{step: Wrong}, {step: Gone}, {step: Handled}, {step: Talk}]}]
  - {name: Wrong, run: [{action: fail, message: "no luck\\nnot today", code: luck}]}
  - {name: Gone, run: [{action: shell, cmd: [/no/such/program]}]}
  - name: Handled
    run: [{action: fail, code: known}]
    rule: [{case: "{{ result.failed }}", run: []}]
  - name: Talk
    run:
      - {action: shell, cmd: "printf 'one\\ntwo \\\\033[1m\\n'; echo three >&2"}
      - {action: log, level: warning, message: four}
"""


def test_the_whole_file_of_a_run_that_failed(case: Case) -> None:
    case.file("play.yaml", HEAD + FAILING).args("run", "play.yaml", "-q", "--junit", "out.xml").run()
    written(case.folder / "out.xml")
    text = normalised((case.folder / "out.xml").read_text()).replace('+00:00"', '"')
    for attribute in ("time", "timestamp"):
        text = "".join(
            part if not index else f'{attribute}="..."{part.partition(chr(34))[2]}'
            for index, part in enumerate(text.split(f'{attribute}="'))
        )
    assert text == (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        "<testsuites>\n"
        '  <testsuite name="test" tests="5" failures="1" errors="1" skipped="0" time="..." timestamp="...">\n'
        "    <properties>\n"
        '      <property name="execution_id" value="ID" />\n'
        '      <property name="status" value="failed" />\n'
        "    </properties>\n"
        '    <testcase classname="test" name="All" time="..." />\n'
        '    <testcase classname="test" name="Wrong" time="...">\n'
        '      <failure type="luck" message="no luck ...">no luck\nnot today</failure>\n'
        "    </testcase>\n"
        '    <testcase classname="test" name="Gone" time="...">\n'
        '      <error type="program_not_found" message="program \'/no/such/program\' does not exist">program'
        " '/no/such/program' does not exist</error>\n"
        "    </testcase>\n"
        '    <testcase classname="test" name="Handled" time="...">\n'
        "      <system-out>failed, and a case went on after it: failed (known)</system-out>\n"
        "    </testcase>\n"
        '    <testcase classname="test" name="Talk" time="...">\n'
        "      <system-out>one\ntwo \\x1b[1m\nthree\nwarning: four</system-out>\n"
        "    </testcase>\n"
        "  </testsuite>\n"
        "</testsuites>"
    )


def test_a_run_that_was_cancelled_is_written_too(case: Case) -> None:
    process = case.file("nap.yaml", SLEEPING).start("run", "nap.yaml", "-q", "--junit", "out.xml")
    while not (case.folder / "pid").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 3
    (suite,) = written(case.folder / "out.xml")
    assert counts(suite) == {"tests": "1", "failures": "0", "errors": "0", "skipped": "1"}
    assert [found.attrib["message"] for found in suite.iter("skipped")] == ["cancelled"]


def test_what_failed_outside_of_all_steps_is_a_case_of_its_own(case: Case) -> None:
    suite = suite_of(
        case, 'steps: [{name: Only, run: [{action: noop}]}]\ncontext: {a: {}}\noutputs: {b: "{{ a.b }}"}\n'
    )
    assert counts(suite) == {"tests": "2", "failures": "1", "errors": "0", "skipped": "0"}
    assert [found.attrib["name"] for found in suite.iter("testcase")] == ["Only", "(the run)"]


def test_a_called_playbook_is_a_suite_of_its_own(case: Case) -> None:
    case.file("greet.yaml", GREET)
    outer, inner = suites_of(case, "steps: [{name: Call, run: [{action: playbook, path: greet.yaml}]}]\n")
    assert (outer.attrib["name"], inner.attrib["name"]) == ("test", "greet")
    assert [found.attrib["name"] for found in inner.iter("testcase")] == ["Hello", "Done"]


def test_parallel_items_speak_for_their_visit(case: Case) -> None:
    suite = suite_of(
        case,
        'steps: [{name: Each, run: [{action: shell, cmd: ["echo", "{{ item }}"], loop: {items: [a, b], parallel: 2}}]}]\n',
    )
    (found,) = suite.iter("system-out")
    assert sorted((found.text or "").splitlines()) == ["a", "b"]


def test_long_output_is_cut_at_its_beginning(case: Case) -> None:
    suite = suite_of(case, "steps: [{name: Count, run: [{action: shell, cmd: seq 3000}]}]\n")
    (found,) = suite.iter("system-out")
    lines = (found.text or "").splitlines()
    assert (lines[0], lines[1], lines[-1], len(lines)) == ("... (2500 lines before)", "2501", "3000", 501)


def test_a_retry_is_told(case: Case) -> None:
    suite = suite_of(
        case,
        "steps: [{name: Go, run: [{action: fail, code: luck, retry: {attempts: 2, delay: 1ms, on: [luck]}}]}]\n",
    )
    (found,) = suite.iter("system-out")
    assert found.text == "tried again (attempt 2): failed (luck)"


def test_what_xml_cannot_hold_is_replaced(case: Case) -> None:
    suite = suite_of(case, 'steps: [{name: Say, run: [{action: log, message: "<\\u0000\\uFFFF]]>"}]}]\n')
    assert [line.text for line in suite.iter("system-out")] == ["<\\x00\N{REPLACEMENT CHARACTER}]]>"]


def test_a_password_in_a_url_is_masked_before_lines_are_cut(case: Case) -> None:
    suite = suite_of(
        case,
        "steps: [{name: Log, run: [{action: log, message: \"{{ 'x' * 1985 }} postgres://u:longpassword@host/\"}]}]\n",
    )
    (found,) = suite.iter("system-out")
    assert "longpass" not in (found.text or "")


def refused(case: Case, file: str) -> Ended:
    ended = case.file("greet.yaml", GREET).args("run", "greet.yaml", "--junit", file).run()
    assert (ended.stdout, ended.code) == ("", 2)
    assert not (case.folder / ".noetl").exists()
    return ended


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        pytest.param(
            "absent/out.xml", "cannot be written: 'absent/out.xml': No such file or directory", id="no folder"
        ),
        pytest.param(
            "greet.yaml/out.xml", "cannot be written: 'greet.yaml/out.xml': Not a directory", id="file as folder"
        ),
        pytest.param("/proc/out.xml", "cannot be written: '/proc/out.xml': ", id="a folder for nobody"),
        pytest.param(".", "'--junit' takes a file, and '.' is none", id="a folder"),
        pytest.param("/dev/null", "'--junit' takes a file, and '/dev/null' is none", id="a device"),
    ],
)
def test_a_file_that_cannot_be_written_is_an_error_before_the_run(case: Case, file: str, sentence: str) -> None:
    assert sentence in refused(case, file).stderr


def test_nothing_is_written_where_nothing_was_run(case: Case) -> None:
    case.file("broken.yaml", BROKEN).args("run", "broken.yaml", "--junit", "out.xml").run()
    assert sorted(path.name for path in case.folder.iterdir()) == ["broken.yaml"]


def test_a_file_is_replaced_as_a_whole_and_a_link_stays_one(case: Case) -> None:
    (case.folder / "real.xml").write_text("old")
    (case.folder / "out.xml").symlink_to("real.xml")
    suite_of(case, "steps: [{name: Only, run: [{action: noop}]}]\n")
    assert (case.folder / "out.xml").is_symlink()
    assert not [path for path in case.folder.iterdir() if path.name.startswith(".real")]
    assert oct((case.folder / "real.xml").stat().st_mode & 0o777) == oct(0o644)


def test_a_folder_that_goes_away_meanwhile_is_an_error_at_the_end(case: Case) -> None:
    (case.folder / "reports").mkdir()
    case.file("play.yaml", f"{HEAD}steps: [{{name: Go, run: [{{action: shell, cmd: rmdir reports}}]}}]\n")
    ended = case.args("run", "play.yaml", "-q", "--junit", "reports/out.xml").run()
    assert ended.stderr == "error: the file of '--junit' cannot be written: No such file or directory\n"
    assert ended.code == 1
