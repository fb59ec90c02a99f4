"""Finds the steps or tasks of a playbook by name, before any of them is read, as any may name any other."""

from __future__ import annotations

import msgspec

from noetl.language import literals
from noetl.language.fields import Fields
from noetl.language.nodes import Mapping, Node, Scalar
from noetl.language.report import Report, head


class Named(msgspec.Struct, frozen=True, gc=False):
    """A step or task that has been found, and not yet read."""

    name: Scalar
    node: Mapping


class Definitions(msgspec.Struct, frozen=True):
    """`others` have no name of their own; they are read for the problems in them."""

    by_name: dict[str, Named]
    others: list[Named]


def find_definitions(fields: Fields, key: str, what: str) -> Definitions:
    """The entries of the list `key`, each of which is a `what`."""
    found = Definitions({}, [])
    section = fields.get(key)
    items = None if section is None else literals.sequence(fields.report, section, f"'{key}'")
    for number, item in enumerate(items or [], 1):
        if isinstance(item, Mapping):
            _add(fields.report, found, item, what, number)
        else:
            hint = "write '- name: ...', and its keys under it"
            fields.report.wrong_type(f"an entry of '{key}'", "a mapping", item, hint)
    return found


def _add(report: Report, found: Definitions, item: Mapping, what: str, number: int) -> None:
    name = _name(report, item, what)
    if name is None:
        place = head(item)
        name = Scalar(item.document, place.start, place.end, f"#{number}", None)
        found.others.append(Named(name, item))
    elif name.text in found.by_name:
        first = found.by_name[name.text].name.span
        message = f"{what} '{name.text}' is already defined on line {first.line}"
        report.error("duplicate-name", message, name, "give it another name")
        found.others.append(Named(name, item))
    else:
        found.by_name[name.text] = Named(name, item)


def _name(report: Report, item: Mapping, what: str) -> Scalar | None:
    node: Node | None = item.get("name")
    if node is None:
        report.missing_key(f"a {what}", "name", item)
        return None
    found = literals.name(report, node, f"the name of a {what}")
    return node if found is not None and isinstance(node, Scalar) else None
