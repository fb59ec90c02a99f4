"""A run in a job of GitHub Actions: groups, annotations, the summary page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli_case import Case, normalised
from sample_playbooks import BROKEN, GREET

from noetl.cli.github import inert

HEAD = "apiVersion: noetl.io/v1\nkind: Playbook\nname: test\n"


@pytest.fixture
def job(case: Case) -> Case:
    return case.env(GITHUB_ACTIONS="true", GITHUB_WORKSPACE=str(case.folder))


def run(job: Case, text: str, *words: str) -> list[str]:
    """The lines on standard output."""
    return normalised(job.file("job.yaml", HEAD + text).args("run", "job.yaml", *words).run().stdout).splitlines()


def test_what_a_step_says_is_a_group_and_how_it_ended_stands_below(job: Case) -> None:
    job.file(
        "talk.yaml",
        """
        apiVersion: noetl.io/v1
        kind: Playbook
        name: talk
        context: {n: 0}
        steps:
          - name: Talk
            run:
              - {action: shell, cmd: "echo one; echo two >&2"}
              - {action: log, message: three}
              - {action: set, values: {n: "{{ n + 1 }}"}}
            rule:
              - {case: "{{ n < 2 }}", run: [{step: Talk}]}
              - {case: default, run: [{step: Calm}]}
          - name: Calm
            run: [{action: noop}]
        outputs: {n: "{{ n }}"}
        """,
    ).args("run", "talk.yaml").stdout(
        """
        ::group::Talk
        CLOCK · Talk | one
        CLOCK · Talk | two
        CLOCK · three
        ::endgroup::
        CLOCK ✓ Talk TIME -> Talk
        ::group::Talk (visit 2)
        CLOCK · Talk | one
        CLOCK · Talk | two
        CLOCK · three
        ::endgroup::
        CLOCK ✓ Talk TIME (visit 2) -> Calm
        CLOCK ✓ Calm TIME
        talk completed in TIME (3 steps, run ID)
          n: 2
        """
    ).exit(0)


BOTH = f"""{HEAD}
steps:
  - name: Both
    parallel: true
    rule: [{{case: default, run: [{{step: Long}}, {{step: Short}}]}}]
  - name: Long
    run:
      - {{action: log, message: first}}
      - {{action: shell, cmd: "touch begun; until [ -e go ]; do sleep 0.01; done"}}
      - {{action: log, message: third}}
  - name: Short
    run: [{{action: shell, cmd: "until [ -e begun ]; do sleep 0.01; done"}}, {{action: log, message: second}}]
