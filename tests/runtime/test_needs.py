"""What a playbook needs of the machine: found before it runs, each need once and at its worst."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from noetl.actions.registry import Registry, Shapes
from noetl.language import load
from noetl.runtime.doctor import Finding, State, examine_needs

FOUND, MISSING, ABSENT, DOUBTFUL = State.FOUND, State.MISSING, State.ABSENT, State.DOUBTFUL

HEAD = "apiVersion: noetl.io/v1\nkind: Playbook\nname: needy\ntimeout: 1h\n"


def needs(folder: Path, text: str, name: str = "needy.yaml") -> list[Finding]:
    """The needs of a playbook whose header, and around actions whose step, are left out."""
    if text.lstrip().startswith("- "):
        text = "steps:\n  - name: Work\n    run:\n" + indent(text.strip("\n"), "      ")
    file = folder / name
    file.write_text(HEAD + text)
    registry = Registry()
    return examine_needs(load(file, Shapes(registry)), registry, folder, folder)


def states(findings: list[Finding], *kinds: str) -> dict[str, State]:
    return {finding.name: finding.state for finding in findings if finding.kind in kinds}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("A_TOKEN", "A_NAME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_programs_are_looked_for_in_path(here: Path) -> None:
    found = needs(
        here,
        """
- {action: shell, cmd: [sort, x]}
- {action: shell, cmd: [nonsuch-list]}
- {action: shell, cmd: "cat x | nonsuch-text {{ result.data }} | wc"}
- {action: shell, cmd: "nonsuch-text again"}
- {action: shell, cmd: ["{{ result.data }}", x]}
""",
    )
    assert states(found, "program") == {
        "sort": FOUND,
        "nonsuch-list": MISSING,
        "cat": FOUND,
        "nonsuch-text": MISSING,
        "wc": FOUND,
    }


def test_the_path_of_the_action_counts(here: Path) -> None:
    (here / "tool").write_text("#!/bin/sh\n")
    (here / "tool").chmod(0o755)
    text = f"- {{action: shell, cmd: [tool], env: {{PATH: {here}}}}}\n- {{action: shell, cmd: [sort], env: {{PATH: {here}}}}}"
    assert states(needs(here, text), "program") == {"tool": FOUND, "sort": MISSING}


def test_a_program_by_its_path_may_still_be_made(here: Path) -> None:
    (here / "sub").mkdir()
    for name, mode in (("run.sh", 0o755), ("text.sh", 0o644)):
        (here / "sub" / name).write_text("#!/bin/sh\n")
        (here / "sub" / name).chmod(mode)
    found = needs(
        here,
        """
- {action: shell, cmd: [./run.sh], cwd: sub}
- {action: shell, cmd: [./text.sh], cwd: sub}
- {action: shell, cmd: [out/built]}
- {action: shell, cmd: [/nowhere/tool]}
""",
    )
    assert states(found, "program") == {
        "./run.sh": FOUND,
        "./text.sh": MISSING,
        "out/built": DOUBTFUL,
        "/nowhere/tool": MISSING,
    }


def test_what_is_known_before_a_run_is_rendered(here: Path) -> None:
    found = needs(
        here,
        """
inputs: {tool: {type: string, default: nonsuch-default}, other: {type: string, required: true}}
environment: {prefix: nonsuch}
context: {changing: sort}
steps:
  - name: Work
    run:
      - {action: shell, cmd: ["{{ tool }}"]}
      - {action: shell, cmd: "{{ prefix }}-built {{ other }} | {{ other }} x"}
      - {action: shell, cmd: ["{{ changing }}"]}
      - {action: set, values: {changing: other}}
      - {action: shell, cmd: ["{{ item }}"], loop: {items: [a, b]}}
""",
    )
    assert states(found, "program") == {"nonsuch-default": MISSING, "nonsuch-built": MISSING}
    assert states(found, "input") == {"other": ABSENT}


def test_all_work_is_looked_at_even_where_a_run_may_not_come_to_it(here: Path) -> None:
    found = needs(
        here,
        """
