"""The `secrets` section: names, and where their values are read from. Reads none of them."""

from __future__ import annotations

import re

from noetl.language import literals
from noetl.language.fields import Fields
from noetl.model.playbook import Secret

_SOURCE = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*):(?P<reference>.+)", re.DOTALL)
_HINT = "write 'env:NAME' for a process variable, or 'file:PATH'"


def read_secrets(fields: Fields) -> dict[str, Secret]:
    """The secrets by name."""
    section = fields.mapping("secrets")
    secrets: dict[str, Secret] = {}
    for name, (key, node) in {} if section is None else section.entries.items():
        text = literals.text(fields.report, node, f"secret '{name}'", "a source such as 'env:NAME'")
        if not literals.identifier(fields.report, name, key, "the name of a secret") or text is None:
            continue
        source = _SOURCE.fullmatch(text)
        if source is None:
            # The text may be the secret itself, so it is not repeated.
            fields.report.error("bad-value", f"secret '{name}' must say where it is read from", node, _HINT)
        else:
            secrets[name] = Secret(name=name, scheme=source["scheme"], reference=source["reference"], span=key.span)
    return secrets
