"""The live view at a pseudo-terminal: what is on the screen while a run goes on, and what stays."""

from __future__ import annotations

import os
import re
import signal

import pytest
from cli_case import Case
from sample_playbooks import FAILING, GREET, SLEEPING, STUBBORN
from terminals import Terminal

HEAD = "apiVersion: noetl.io/v1\nkind: Playbook\nname: test\n"

SGR = re.compile(r"\x1b\[[0-9;]*m")


def gate(name: str) -> str:
    """A shell command that ends when the test opens the gate."""
    return f"until [ -e {name} ]; do sleep 0.01; done"


def open_gate(case: Case, name: str) -> None:
    (case.folder / name).touch()


FORK = f"""{HEAD}
steps:
  - name: Begin
    parallel: true
    run: [{{action: noop}}]
    rule: [{{case: default, run: [{{step: Fetch}}, {{step: Check}}, {{step: Rest}}]}}]
  - name: Fetch
    run:
      - action: shell
        cmd: ["sh", "-c", "echo getting $0; [ $0 != gamma ] || {gate("fetched")}", "{{{{ item }}}}"]
        loop: {{items: [alpha, beta, gamma, delta]}}
  - name: Check
    run: [{{action: shell, cmd: sh check.sh}}]
  - name: Rest
    run: [{{action: wait, for: 2h}}]
"""


CHECK = f"echo 漢字 and more; {gate('checked')}; echo no luck >&2; exit 3"


def forking(case: Case) -> Case:
    return case.file("fork.yaml", FORK).file("check.sh", CHECK)


def test_what_runs_is_drawn_below_what_has_ended(case: Case) -> None:
    forking(case)
    with Terminal(case, "run", "fork.yaml", columns=120) as terminal:
        terminal.wait_for("getting gamma", "漢字 and more", "waits until")
        shown = re.sub(r"until .*", "until WHEN", terminal.text())
        assert shown == (
            "CLOCK ✓ Begin TIME -> Fetch, Check, Rest\n"
            "* Fetch TIME  2/4  ━━━━━━━━╺━━━━━━━  gamma  getting gamma\n"
            "* Check TIME                         漢字 and more\n"
            "* Rest TIME                         waits until WHEN\n"
        )
        assert not terminal.cursor_shown
        open_gate(case, "fetched")
        terminal.wait_for("✓ Fetch")
        assert "getting" not in terminal.text()
        open_gate(case, "checked")
        assert terminal.end() == 1
        assert terminal.text() == (
            "CLOCK ✓ Begin TIME -> Fetch, Check, Rest\n"
            "CLOCK ✓ Fetch TIME\n"
            "CLOCK ✗ Check TIME: 'sh check.sh' exited with 3: no luck (exit_code)\n"
            "CLOCK - Rest TIME\n"
            "test failed in TIME (4 steps, run ID)\n"
            "  error[exit_code]: 'sh check.sh' exited with 3: no luck (step 'Check', action 'shell')\n"
            "  more: noetl show ID\n"
        )
        assert terminal.cursor_shown


WORKING = f"""{HEAD}
steps:
  - name: Work
    run: [{{action: shell, cmd: "echo begun; {gate("go")}"}}]
    rule: [{{case: default, run: [{{step: Rest}}]}}]
  - name: Rest
    run: [{{action: shell, cmd: "echo still at it; {gate("rested")}"}}]
outputs: {{done: "all of it"}}
"""


def test_a_run_that_completes_ends_in_its_outputs_and_where_to_look_it_up(case: Case) -> None:
    case.file("work.yaml", WORKING)
    with Terminal(case, "run", "work.yaml", "--store", "my runs.db") as terminal:
        terminal.wait_for("* Work TIME  begun")
        open_gate(case, "go")
        terminal.wait_for("* Rest TIME  still at it")
        open_gate(case, "rested")
        assert terminal.end() == 0
        assert terminal.text() == (
            "CLOCK ✓ Work TIME -> Rest\n"
            "CLOCK ✓ Rest TIME\n"
            "test completed in TIME (2 steps, run ID)\n"
            "  done: all of it\n"
            "  more: noetl show ID --store 'my runs.db'\n"
        )


