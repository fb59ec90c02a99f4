"""`literal-secret`: what looks like a real password or key and stands in the playbook itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from noetl.errors import Problem, Severity
from noetl.language.checks.survey import Survey
from noetl.model.playbook import ActionCall, TaskCall
from noetl.span import Span

#: The last words of a key whose value is meant to be secret: `client_secret`, `X-Api-Key`, but not `token_url`.
_SECRET_KEY = (
    r"(^|[_.-])(password|passwd|pwd|passphrase|secret|token|bearer|authorization"
    r"|(api|access|private|secret|auth)[_-]?key)$"
)
#: One of these is in every such key. Most keys have none, so that no pattern need be compiled for them.
_SECRET_WORDS = ("pass", "pwd", "secret", "token", "bearer", "authorization", "key")

#: Keys of well-known issuers, which need no telling name; each has one of the marks in it.
_ISSUED = (
    r"\b(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|glpat-[\w-]{20}|xox[abprs]-[\w-]{10,}|sk_live_\w{16,})\b"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_ISSUERS = ("AKIA", "gh", "glpat-", "xox", "sk_live_", "PRIVATE KEY")

_URL_PASSWORD = r"[a-z][a-z0-9+.-]*://[^:/@\s]*:(?P<password>[^@/\s]+)@"

#: What people write where a secret would stand.
_PLACEHOLDER = (
    r"(?i)example|sample|dummy|fake|test|change|replace|insert|your|redacted|placeholder|password|secret|todo|xxx"
    r"|\*\*|123456|^[<$%{\[(]|^(env|file|vault):"
)

_SHORTEST = 8
_LONGEST = 512


def check_literals(survey: Survey) -> Iterator[Problem]:
    """Literals in options, arguments, environment, context and defaults of inputs."""
    for key, value, span in _literals(survey):
        for name, text in _secrets_in(key, value):
            message = f"'{name}' looks like a secret that stands in the playbook"
            place = survey.places.text_after(text, span)
            hint = "name it in 'secrets' and read '{{ secrets.NAME }}'"
            yield Problem("literal-secret", message, place, Severity.WARNING, hint)


def _literals(survey: Survey) -> Iterator[tuple[str, Any, Span]]:
    playbook = survey.playbook
    for entry in playbook.inputs.values():
        yield entry.name, entry.default, entry.span
    sections = [playbook.environment, playbook.context, *(task.args for task in playbook.tasks.values())]
    for site in survey.sites:
        if isinstance(site.work, ActionCall):
            sections.append(site.work.options)
        elif isinstance(site.work, TaskCall):
            sections.append(site.work.args)
    for section in sections:
        for name, template in section.items():
            yield name, template.value, template.span


def _secrets_in(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """The literals that look like secrets, each with the key that it stands under."""
    if isinstance(value, str):
        if len(value) >= _SHORTEST and _is_secret(key, value):
            yield key, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _secrets_in(str(name), item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets_in(key, item)


def _is_secret(key: str, value: str) -> bool:
    if any(mark in value for mark in _ISSUERS):
        issued = re.search(_ISSUED, value)
        if issued is not None:
            return "EXAMPLE" not in issued[0]
    if "://" in value:
        url = re.match(_URL_PASSWORD, value)
        return url is not None and _looks_real(url["password"])
    return names_secret(key) and _looks_real(re.sub(r"(?i)^(bearer|basic|token)\s+", "", value))


def names_secret(key: str) -> bool:
    """Whether a key is named as if its value were secret."""
    if not any(word in key.lower() for word in _SECRET_WORDS):
        return False
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()
    return re.search(_SECRET_KEY, words) is not None


def _looks_real(value: str) -> bool:
    """Whether it is long and mixed enough for a secret, and no placeholder or path."""
    if not _SHORTEST <= len(value) <= _LONGEST or value.startswith(("/", "./")) or len(value.split()) > 1:
        return False
    mixed = re.search(r"[0-9]", value) is not None and re.search(r"[A-Za-z]", value) is not None
    return mixed and re.search(_PLACEHOLDER, value) is None
