"""The `playbook` action: another playbook as a run of its own, whose outputs are the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from noetl.actions.base import Call, Outcome

if TYPE_CHECKING:
    from noetl.actions.touch import Touch


class PlaybookOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Run another playbook as a run of its own, and take its outputs.

    `{action: playbook, path: load.yaml, inputs: {day: "{{ day }}"}, as: loaded}`
    """

    path: Annotated[str | None, msgspec.Meta(description="The playbook's file, relative to the calling one.")] = None
    name: Annotated[
        str | None,
        msgspec.Meta(description="The file beside the calling playbook, without `.yaml`, instead of `path`."),
    ] = None
    inputs: Annotated[dict[str, Any], msgspec.Meta(description="Inputs of the called playbook.")] = {}
    secrets: Annotated[
        dict[str, str], msgspec.Meta(description="Secrets of the called playbook, in place of their own sources.")
    ] = {}
    detach: Annotated[
        bool,
        msgspec.Meta(
            description="Go on at once; the data is then `{execution_id}`. The engine waits for it before it ends."
        ),
    ] = False

    def __post_init__(self) -> None:
        if (self.path is None) == (self.name is None):
            raise ValueError("give either 'path' or 'name'")


class PlaybookHandler:
    """Hands the call to the engine, which knows how to run a playbook."""

    name: ClassVar[str] = "playbook"
    options: ClassVar[type[msgspec.Struct]] = PlaybookOptions
    program_text: ClassVar[frozenset[str]] = frozenset()
    runtimes: ClassVar[tuple[str, ...]] = ("in-process",)

    def touches(self, options: Mapping[str, Any], folder: Path) -> Iterator[Touch]:
        from noetl.actions.local_touches import playbook_touches

        return playbook_touches(options)

    async def run(self, options: PlaybookOptions, call: Call) -> Outcome:
        return await call.run_playbook(options)
