"""`noetl schema`: the JSON Schema of playbooks, or of an action's keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from noetl.cli.command import Command, Example, Options, argument, flag

if TYPE_CHECKING:
    from noetl.cli.console import Console


def _names(begin: str, store: str | None) -> Iterator[tuple[str, str]]:
    from noetl.actions.registry import Registry
    from noetl.cli.schemas import known_names

    return ((name, "") for name in known_names(Registry()) if name.startswith(begin))


class SchemaOptions(Options):
    name: str = argument(
        "[NAME]",
        default="playbook",
        complete=_names,
        help="An action, or 'playbook' (default); the action of that name is 'actions/playbook'.",
    )
    write: bool = flag(
        "--write", hidden=True, help="Write the schemas of all built-in actions to 'grammar/actions/' of a checkout."
    )


def carry_out(options: SchemaOptions, console: Console) -> int:
    from noetl.actions.registry import Registry
    from noetl.cli.misuse import Misuse
    from noetl.cli.schemas import find_schema, known_names, shipped_schemas, written
    from noetl.spelling import did_you_mean

    if options.write:
        for path, content in shipped_schemas().items():
            path.write_text(content, encoding="utf-8")
            console.out.line(str(path))
        return 0
    registry = Registry()
    schema = find_schema(options.name, registry)
    if schema is None:
        names = known_names(registry)
        hint = did_you_mean(options.name, names) or f"there is one for {', '.join(names)}"
        raise Misuse(f"there is no schema '{options.name}'", hint)
    console.out.write(written(schema))
    return 0


COMMAND = Command(
    name="schema",
    summary="Print the JSON Schema of playbooks, or of an action's keys.",
    examples=(
        Example(line="noetl schema > playbook.schema.json", purpose="for an editor"),
        Example(line="noetl schema shell", purpose="the keys of the 'shell' action"),
    ),
    options=SchemaOptions,
    carry_out=carry_out,
)
