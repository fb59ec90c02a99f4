"""The shapes of the actions that are the language's own: `set`, `log`, `wait`, `fail`, `stop` and `noop`."""

from __future__ import annotations

from typing import Any

from noetl.errors import ErrorKind
from noetl.language import literals
from noetl.language.fields import Fields
from noetl.language.nodes import Mapping
from noetl.language.report import head
from noetl.language.schema import ActionShape

_WAITS = ("for", "until", "event")

Schema = dict[str, Any]


def _shape(description: str, properties: dict[str, Schema], *required: str) -> ActionShape:
    schema = {
        "description": description,
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return ActionShape(schema=schema, required=frozenset(required))


def _key(description: str, **schema: Any) -> Schema:
    return {"description": description, **schema}


INLINE: dict[str, ActionShape] = {
    "set": _shape(
        "Assign variables. All values are computed before the first is assigned.",
        {"values": _key("The variables by name, each with its new value.", type="object")},
        "values",
    ),
    "log": _shape(
        "Write a line to the log of the run.",
        {
            "message": _key("What is written."),
            "level": _key(
                "How important it is; `debug` shows with `noetl run --verbose` only.",
                enum=["debug", "info", "warning", "error"],
                default="info",
            ),
            "fields": _key("Data that is shown beside the message, by name.", type="object", default={}),
        },
        "message",
    ),
    "wait": _shape(
        "Wait for a duration, a time or an event. Exactly one of the three is given.",
        {
            "for": _key("How long to wait: `10s`, `1h30m`, or seconds.", type=["string", "number"], format="duration"),
            "until": _key(
                "The time to wait for, as ISO 8601 (UTC where it names no zone) or seconds since 1970.", type="string"
            ),
            "event": _key(
                "The name of the signal to wait for; its payload is the data. `timeout` bounds the wait.", type="string"
            ),
        },
    ),
    "fail": _shape(
        "Fail on purpose.",
        {
            "message": _key("The message of the error; `failed` by default.", type="string"),
            "code": _key("The code of the error.", type="string", default="failed"),
            "kind": _key("The kind of the error.", enum=[str(kind) for kind in ErrorKind], default="permanent"),
        },
    ),
    "stop": _shape(
        "End the whole run as completed: other branches are cancelled, outputs are rendered.",
        {"message": _key("Why the run ends here; kept in the event that ends it.", type="string")},
    ),
    "noop": _shape("Do nothing.", {}),
}


def check_inline(action: str | None, fields: Fields) -> None:
    """What the shapes cannot say: the names that `set` assigns, and the one thing that `wait` waits for."""
    if action == "set":
        _check_set(fields)
    elif action == "wait":
        _check_wait(fields)


def _check_set(fields: Fields) -> None:
    values = fields.get("values")
    if isinstance(values, Mapping):
        for name, (key, _) in values.entries.items():
            literals.identifier(fields.report, name, key, "the name of a variable")


def _check_wait(fields: Fields) -> None:
    given = [key for key in _WAITS if fields.get(key) is not None]
    if not given:
        message = f"{fields.owner} needs one of the keys {literals.listed(_WAITS)}"
        fields.report.error("missing-key", message, head(fields.node))
    for key in given[1:]:
        fields.report.error("bad-value", f"{fields.owner} takes only one of {literals.listed(_WAITS)}", fields.key(key))
