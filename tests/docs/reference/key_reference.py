"""The page of the keys of playbooks, from their JSON Schema."""

from __future__ import annotations

from markdown_text import sentence
from schema_words import Schema, key_table

from noetl.actions.registry import Registry
from noetl.cli.schemas import playbook_schema

_INTRODUCTION = """\
# Playbooks: every key

What the keys mean together stands on the page of the [language](../language.md). Where a key takes a value, a template that
gives one is nearly always as good.
"""

#: A section for each definition of the schema that has keys of its own.
_SECTIONS = {
    "input": "Input",
    "step": "Step",
    "case": "Case",
    "task": "Task",
    "action_call": "Action",
    "task_call": "Task call",
    "move": "Move",
    "loop": "Loop",
    "retry_options": "Retry",
    "limit": "Limit",
}

#: The definitions that are told in a word; an empty one where it goes without saying.
_NAMED = {
    "arguments": "mapping",
    "case": "[case](#case)",
    "condition": "condition",
    "duration": "duration",
    "holds_template": "",
    "input": "[input](#input)",
    "limit": "[limit](#limit)",
    "loop": "[loop](#loop)",
    "name": "name",
    "on_error": "`fail` or `continue`",
    "parallel": "true or false or number",
    "retry": "number or [retry](#retry)",
    "retry_options": "[retry](#retry)",
    "spare_task": "name of a task or [task call](#task-call)",
    "step": "[step](#step)",
    "store": "name or mapping",
    "task": "[task](#task)",
    "task_call": "[task call](#task-call)",
    "template": "",
    "timeout": "duration",
    "value": "any value",
    "variable": "name",
    "work": "list of work",
    "case_run": "list of [moves](#move) or list of work",
}


def page() -> str:
    schema = playbook_schema(Registry())
    definitions = schema["$defs"]
    parts = [_INTRODUCTION, "## Playbook\n", key_table(schema, definitions, _NAMED)]
    for name, heading in _SECTIONS.items():
        section = _with_keys(definitions[name])
        without = {"action"} if name == "action_call" else set()
        parts += [f"## {heading}\n", sentence(definitions[name]["description"]) + "\n"]
        parts.append(key_table(section, definitions, _NAMED, without))
    return "\n".join(parts)


def _with_keys(schema: Schema) -> Schema:
    """The definition itself, or the one of its alternatives that has keys."""
    return schema if "properties" in schema else next(part for part in schema["anyOf"] if "properties" in part)