def test_a_run_of_which_nothing_is_kept_cannot_be_looked_up(case: Case) -> None:
    case.file("failing.yaml", FAILING)
    with Terminal(case, "run", "failing.yaml", "--durability", "none") as terminal:
        assert terminal.end() == 1
        assert "more: noetl show" not in terminal.text()


@pytest.mark.parametrize("columns", [6, 12, 30, 60, 79])
def test_lines_fit_a_narrow_terminal(case: Case, columns: int) -> None:
    forking(case)
    with Terminal(case, "run", "fork.yaml", columns=columns) as terminal:
        terminal.wait_until(lambda text: text.count("\n* ") + text.startswith("* ") == 3)
        last = [line for line in terminal.text().splitlines() if line.startswith("* ")][-1]
        # What stands below would be the rest of a line that did not fit.
        assert terminal.text().endswith(f"{last}\n")
        terminal.press(b"\x03")
        assert terminal.end() == 3
        assert "* " not in terminal.text()


def test_a_resized_terminal_keeps_no_remains(case: Case) -> None:
    forking(case)
    with Terminal(case, "run", "fork.yaml", columns=100, lines=30) as terminal:
        terminal.wait_for("getting gamma", "漢字 and more", "waits until")
        for columns, lines in ((34, 30), (120, 30), (60, 4), (100, 12), (50, 20)):
            terminal.resize(columns, lines)
            # Whoever sees this line again, and whole, sees what was drawn for the new size.
            before = len(terminal.written)
            terminal.wait_until(lambda _, before=before: terminal.written[before:].count(b"\x1b[?7h") > 2)
        assert re.sub(r"until .*", "until WHEN", terminal.text()) == (
            "CLOCK ✓ Begin TIME -> Fetch,\n"
            "* Fetch TIME  2/4  gamma  getting gamma\n"
            "* Check TIME       漢字 and more\n"
            "* Rest TIME       waits until WHEN\n"
        )
        terminal.press(b"\x03")
        assert terminal.end() == 3
        assert "*" not in terminal.text()
        assert terminal.cursor_shown


def many(number: int) -> str:
    branches = ", ".join(f"{{step: S{index}}}" for index in range(number))
    steps = "".join(
        f"  - {{name: S{index}, run: [{{action: shell, cmd: '{gate('go')}'}}]}}\n" for index in range(number)
    )
    return f"{HEAD}steps:\n  - {{name: All, parallel: true, rule: [{{case: default, run: [{branches}]}}]}}\n{steps}"


def test_what_has_no_room_is_counted(case: Case) -> None:
    case.file("many.yaml", many(15))
    with Terminal(case, "run", "many.yaml", lines=6) as terminal:
        terminal.wait_for("and 11 more")
        # The last of the five lines has been drawn when the counting one has.
        assert terminal.text().endswith(
            "* S0 TIME  shell\n* S1 TIME  shell\n* S2 TIME  shell\n* S3 TIME  shell\n  and 11 more\n"
        )
        open_gate(case, "go")
        assert terminal.end() == 0
        assert "more\n" not in terminal.text().replace("more: noetl show", "")
        assert sorted(re.findall("✓ (S[0-9]+)", terminal.text())) == sorted(f"S{index}" for index in range(15))


PARALLEL = f"""{HEAD}
tasks:
  - name: build
    run: [{{action: shell, cmd: "echo compiling; {gate("go")}"}}]
steps:
  - name: Both
    parallel: true
    run:
      - {{action: shell, cmd: "echo linted"}}
      - {{task: build}}
      - action: python
        code: |
          import os, time
          progress(0.25, "a quarter")
          while not os.path.exists("go"):
              time.sleep(0.01)
    rule: [{{case: default, run: [{{step: Each}}]}}]
  - name: Each
    run:
      - action: shell
        cmd: ["sh", "-c", "{gate("gone")}"]
        loop: {{items: "{{{{ range(12) | list }}}}", parallel: 10}}
"""