"""


def test_steps_that_run_at_once_have_groups_of_their_own(job: Case) -> None:
    process = job.file("both.yaml", BOTH).start("run", "both.yaml")
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(normalised(line.decode()).rstrip("\n"))
        if "✓ Short" in lines[-1]:
            (job.folder / "go").touch()
    process.communicate(timeout=30)
    assert lines[:-1] == [
        "CLOCK ✓ Both TIME -> Long, Short",
        "::group::Long",
        "CLOCK · first",
        "::endgroup::",
        "::group::Short",
        "CLOCK · second",
        "::endgroup::",
        "CLOCK ✓ Short TIME",
        "::group::Long (continued)",
        "CLOCK · third",
        "::endgroup::",
        "CLOCK ✓ Long TIME",
    ]


def errors_of(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("::error")]


@pytest.mark.parametrize(
    ("text", "place", "title", "message"),
    [
        pytest.param(
            "steps:\n  - name: Go\n    run:\n      - {action: noop}\n      - {action: shell, cmd: exit 4}\n",
            "line=8,col=18",
            "step 'Go' failed%3A exit_code",
            "'exit 4' exited with 4",
            id="an action",
        ),
        pytest.param(
            "steps:\n  - name: Go\n    run:\n      - {action: shell, cmd: exit 0}\n      - {action: shell, cmd: exit 4}\n",
            "line=8,col=18",
            "step 'Go' failed%3A exit_code",
            "'exit 4' exited with 4",
            id="the second of its kind",
        ),
        pytest.param(
            "steps:\n  - name: Go\n    run: [{action: fail, message: no, code: luck}]\n",
            "line=6,col=20",
            "step 'Go' failed%3A luck",
            "no",
            id="an action of the language",
        ),
        pytest.param(
            "tasks: [{name: bad, run: [{action: shell, cmd: exit 4}]}]\nsteps:\n  - {name: Go, run: [bad]}\n",
            "line=4,col=36",
            "step 'Go' failed%3A exit_code",
            "'exit 4' exited with 4",
            id="an action of a task",
        ),
        pytest.param(
            'context: {x: {}}\nsteps:\n  - {name: Go, run: [{action: log, message: "a {{ x.y }}"}]}\n',
            "line=6,col=51",
            "step 'Go' failed%3A undefined",
            "'x' has no key 'y'",
            id="a template",
        ),
        pytest.param(
            "timeout: 1ms\nsteps:\n  - {name: Go, run: [{action: wait, for: 1h}]}\n",
            "line=1,col=1",
            "the run failed%3A timeout",
            "the run did not end within its timeout",
            id="the run",
        ),
    ],
)
def test_a_failure_is_an_error_at_its_place(job: Case, text: str, place: str, title: str, message: str) -> None:
    (error,) = errors_of(run(job, text))
    assert error.startswith(f"::error file=job.yaml,{place},title={title}::{message}")


def test_a_failure_that_a_case_took_is_no_error(job: Case) -> None:
    text = 'steps: [{name: Go, run: [{action: fail}], rule: [{case: "{{ result.failed }}", run: []}]}]\n'
    assert errors_of(run(job, text)) == []


def test_each_failure_that_the_run_went_on_after_is_an_error(job: Case) -> None:
    lines = run(
        job,
        "on_error: continue\nsteps:\n  - {name: All, rule: [{case: default, run: [{step: A}, {step: B}]}]}\n"
        "  - {name: A, run: [{action: fail, message: first}]}\n  - {name: B, run: [{action: fail, message: second}]}\n",
    )
    assert [error.rpartition("::")[2] for error in errors_of(lines)] == ["first", "second"]


def test_an_error_of_a_called_playbook_is_at_its_own_place_too(job: Case) -> None:
    job.file("inner.yaml", f"{HEAD}steps: [{{name: In, run: [{{action: fail, message: deep}}]}}]\n")
    errors = errors_of(run(job, "steps: [{name: Out, run: [{action: playbook, path: inner.yaml}]}]\n"))
    assert [error.partition(",")[0] for error in errors] == ["::error file=inner.yaml", "::error file=job.yaml"]


def test_files_are_named_from_the_top_of_the_checkout(job: Case) -> None:
    job.file("sub/job.yaml", f"{HEAD}steps: [{{name: Go, run: [{{action: fail}}]}}]\n")
    job.folder /= "sub"
    (error,) = errors_of(job.args("run", "job.yaml").run().stdout.splitlines())
    assert error.startswith("::error file=sub/job.yaml,")


def test_nothing_that_is_said_is_a_command(job: Case) -> None:
    lines = run(
        job,
        """
steps:
  - name: Say
    run:
      - {action: shell, cmd: "echo '::add-mask::a'; echo '##[error]b'"}
      - {action: log, message: "c\\n::stop-commands::d\\n  ::error::e"}
      - {action: fail, message: "f\\n::set-output name=g::h\\n##[group]i 100%"}
