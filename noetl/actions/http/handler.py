"""The `http` action. What needs httpx is imported when an action first runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from noetl.actions.base import Call, Outcome
from noetl.actions.http.options import HttpOptions
from noetl.model.playbook import Later

if TYPE_CHECKING:
    from noetl.actions.touch import Touch


class HttpHandler:
    """Sends a request, or one for each page, and takes the answer."""

    name: ClassVar[str] = "http"
    options: ClassVar[type[msgspec.Struct]] = HttpOptions
    program_text: ClassVar[frozenset[str]] = frozenset()
    later: ClassVar[Mapping[str, Later]] = {
        "paginate": Later(
            names=frozenset({"data", "headers", "links", "page"}),
            keys=frozenset({"next", "items", "until"}),
            conditions=frozenset({"until"}),
        )
    }
    runtimes: ClassVar[tuple[str, ...]] = ("in-process",)

    def touches(self, options: Mapping[str, Any], folder: Path) -> Iterator[Touch]:
        from noetl.actions.http.touches import touches

        return touches(options)

    async def run(self, options: HttpOptions, call: Call) -> Outcome:
        from noetl.actions.http.execution import execute

        return await execute(options, call)
