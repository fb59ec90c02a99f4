"""Problems as a SARIF 2.1.0 log, which code scanning services and editors read."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from noetl.cli.text import harmless
from noetl.codes import PROBLEMS
from noetl.errors import Problem
from noetl.span import Span
from noetl.version import VERSION

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

#: What relative addresses are relative to: the folder of the command, which in a job is the top of the checkout.
_ROOT = "%SRCROOT%"

_WORDS = re.compile(r"[a-z]+")


def sarif_log(problems: Sequence[Problem]) -> dict[str, Any]:
    """The log of one run of the checker."""
    codes = sorted({problem.code for problem in problems})
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "noetl",
                        "semanticVersion": VERSION,
                        "rules": [_rule(code) for code in codes],
                    }
                },
                "invocations": [{"executionSuccessful": True}],
                "originalUriBaseIds": {_ROOT: {"uri": f"{Path.cwd().as_uri().rstrip('/')}/"}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(problem, codes.index(problem.code)) for problem in problems],
            }
        ],
    }


def _rule(code: str) -> dict[str, Any]:
    # A handler of somebody's own may have codes that nobody has explained.
    known = PROBLEMS.get(code)
    name = "".join(word.capitalize() for word in _WORDS.findall(code))
    if known is None:
        return {"id": code, "name": name}
    meaning, cure = _sentence(known.meaning), _sentence(known.cure)
    return {
        "id": code,
        "name": name,
        "shortDescription": {"text": _plain(meaning)},
        "help": {"text": f"{_plain(meaning)} Cure: {_plain(cure)}", "markdown": f"{meaning}\n\n**Cure**: {cure}"},
        "defaultConfiguration": {"level": "warning" if known.warning else "error"},
    }


def _sentence(text: str) -> str:
    # What begins with a word of the language, in code marks, keeps it as it is written.
    return f"{text[:1].upper()}{text[1:]}."


def _plain(text: str) -> str:
    """Markdown as plain text, in quotes what stands in code marks."""
    return text.replace("`", "'")


def _result(problem: Problem, rule: int) -> dict[str, Any]:
    hint = "" if problem.hint is None else f" ({problem.hint})"
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": str(problem.severity),
        "message": {"text": harmless(f"{problem.message}{hint}")},
        "locations": [
            {"physicalLocation": {"artifactLocation": _location(problem.span), "region": _region(problem.span)}}
        ],
    }


def _location(span: Span) -> dict[str, str]:
    path = Path(os.path.relpath(span.source.name))
    if path.parts[:1] == ("..",):
        # SARIF has no relative address that leads upwards.
        return {"uri": Path(span.source.name).absolute().as_uri()}
    return {"uri": quote(os.fsencode(path)), "uriBaseId": _ROOT}


def _region(span: Span) -> dict[str, int]:
    return {"startLine": span.line, "startColumn": span.column, "endColumn": span.end_column}