tasks:
  - {name: spare, args: {n: 1}, run: [{action: shell, cmd: "nonsuch-spare {{ n }}"}]}
steps:
  - name: Work
    run: [{action: shell, cmd: [sort], when: false, fallback: {task: spare}}]
    rule: [{case: "{{ 1 > 2 }}", run: [{action: shell, cmd: [nonsuch-case]}]}]
""",
    )
    assert states(found, "program") == {"sort": FOUND, "nonsuch-spare": MISSING, "nonsuch-case": MISSING}


def test_secrets_are_looked_for_and_never_told(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_NAME", "hunter2hunter2")
    (here / "key").write_text("0123456789")
    found = needs(
        here,
        """
secrets: {a: env:A_NAME, b: env:A_TOKEN, c: file:key, d: file:nokey, e: nonsuch:x}
steps: [{name: Work, run: [{action: noop}]}]
""",
    )
    assert states(found, "secret") == {"a": FOUND, "b": MISSING, "c": FOUND, "d": MISSING, "e": MISSING}
    assert "hunter2" not in repr(found)
    assert "0123" not in repr(found)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        pytest.param('- {action: shell, cmd: [echo, "{{ env.A_NAME }}"]}', MISSING, id="needed"),
        pytest.param("- {action: shell, cmd: [echo, \"{{ env.A_NAME | default('x') }}\"]}", ABSENT, id="default"),
        pytest.param("- {action: shell, cmd: [echo, \"{{ result.data }}{{ env['A_NAME'] }}\"]}", MISSING, id="beside"),
        pytest.param(
            "- {action: shell, loop: {items: [1]}, cmd: [echo, \"{{ item }}{{ env.A_NAME | default('x') }}\"]}",
            ABSENT,
            id="in a loop",
        ),
        pytest.param(
            'environment: {x: "{{ env.A_NAME }}"}\nsteps: [{name: W, run: [{action: noop}]}]', MISSING, id="environment"
        ),
        pytest.param(
            "context: {x: \"{{ env.get('A_NAME') is none }}\"}\nsteps: [{name: W, run: [{action: noop}]}]",
            None,
            id="asked for in a way that nobody can follow",
        ),
    ],
)
def test_a_variable_of_the_process_is_missing_where_nothing_stands_for_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, text: str, state: State | None
) -> None:
    expected = {} if state is None else {"A_NAME": state}
    assert states(needs(here, text), "variable") == expected
    monkeypatch.setenv("A_NAME", "value")
    assert states(needs(here, text), "variable") == dict.fromkeys(expected, FOUND)


def test_modules_of_python_are_looked_for_without_importing_them(here: Path) -> None:
    (here / "beside.py").write_text("raise SystemExit('was imported')\n")
    (here / "job.py").write_text("import beside, nonsuch_in_file\n")
    found = needs(
        here,
        """
- action: python
  code: |
    import json, nonsuch_code.part
    from beside import x
    try:
        import nonsuch_tried
    except ImportError:
        pass
    return 1
- {action: python, function: "beside:f"}
- {action: python, function: "nonsuch_module.deep:f"}
- {action: python, file: job.py}
- {action: python, file: gone.py}
""",
    )
    assert states(found, "module", "file") == {
        "json": FOUND,
        "nonsuch_code": MISSING,
        "beside": FOUND,
        "nonsuch_module": MISSING,
        "job.py": FOUND,
        "nonsuch_in_file": MISSING,
        "gone.py": MISSING,
    }


def test_files_and_connections_are_named(here: Path) -> None:
    (here / "tables.sql").write_text("SELECT 1")
    found = needs(
        here,
        """