""",
    )
    commands = [line for line in lines if line.lstrip().startswith("::") or "##[" in line]
    assert [command.partition(" file")[0] for command in commands] == ["::group::Say", "::endgroup::", "::error"]
    assert commands[-1].endswith("::f%0A::set-output name=g::h%0A##[group]i 100%25")


def test_json_leaves_the_commands_to_standard_error(job: Case) -> None:
    ended = job.file("greet.yaml", GREET).args("run", "greet.yaml", "--json").run()
    assert ended.json()["status"] == "completed"
    assert "::group::Done\n" in ended.stderr


def test_quiet_leaves_the_annotations(job: Case) -> None:
    ended = (
        job.file("job.yaml", f"{HEAD}steps: [{{name: Go, run: [{{action: fail}}]}}]\n")
        .args("run", "job.yaml", "-q")
        .run()
    )
    assert (ended.stdout, ended.code) == ("", 1)
    assert ended.stderr.startswith("::error file=job.yaml,line=4,")


def test_problems_are_annotations(job: Case) -> None:
    warned = GREET.replace("  times:", "  unread: {}\n  times:")
    ended = job.file("warned.yaml", warned).args("run", "warned.yaml").run()
    assert "::warning file=warned.yaml,line=6,col=3,endColumn=9,title=unused-input::input 'unread'" in ended.stderr
    assert ended.code == 0
    ended = job.file("broken.yaml", BROKEN).args("run", "broken.yaml").run()
    assert "::error file=broken.yaml,line=10,col=22,endColumn=29,title=unknown-step::step 'Finnish'" in ended.stderr
    assert (ended.stdout, ended.code) == ("", 2)
    ended = job.args("run", "broken.yaml", "--json").run()
    assert ended.json()["status"] == "invalid"
    assert ended.stderr.startswith("::error file=broken.yaml")


def test_a_secret_is_printed_nowhere_not_even_to_be_masked(job: Case) -> None:
    page = job.folder / "page.md"
    job.env(TOKEN="s3cr3t-token", GITHUB_STEP_SUMMARY=str(page))
    lines = run(
        job,
        """
secrets: {token: "env:TOKEN"}
steps:
  - {name: Tell, run: [{action: shell, cmd: ["sh", "-c", "echo $0; exit 1", "{{ secrets.token }}"]}]}
""",
        "--junit",
        "out.xml",
    )
    assert "CLOCK · Tell | ***" in lines
    told = "\n".join(lines) + page.read_text() + (job.folder / "out.xml").read_text()
    assert "s3cr3t" not in told
    assert "add-mask" not in told


def test_the_page_of_the_job_gets_a_summary(job: Case) -> None:
    page = job.folder / "page.md"
    page.write_text("before\n")
    job.env(GITHUB_STEP_SUMMARY=str(page))
    run(
        job,
        """
context: {a: 1}
steps:
  - {name: First, run: [{action: set, values: {url: "https://user:password@host/x", a: "[x](y) | <b>"}}], rule: [{case: default, run: [{step: A_b_c}]}]}
  - {name: A_b_c, run: [{action: fail, message: "no `luck`\\nat all", code: luck}]}
""",
    )
    assert normalised(page.read_text()) == (
        "before\n"
        "### ❌ test failed in TIME\n"
        "\n"
        "2 steps, run `ID`\n"
        "\n"
        "> **luck** in step **A\\_b\\_c**: no \\`luck\\` ...\n"
        "\n"
        "- url: https\\://user\\:\\*\\*\\*\\@host/x\n"
        "- a: \\[x\\]\\(y\\) \\| \\<b\\>\n"
        "\n"
        "| | step | time | attempts | |\n"
        "|---|---|--:|--:|---|\n"
        "| ✅ | First |  TIME | 1 | → A\\_b\\_c |\n"
        "| ❌ | A\\_b\\_c |  TIME | 1 | no \\`luck\\` ... (luck) |\n"
        "\n"
    )


def test_a_page_that_cannot_be_written_is_a_warning(job: Case) -> None:
    job.env(GITHUB_STEP_SUMMARY=str(job.folder / "absent" / "page.md"))
    ended = job.file("greet.yaml", GREET).args("run", "greet.yaml", "-q").run()
    assert ended.stderr == "warning: the summary of the job cannot be written: No such file or directory\n"
    assert ended.code == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain :: text", "plain :: text"),
        ("::error::x", "\\::error::x"),
        ("a\n \t::x", "a\n \t\\::x"),
        ("a ##[error]b", "a ##\\[error]b"),
    ],
)
def test_what_the_runner_would_obey_is_made_inert(text: str, expected: str) -> None:
    assert inert(text) == expected
    assert not re.search(r"^\s*::|##\[", inert(text), re.MULTILINE)


def test_outside_of_a_job_nothing_is_a_command(case: Case, tmp_path: Path) -> None:
    case.env(GITHUB_ACTIONS="false", GITHUB_STEP_SUMMARY=str(tmp_path / "page.md"))
    ended = case.file("greet.yaml", GREET).args("run", "greet.yaml").run()
    assert "::" not in ended.stdout
    assert not (tmp_path / "page.md").exists()
