from __future__ import annotations

import pytest
from cli_case import Case, normalised
from sample_playbooks import BROKEN, FAILING, GREET


def test_a_run_prints_a_line_for_each_step_and_then_its_outputs(case: Case) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "-i", "times=2", "--input", "name=you").stdout(
        """
        CLOCK ✓ Hello TIME -> Hello
        CLOCK ✓ Hello TIME (visit 2) -> Done
        CLOCK · hello you
        CLOCK ✓ Done TIME
        greet completed in TIME (3 steps, run ID)
          greeting: hello you
          said: 2
        """
    ).exit(0)


def test_json_puts_one_object_on_standard_output_and_the_lines_on_standard_error(case: Case) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "--json").stdout(
        '{"execution_id":"ID","playbook":"greet","status":"completed","attempt":1,"started_at":"INSTANT","duration":0,'
        '"outputs":{"greeting":"hello world","said":1},"error":null,"steps":['
        '{"name":"Hello","visit":1,"status":"completed","attempts":1,"started_at":"INSTANT","duration":0,'
        '"case":2,"next":["Done"],"error":null},'
        '{"name":"Done","visit":1,"status":"completed","attempts":1,"started_at":"INSTANT","duration":0,'
        '"case":null,"next":[],"error":null}]}\n'
    ).stderr(
        """
        CLOCK ✓ Hello TIME -> Done
        CLOCK · hello world
        CLOCK ✓ Done TIME
        """
    ).exit(0)


def test_quiet_prints_nothing_of_a_run_that_completed(case: Case) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "--quiet").exit(0)


def test_quiet_json_prints_the_object_alone(case: Case) -> None:
    ended = case.file("greet.yaml", GREET).args("run", "greet.yaml", "--json", "-q").run()
    assert ended.json()["outputs"] == {"greeting": "hello world", "said": 1}
    assert (ended.stderr, ended.code) == ("", 0)


def test_a_failed_run_shows_its_error_and_exits_with_1(case: Case) -> None:
    case.file("failing.yaml", FAILING).args("run", "failing.yaml").stdout(
        """
        CLOCK ✗ Try TIME: no luck ... (luck)
        failing failed in TIME (1 step, run ID)
          error[luck]: no luck
            not today (step 'Try', action 'fail')
        """
    ).exit(1)


def test_quiet_tells_a_failure_on_standard_error(case: Case) -> None:
    case.file("failing.yaml", FAILING).args("run", "failing.yaml", "-q").stderr(
        """
        failing failed in TIME (1 step, run ID)
          error[luck]: no luck
            not today (step 'Try', action 'fail')
        """
    ).exit(1)


def test_a_failed_run_is_an_object_too(case: Case) -> None:
    ended = case.file("failing.yaml", FAILING).args("run", "failing.yaml", "--json", "-q").run()
    report = ended.json()
    assert (ended.code, report["status"], report["outputs"]) == (1, "failed", {})
    assert report["error"]["code"] == report["steps"][0]["error"]["code"] == "luck"


def test_an_invalid_playbook_is_not_run(case: Case) -> None:
    case.file("broken.yaml", BROKEN).args("run", "broken.yaml").stderr(
        """
        broken.yaml:10:22: error[unknown-step]: step 'Finnish' is not defined
           10 |         run: [{step: Finnish}]
              |                      ^^^^^^^ did you mean 'Finish'?
        1 error
        """
    ).exit(2)
    assert not (case.folder / ".noetl").exists()


def test_an_invalid_playbook_is_an_object_of_problems(case: Case) -> None:
    case.file("broken.yaml", BROKEN).args("run", "broken.yaml", "--json").stdout(
        '{"status":"invalid","problems":[{"code":"unknown-step","severity":"error","file":"broken.yaml","line":10,'
        '"column":22,"message":"step \'Finnish\' is not defined","hint":"did you mean \'Finish\'?"}]}\n'
    ).exit(2)


WARNED = """
apiVersion: noetl.io/v1
kind: Playbook
name: warned
inputs:
  unread: {type: string}
steps:
  - {name: Only, run: [{action: noop}]}
"""


def test_warnings_are_shown_on_standard_error_and_do_not_stop_a_run(case: Case) -> None:
    case.file("warned.yaml", WARNED).args("run", "warned.yaml").stdout(
        """
        CLOCK ✓ Only TIME
        warned completed in TIME (1 step, run ID)
        """
    ).stderr(
        """
        warned.yaml:5:3: warning[unused-input]: input 'unread' is never read
            5 |   unread: {type: string}
              |   ^^^^^^
        """
    ).exit(0)


def test_quiet_shows_no_warnings(case: Case) -> None:
    case.file("warned.yaml", WARNED).args("run", "warned.yaml", "-q").exit(0)