inputs: {day: {type: string, required: true}}
steps:
  - name: Work
    run:
      - {action: postgres, connection: embedded, script: tables.sql}
      - {action: postgres, connection: "postgresql://me:pass@db.example:5433/shop", copy_from: {file: a.csv, table: a}}
      - {action: postgres, connection: "postgresql://{{ day }}", copy_to: {file: out.csv, table: a}}
      - {action: http, url: "https://me:pass@api.example/{{ day }}?key=1", save_to: "{{ day }}"}
""",
    )
    assert states(found, "file") == {"tables.sql": FOUND, "a.csv": DOUBTFUL}
    assert states(found, "connection") == {"embedded": FOUND, "db.example:5433/shop": ABSENT, "api.example": ABSENT}
    assert "pass@" not in repr(found)


def test_the_playbooks_that_are_called_have_needs_too(here: Path) -> None:
    child = HEAD + (
        "inputs: {size: {type: integer, required: true}}\n"
        "secrets: {token: env:A_TOKEN, name: env:A_NAME}\n"
        "steps:\n"
        "  - name: Work\n"
        "    run: [{action: shell, cmd: [nonsuch-child]}, {action: playbook, path: needy.yaml}]\n"
    )
    (here / "sub").mkdir()
    (here / "sub" / "child.yaml").write_text(child.replace("needy.yaml", "../needy.yaml"))
    (here / "broken.yaml").write_text("kind: Playbook\n")
    found = needs(
        here,
        """
secrets: {mine: env:HOME}
steps:
  - name: Work
    run:
      - {action: playbook, path: sub/child.yaml, inputs: {size: 1}, secrets: {token: "{{ secrets.mine }}"}}
      - {action: playbook, name: broken}
      - {action: playbook, name: gone}
      - {action: playbook, path: "{{ result.data }}"}
""",
    )
    assert states(found, "program", "input") == {"nonsuch-child": MISSING}
    assert states(found, "secret") == {"mine": FOUND, "name": MISSING}
    assert states(found, "playbook") == {
        "sub/child.yaml": FOUND,
        "broken": FOUND,
        "broken.yaml": MISSING,
        "gone": MISSING,
        "../needy.yaml": FOUND,
    }
    (program,) = (finding for finding in found if finding.kind == "program")
    assert str(program.span) == "sub/child.yaml:9:20"


def test_actions_without_a_timeout_are_pointed_at(here: Path) -> None:
    (here / "loose.yaml").write_text(
        HEAD.replace("timeout: 1h\n", "")
        + "steps: [{name: A, run: [{action: shell, cmd: [sort]}, {action: shell, cmd: [sort], timeout: 1s}]}]\n"
    )
    registry = Registry()
    found = examine_needs(load(here / "loose.yaml", Shapes(registry)), registry, here, here)
    (finding,) = (finding for finding in found if finding.kind == "timeout")
    assert finding.state is DOUBTFUL
    assert finding.span is not None
    assert (finding.span.line, finding.span.column) == (4, 34)


def test_a_handler_of_somebodys_own_is_asked_what_it_touches(here: Path) -> None:
    from collections.abc import Iterator, Mapping
    from typing import ClassVar

    import msgspec

    from noetl.actions.base import Call, Outcome
    from noetl.actions.touch import Touch, file_read

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        path: str

    class Handler:
        name: ClassVar[str] = "own"
        options: ClassVar[type[msgspec.Struct]] = Options
        program_text: ClassVar[frozenset[str]] = frozenset()
        runtimes: ClassVar[tuple[str, ...]] = ("in-process",)

        def touches(self, options: Mapping[str, Any], folder: Path) -> Iterator[Touch]:
            yield file_read(options["path"])

        async def run(self, options: Options, call: Call) -> Outcome:
            return Outcome()

    (here / "own.yaml").write_text(HEAD + "steps: [{name: A, run: [{action: own, path: gone.txt}]}]\n")
    registry = Registry([Handler()])
    found = examine_needs(load(here / "own.yaml", Shapes(registry)), registry, here, here)
    assert states(found, "action", "file") == {"own": FOUND, "gone.txt": DOUBTFUL}
