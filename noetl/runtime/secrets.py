"""Secrets: read from their sources when a run starts, and kept out of everything that leaves the engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from noetl.errors import PlaybookError, Problem
from noetl.model.playbook import Playbook, Secret

#: A shorter secret cannot be masked without masking half of what is printed.
SHORTEST = 4

#: The entry point group of further sources: each a function from the reference to the secret.
GROUP = "noetl.secrets"


def read_secrets(playbook: Playbook, given: Mapping[str, str], folder: Path) -> dict[str, str]:
    """All secrets of a playbook; those `given` by a calling playbook take the place of their sources.

    Raises PlaybookError with a problem for each that cannot be read.
    """
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for secret in playbook.secrets.values():
        try:
            given_value = given.get(secret.name)
            values[secret.name] = read_secret(secret, folder) if given_value is None else _maskable(given_value)
        except LookupError as error:
            message = f"secret '{secret.name}' cannot be used: {error.args[0]}"
            problems.append(Problem("bad-secret", message, secret.span))
    for name in given:
        if name not in playbook.secrets:
            raise PlaybookError([Problem("unknown-secret", f"the playbook has no secret '{name}'", playbook.span)])
    if problems:
        raise PlaybookError(problems)
    return values


def read_secret(secret: Secret, folder: Path) -> str:
    """One secret from its source. Raises LookupError with a sentence that says why it cannot be used."""
    source = _SOURCES.get(secret.scheme) or _plugin(secret.scheme)
    return _maskable(source(secret.reference, folder))


def _maskable(value: str) -> str:
    if len(value) < SHORTEST:
        raise LookupError(f"it has fewer than {SHORTEST} characters and could not be masked")
    return value


def _from_environment(name: str, folder: Path) -> str:
    value = os.environ.get(name)
    if value is None:
        raise LookupError(f"the environment variable '{name}' is not set")
    return value


def _from_file(path: str, folder: Path) -> str:
    try:
        return (folder / Path(path).expanduser()).read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise LookupError(f"the file '{path}' cannot be read: {getattr(error, 'strerror', None) or error}") from error


def is_source(scheme: str) -> bool:
    """Whether secrets may come from there; nothing is loaded, and nobody asked."""
    from importlib.metadata import entry_points

    return scheme in _SOURCES or bool(entry_points(group=GROUP, name=scheme))


def _plugin(scheme: str) -> Callable[[str, Path], str]:
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP, name=scheme):
        source = entry.load()
        return lambda reference, folder: str(source(reference))
    raise LookupError(f"there is no source '{scheme}:'; the sources are {', '.join(f'{name}:' for name in _SOURCES)}")


_SOURCES: dict[str, Callable[[str, Path], str]] = {"env": _from_environment, "file": _from_file}
