"""`noetl doctor`: whether what noetl needs is installed, and what a playbook needs is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from noetl.cli.command import Command, Example, Options, argument, flag, option
from noetl.cli.event_log import STORE_HELP, store_url

if TYPE_CHECKING:
    from noetl.cli.console import Console, Output
    from noetl.runtime.doctor import Finding

_MISSING = 1


class DoctorOptions(Options):
    file: str = argument("[FILE]", default="", help="A playbook whose needs are looked at too; '-' is standard input.")
    json: bool = flag("--json", help="Print one JSON object.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: DoctorOptions, console: Console) -> int:
    from noetl.cli.text import count
    from noetl.runtime.doctor import State, examine_event_log, examine_installation

    sections = {
        "Installation": [*examine_installation(), _terminal(console)],
        "Event log": [examine_event_log(store_url(options.store))],
    }
    if options.file:
        sections[options.file] = _needs(options.file)
    missing = sum(finding.state is State.MISSING for findings in sections.values() for finding in findings)
    if options.json:
        rows = [_data(section, finding) for section, findings in sections.items() for finding in findings]
        console.out.json({"status": "missing" if missing else "complete", "findings": rows})
    else:
        for section, findings in sections.items():
            _write(section, findings, console.out)
        console.out.line(f"{count(missing, 'thing')} missing" if missing else "nothing is missing")
    return _MISSING if missing else 0


def _needs(file: str) -> list[Finding]:
    from pathlib import Path

    from noetl.actions.registry import Registry, Shapes
    from noetl.cli.playbooks import source_of, valid_playbook
    from noetl.runtime.doctor import examine_needs

    registry = Registry()
    playbook, _ = valid_playbook(source_of(file), Shapes(registry))
    path, here = Path(file), Path.cwd()
    return examine_needs(playbook, registry, path.parent.absolute() if path.is_file() else here, here)


def _terminal(console: Console) -> Finding:
    from shutil import get_terminal_size

    from noetl.runtime.doctor import Finding, State

    out = console.out
    if not out.terminal:
        return Finding("terminal", "none", State.ABSENT, "output goes elsewhere: one line for each step, no colours")
    known = ["colours" if out.colours else "no colours", "all characters" if out.unicode else "ASCII only"]
    return Finding("terminal", f"{get_terminal_size().columns} columns", State.FOUND, ", ".join(known))


def _data(section: str, finding: Finding) -> dict[str, Any]:
    span = finding.span
    return {
        "section": section,
        "kind": finding.kind,
        "name": finding.name,
        "state": str(finding.state),
        "remark": finding.remark,
        "hint": finding.hint,
        "file": None if span is None else span.source.name,
        "line": None if span is None else span.line,
        "column": None if span is None else span.column,
    }


def _write(section: str, findings: list[Finding], output: Output) -> None:
    from noetl.cli.text import harmless

    output.write(f"{output.paint(harmless(section), 'bold')}\n")
    for finding in findings:
        output.write(f"  {_mark(finding, output)} {harmless(_sentence(finding))}\n")


def _mark(finding: Finding, output: Output) -> str:
    character, plain, style = {
        "found": ("✓", "+", "good"),
        "missing": ("✗", "x", "bad"),
        "absent": ("·", "-", "dim"),
        "doubtful": ("!", "!", "warning"),
    }[finding.state]
    return output.paint(output.symbol(character, plain), style)


def _sentence(finding: Finding) -> str:
    text = f"{finding.kind} {finding.name}" + (f": {finding.remark}" if finding.remark else "")
    place = "" if finding.span is None or finding.state == "found" else str(finding.span)
    about = "; ".join(part for part in (finding.hint, place) if part and part != finding.name)
    return f"{text} ({about})" if about else text


COMMAND = Command(
    name="doctor",
    summary="See what is installed, and what a playbook lacks.",
    details="Looks at programs, files, modules, secrets and variables, and points at actions without a timeout; runs "
    "nothing and asks no network. Exit code: 0, or 1 when something is missing, 2 when the playbook is invalid.",
    examples=(
        Example(line="noetl doctor", purpose="the installation and the event log"),
        Example(line="noetl doctor orders.yaml", purpose="and what this playbook needs"),
        Example(line="noetl doctor orders.yaml --json", purpose="for programs"),
    ),
    options=DoctorOptions,
    carry_out=carry_out,
)
