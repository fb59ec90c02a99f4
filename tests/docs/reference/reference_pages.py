"""The pages of the reference, each with what makes it."""

from __future__ import annotations

from pathlib import Path

import action_reference
import code_reference
import command_reference
import expression_reference
import key_reference
import picture

FOLDER = Path(__file__).parents[3] / "docs" / "reference"

_NOTE = "<!-- Made by `just reference` from the schemas, declarations and tables of the code. -->\n\n"

MAKERS = {
    "playbook-keys.md": key_reference.page,
    "actions.md": action_reference.page,
    "expressions.md": expression_reference.page,
    "errors.md": code_reference.page,
    "commands.md": command_reference.page,
    "quickstart.svg": picture.picture,
}


def page(name: str) -> str:
    """What a page has to hold."""
    text = MAKERS[name]()
    return _NOTE + text if name.endswith(".md") else text