def test_parallel_items_are_shown_below_their_step(case: Case) -> None:
    case.file("parallel.yaml", PARALLEL)
    with Terminal(case, "run", "parallel.yaml") as terminal:
        terminal.wait_for("1/3", "compiling", "a quarter")
        assert terminal.text() == (
            "* Both TIME  1/3  ━━━━━╺━━━━━━━━━━\n"
            "    2 build TIME                         compiling\n"
            "    3 python TIME  25%  ━━━━╺━━━━━━━━━━━  a quarter\n"
        )
        open_gate(case, "go")
        terminal.wait_for("0/12", "and 3 more")
        items = "".join(f"    {number} TIME                          shell\n" for number in range(1, 8))
        assert terminal.text().endswith(f"* Each TIME  0/12  ━━━━━━━━━━━━━━━━  shell\n{items}    and 3 more\n")
        open_gate(case, "gone")
        assert terminal.end() == 0


RETRIED = f"""{HEAD}
steps:
  - name: Flaky
    run:
      - action: shell
        cmd: "[ -e once ] && {{ echo again; {gate("go")}; exit 0; }}; touch once; exit 1"
        retry: {{attempts: 3, delay: 400ms, on: [permanent]}}
"""


def test_a_retry_shows_its_attempt_and_when_it_comes(case: Case) -> None:
    case.file("retried.yaml", RETRIED)
    with Terminal(case, "run", "retried.yaml") as terminal:
        terminal.wait_for("* Flaky TIME  attempt 2/3  is tried again in TIME")
        terminal.wait_for("* Flaky TIME  attempt 2/3  again")
        open_gate(case, "go")
        assert terminal.end() == 0


WAITS = f"""{HEAD}
steps:
  - name: Ask
    run: [{{action: wait, event: "approved", timeout: 3h}}]
"""


def test_a_wait_shows_what_it_waits_for_and_until_when(case: Case) -> None:
    case.file("waits.yaml", WAITS)
    with Terminal(case, "run", "waits.yaml") as terminal:
        terminal.wait_for("left)")
        line = re.sub(r"\d\d:\d\d:\d\d", "CLOCK", terminal.text())
        assert (
            re.sub(r"\dh\d\dm", "TIME", line) == "* Ask TIME  waits for the event 'approved' until CLOCK (TIME left)\n"
        )
        terminal.press(b"\x03")
        assert terminal.end() == 3


def test_verbose_shows_what_scripts_print_above_what_runs(case: Case) -> None:
    case.file("work.yaml", WORKING)
    with Terminal(case, "run", "work.yaml", "-v") as terminal:
        terminal.wait_for("· Work | begun\n* Work TIME  begun\n")
        open_gate(case, "go")
        open_gate(case, "rested")
        assert terminal.end() == 0
        assert "CLOCK · Work | begun\nCLOCK ✓ Work TIME -> Rest\n" in terminal.text()


def test_a_called_playbook_stands_below_its_step_behind_its_name(case: Case) -> None:
    case.file("work.yaml", WORKING.replace("name: test", "name: inner"))
    case.file("calling.yaml", f"{HEAD}steps:\n  - {{name: Call, run: [{{action: playbook, path: work.yaml}}]}}\n")
    with Terminal(case, "run", "calling.yaml") as terminal:
        terminal.wait_for("* Call TIME  playbook\n* inner/Work TIME  begun\n")
        open_gate(case, "go")
        open_gate(case, "rested")
        assert terminal.end() == 0