def test_verbose_shows_what_scripts_print_and_debug_messages(case: Case) -> None:
    case.file(
        "talk.yaml",
        """
        apiVersion: noetl.io/v1
        kind: Playbook
        name: talk
        steps:
          - name: Talk
            run:
              - {action: shell, cmd: "echo one; echo two"}
              - {action: log, level: debug, message: hidden}
        """,
    ).args("run", "talk.yaml", "--verbose").stdout(
        """
        CLOCK · Talk | one
        CLOCK · Talk | two
        CLOCK · debug: hidden
        CLOCK ✓ Talk TIME
        talk completed in TIME (1 step, run ID)
        """
    ).exit(0)
    case.args("run", "talk.yaml").stdout(
        """
        CLOCK ✓ Talk TIME
        talk completed in TIME (1 step, run ID)
        """
    ).exit(0)


def test_log_messages_have_their_level_and_fields(case: Case) -> None:
    case.file(
        "logs.yaml",
        """
        apiVersion: noetl.io/v1
        kind: Playbook
        name: logs
        steps:
          - name: Tell
            run:
              - {action: log, message: told, fields: {n: 1, text: a b, deep: {k: null}}}
              - {action: log, level: warning, message: "first\\nsecond"}
              - {action: log, level: error, message: ""}
        """,
    ).args("run", "logs.yaml").stdout(
        """
        CLOCK · told n=1 text=a b deep={"k":null}
        CLOCK · warning: first
        CLOCK · second
        CLOCK · error:
        CLOCK ✓ Tell TIME
        logs completed in TIME (1 step, run ID)
        """
    ).exit(0)


def test_a_retry_is_told_before_its_delay(case: Case) -> None:
    case.file(
        "retried.yaml",
        """
        apiVersion: noetl.io/v1
        kind: Playbook
        name: retried
        steps:
          - name: Flaky
            run:
              - {action: shell, cmd: "exit 7", retry: {attempts: 3, delay: 1ms, backoff: fixed, on: [permanent]}}
            rule:
              - case: "{{ result.exit_code == 7 }}"
                run: [{action: noop}]
        """,
    ).args("run", "retried.yaml").stdout(
        """
        CLOCK ↻ Flaky is tried again in TIME (attempt 2): 'exit 7' exited with 7 (exit_code)
        CLOCK ↻ Flaky is tried again in TIME (attempt 3): 'exit 7' exited with 7 (exit_code)
        CLOCK ✗ Flaky TIME: 'exit 7' exited with 7 (exit_code)
        retried completed in TIME (1 step, run ID)
        """
    ).exit(0)


def test_a_branch_that_is_undone_is_told_with_its_failure(case: Case) -> None:
    case.file(
        "undone.yaml",
        """
        apiVersion: noetl.io/v1
        kind: Playbook
        name: undone
        tasks: [{name: undo, run: [{action: shell, cmd: exit 3}]}]
        steps:
          - {name: Book, run: [{action: noop, compensate: undo}], rule: [{case: default, run: [{step: Pay}]}]}
          - name: Pay
            on_error: compensate
            run: [{action: noop, compensate: {task: undo}}, {action: shell, cmd: exit 7}]
            rule: [{case: result.failed, run: []}]
        """,
    ).args("run", "undone.yaml").stdout(
        """
        CLOCK ✓ Book TIME -> Pay
        CLOCK ! Pay failed, and its branch is undone: 'exit 7' exited with 7 (exit_code)
        CLOCK · Pay is undone by 'undo'
        CLOCK ✗ Pay is not undone: 'exit 3' exited with 3 (exit_code)
        CLOCK · Book is undone by 'undo'
        CLOCK ✗ Book is not undone: 'exit 3' exited with 3 (exit_code)
        CLOCK ✗ Pay TIME: 'exit 7' exited with 7 (exit_code)
        undone completed in TIME (2 steps, run ID)
          Pay: not undone by 'undo': 'exit 3' exited with 3 (exit_code)
          Book: not undone by 'undo': 'exit 3' exited with 3 (exit_code)
        """
    ).exit(0)


def test_an_error_of_a_template_points_at_its_place(case: Case) -> None:
    case.file(
        "undefined.yaml",
        """
        apiVersion: noetl.io/v1
        kind: Playbook
        name: undefined
        context: {order: {id: 1}}
        steps:
          - name: Use
            run:
              - {action: set, values: {amount: "{{ order.amount }}"}}
        """,
    )
    ended = case.args("run", "undefined.yaml").run()
    assert "  undefined.yaml:8:44: error[undefined]: " in ended.stdout
    assert ended.code == 1


def test_the_traceback_of_a_script_is_part_of_the_summary(case: Case) -> None:
    case.file(
        "script.yaml",
        """
        apiVersion: noetl.io/v1
        kind: Playbook
        name: script
        steps:
          - name: Count
            run:
              - action: python
                code: |
                  known = {}
                  return known["a"]
        """,
    )
    ended = case.args("run", "script.yaml").run()
    assert '    Traceback (most recent call last):\n      File "script.yaml", line 10, in' in ended.stdout
    assert ended.stdout.endswith("    KeyError: 'a'\n")
    assert ended.code == 1


