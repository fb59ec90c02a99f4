"""`noetl new`: writes a commented playbook to begin with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from noetl.cli.command import Command, Example, Options, argument, flag, option
from noetl.cli.misuse import Misuse
from noetl.starters import SCHEMA_FILE, STARTERS, starter

if TYPE_CHECKING:
    from noetl.cli.console import Console

_DASH = "-"
_ENDINGS = (".yaml", ".yml")


class NewOptions(Options):
    file: str = argument(
        "[FILE]",
        default="playbook.yaml",
        help="The file to write (default: playbook.yaml), or '-' for standard output.",
    )
    template: str = option(
        "-t",
        "--template",
        metavar="NAME",
        default="minimal",
        choices=tuple(STARTERS),
        help="; ".join(f"'{name}': {purpose}" for name, purpose in STARTERS.items()) + ". (default: minimal)",
    )
    schema: bool = flag("--schema", help=f"Also write '{SCHEMA_FILE}' beside it, by which editors complete and check.")
    force: bool = flag("--force", help="Write over a file that is there already.")


def carry_out(options: NewOptions, console: Console) -> int:
    if options.file == _DASH:
        if options.schema:
            raise Misuse("'--schema' writes beside a file, so it does not go with '-'")
        console.out.write(starter(options.template))
        return 0
    file = _file(options.file)
    _write(file, starter(options.template, str(file)), force=options.force)
    schema = file.with_name(SCHEMA_FILE)
    if options.schema:
        _write(schema, _schema(), force=True)
    _tell(file, schema, STARTERS[options.template], console)
    return 0


def _file(given: str) -> Path:
    file = Path(given)
    if file.is_dir():
        raise Misuse(f"'{given}' is a folder", f"did you mean '{file / 'playbook.yaml'}'?")
    if not file.suffix:
        return file.with_name(f"{file.name}.yaml")
    if file.suffix.lower() not in _ENDINGS:
        raise Misuse(
            f"a playbook's file ends with '.yaml', got '{given}'", f"did you mean '{file.with_suffix('.yaml')}'?"
        )
    return file


def _write(file: Path, text: str, *, force: bool) -> None:
    if not force and os.path.lexists(file):
        raise Misuse(f"'{file}' is there already", "'--force' writes over it")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Whoever makes the file in this very moment keeps it.
        with file.open("w" if force else "x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Misuse(f"'{file}' cannot be written: {reason[:1].lower()}{reason[1:]}") from error


def _schema() -> str:
    from noetl.actions.registry import Registry
    from noetl.cli.schemas import playbook_schema, written

    return written(playbook_schema(Registry()))


def _tell(file: Path, schema: Path, purpose: str, console: Console) -> None:
    from shlex import quote

    from noetl.cli.text import harmless

    shown = quote(harmless(str(file)))
    lines = [f"{shown} is written: {purpose}", f"  noetl run {shown}", f"  noetl validate {shown}"]
    if not schema.exists():
        lines.append(f"  noetl schema > {quote(harmless(str(schema)))}   # for editors to complete and check it")
    console.out.write("".join(f"{line}\n" for line in lines))


COMMAND = Command(
    name="new",
    summary="Write a commented playbook to begin with.",
    details="A file that is there already is left alone, unless with '--force'.",
    examples=(
        Example(line="noetl new", purpose="playbook.yaml, of steps and rules"),
        Example(line="noetl new jobs/orders.yaml --template etl", purpose="one for rows and files"),
        Example(line="noetl new - --template ci", purpose="only look at it"),
    ),
    options=NewOptions,
    carry_out=carry_out,
)