def test_the_first_ctrl_c_says_that_it_cancels_and_the_view_goes_on(case: Case) -> None:
    case.file("nap.yaml", STUBBORN)
    with Terminal(case, "run", "nap.yaml") as terminal:
        terminal.wait_for("* Nap TIME  shell")
        terminal.press(b"\x03")
        terminal.wait_for("cancelling (press Ctrl-C again to stop at once)\n* Nap TIME  cancelling  shell\n")
        terminal.press(b"\x03")
        assert terminal.end() == 3
        assert terminal.text() == "cancelling (press Ctrl-C again to stop at once)\n"
        assert terminal.cursor_shown


def test_a_cancelled_run_leaves_a_clean_terminal(case: Case) -> None:
    case.file("nap.yaml", SLEEPING)
    with Terminal(case, "run", "nap.yaml") as terminal:
        terminal.wait_for("* Nap TIME  shell")
        terminal.press(b"\x03")
        assert terminal.end() == 3
        assert terminal.text() == (
            "cancelling (press Ctrl-C again to stop at once)\n"
            "CLOCK - Nap TIME\n"
            "sleeping cancelled in TIME (1 step, run ID)\n"
            "  cancelled: interrupted by Ctrl-C\n"
            "  more: noetl show ID\n"
        )
        assert terminal.cursor_shown


def test_ctrl_z_leaves_a_clean_terminal_until_the_run_goes_on(case: Case) -> None:
    case.file("work.yaml", WORKING)
    with Terminal(case, "run", "work.yaml") as terminal:
        terminal.wait_for("* Work TIME  begun")
        terminal.press(b"\x1a")
        assert os.WIFSTOPPED(os.waitpid(terminal.process.pid, os.WUNTRACED)[1])
        terminal.wait_until(lambda text: "Work" not in text)
        assert terminal.cursor_shown
        terminal.process.send_signal(signal.SIGCONT)
        terminal.wait_for("* Work TIME  begun")
        open_gate(case, "go")
        open_gate(case, "rested")
        assert terminal.end() == 0


def test_without_colours_the_view_is_drawn_all_the_same(case: Case) -> None:
    forking(case).env(NO_COLOR="1")
    with Terminal(case, "run", "fork.yaml") as terminal:
        terminal.wait_for("2/4  ━━━━━━━━")
        terminal.press(b"\x03")
        assert terminal.end() == 3
        assert not SGR.search(terminal.written.decode())


def test_without_unicode_the_view_is_drawn_all_the_same(case: Case) -> None:
    forking(case).env(PYTHONIOENCODING="ascii")
    with Terminal(case, "run", "fork.yaml", columns=50) as terminal:
        terminal.wait_for("* Fetch TIME  2/4  gamma  getting gamma")
        assert terminal.written.isascii()
        terminal.press(b"\x03")
        assert terminal.end() == 3


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_go_back_gets_lines(case: Case, term: str) -> None:
    case.file("work.yaml", WORKING).env(TERM=term, NO_COLOR="1")
    open_gate(case, "rested")
    with Terminal(case, "run", "work.yaml") as terminal:
        # No line tells that a step has started, so there is nothing to wait for.
        open_gate(case, "go")
        assert terminal.end() == 0
        assert b"\x1b" not in terminal.written


@pytest.mark.parametrize("words", [["-q"], ["--json"]])
def test_nothing_is_drawn_where_it_was_not_asked_for(case: Case, words: list[str]) -> None:
    case.file("nap.yaml", SLEEPING)
    with Terminal(case, "run", "nap.yaml", *words) as terminal:
        while not (case.folder / "pid").exists():
            assert terminal.process.poll() is None
        terminal.press(b"\x03")
        assert terminal.end() == 3
        assert b"\x1b[?25l" not in terminal.written


def test_a_short_run_at_a_terminal_does_not_load_what_draws(case: Case) -> None:
    case.file("greet.yaml", GREET).env(PYTHONPROFILEIMPORTTIME="1")
    with Terminal(case, "run", "greet.yaml") as terminal:
        assert terminal.end() == 0
    lines = terminal.written.decode().replace("\r", "").splitlines()
    loaded = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    assert "noetl.cli.live.view" in loaded
    assert not {"rich", "noetl.cli.live.drawing"} & loaded