def test_the_steps_of_a_called_playbook_stand_behind_its_name(case: Case) -> None:
    case.file("greet.yaml", GREET).file(
        "calling.yaml",
        """
        apiVersion: noetl.io/v1
        kind: Playbook
        name: calling
        steps:
          - name: Call
            run:
              - {action: playbook, path: greet.yaml, inputs: {name: child}, as: answer}
        """,
    ).args("run", "calling.yaml").stdout(
        """
        CLOCK ✓ greet/Hello TIME -> Done
        CLOCK · hello child
        CLOCK ✓ greet/Done TIME
        CLOCK ✓ Call TIME
        calling completed in TIME (1 step, run ID)
          answer: {"greeting":"hello child","said":1}
        """
    ).exit(0)


def test_detached_runs_are_waited_for(case: Case) -> None:
    case.file(
        "slow.yaml",
        """
        apiVersion: noetl.io/v1
        kind: Playbook
        name: slow
        steps:
          - name: Work
            run:
              - {action: shell, cmd: "sleep 0.3; touch done"}
        """,
    ).file(
        "detaching.yaml",
        """
        apiVersion: noetl.io/v1
        kind: Playbook
        name: detaching
        steps:
          - name: Call
            run:
              - {action: playbook, path: slow.yaml, detach: true}
        """,
    ).args("run", "detaching.yaml").stdout(
        """
        CLOCK ✓ Call TIME
        detaching completed in TIME (1 step, run ID)
        CLOCK ✓ slow/Work TIME
        """
    ).exit(0)
    assert (case.folder / "done").exists()


def test_signals_that_nobody_waited_for_are_listed_nowhere_when_there_are_none(case: Case) -> None:
    report = case.file("greet.yaml", GREET).args("run", "greet.yaml", "--json").run().json()
    assert "signals" not in report


def test_passwords_in_urls_are_masked_everywhere(case: Case) -> None:
    case.file(
        "leaky.yaml",
        """
        apiVersion: noetl.io/v1
        kind: Playbook
        name: leaky
        inputs: {dsn: {type: string}}
        steps:
          - name: Tell
            run:
              - {action: log, message: "{{ dsn }}"}
              - {action: set, values: {kept: "{{ dsn }}"}}
        """,
    )
    words = ("run", "leaky.yaml", "-i", "dsn=postgres://me:geheim@db/x")
    for more in ([], ["--json"], ["-v"]):
        ended = case.args(*words, *more).run()
        assert "geheim" not in ended.stdout + ended.stderr
        assert "postgres://me:***@db/x" in ended.stdout
    case.args("run", "leaky.yaml", "-i", "dns=postgres://me:geheim@db/x")
    assert "geheim" not in case.run().stderr


def test_long_outputs_are_shortened_for_people_and_whole_for_programs(case: Case) -> None:
    case.file(
        "big.yaml",
        """
        apiVersion: noetl.io/v1
        kind: Playbook
        name: big
        steps:
          - name: Print
            run:
              - {action: python, code: "return 'x' * 10_000_000", as: text}
        """,
    )
    shown = case.args("run", "big.yaml").run()
    assert shown.stdout.endswith("x ... (10000000 characters)\n")
    assert len(shown.stdout) < 3000
    assert len(case.args("run", "big.yaml", "--json").run().json()["outputs"]["text"]) == 10_000_000


def test_no_durability_leaves_no_event_log(case: Case) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "--quiet", "--durability", "none").exit(0)
    assert [path.name for path in case.folder.iterdir()] == ["greet.yaml"]


@pytest.mark.parametrize(
    ("words", "variables", "log"),
    [
        pytest.param([], {}, ".noetl/runs.db", id="default"),
        pytest.param([], {"NOETL_STORE": "by/environment.db"}, "by/environment.db", id="environment"),
        pytest.param([], {"NOETL_STORE": ""}, ".noetl/runs.db", id="empty environment"),
        pytest.param(["--store", "mine.db"], {"NOETL_STORE": "other.db"}, "mine.db", id="option over environment"),
        pytest.param(["--store", "sqlite:mine.db"], {}, "mine.db", id="URL"),
        pytest.param(["--durability", "relaxed"], {}, ".noetl/runs.db", id="relaxed"),
    ],
)
def test_the_event_log_is_where_it_was_asked_for(
    case: Case, words: list[str], variables: dict[str, str], log: str
) -> None:
    case.file("greet.yaml", GREET).env(**variables).args("run", "greet.yaml", "-q", *words).exit(0)
    logs = [path for path in case.folder.rglob("*.db")]
    assert logs == [case.folder / log]


def test_fifty_thousand_visits_are_one_object(case: Case) -> None:
    ended = case.file("greet.yaml", GREET).args("run", "greet.yaml", "-i", "times=9999", "--json").run()
    assert len(ended.json()["steps"]) == 10_000
    assert normalised(ended.stderr).endswith("CLOCK · hello world\nCLOCK ✓ Done TIME\n")
