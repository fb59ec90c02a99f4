"""Playbooks to begin with: commented, without problems, and ready to run. Knows nothing of what reads them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

#: Each starter and what it is for, the simplest first.
STARTERS = {
    "minimal": "steps, rules, inputs and outputs",
    "etl": "rows into Postgres, checked there, and out as a file",
    "api": "the pages of an HTTP API, with retries, and a message to a hook",
    "ci": "lint and test at once, build, deploy from the main branch",
}

#: The file by whose schema editors complete and check a starter, in the same folder.
SCHEMA_FILE = "playbook.schema.json"

#: What the starters call their file and themselves.
_FILE, _NAME = "playbook.yaml", "playbook"

_NO_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
#: Words that are no texts in YAML.
_WORDS = ("null", "true", "false")


def starter(which: str, file: str = _FILE) -> str:
    """The text of one of STARTERS, as the playbook of this file."""
    text = Path(__file__).with_name(f"{which}.yaml").read_text(encoding="utf-8")
    # No name of a file can end the comment that it stands in.
    shown = shlex.quote("".join(character if character.isprintable() else "?" for character in file))
    return text.replace(f" {_FILE}", f" {shown}").replace(f"\nname: {_NAME}\n", f"\nname: {_name_from(file)}\n", 1)


def _name_from(file: str) -> str:
    """A playbook's name that is like its file's."""
    name = _NO_NAME.sub("_", Path(file).stem).strip("_")
    if name.lower() in _WORDS or not name[:1].isalpha():
        return f"_{name}" if name else _NAME
    return name
