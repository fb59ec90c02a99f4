"""The keys of a request's body: files of a multipart form, a body that is a file. Knows nothing of httpx."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

Scalar = str | int | float | bool


class BodyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that is sent as the body, as it stands."""

    file: Annotated[str, Meta(description="The file: beside the playbook, or else where the run was started.")]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of a multipart form.

    `{file: out/report.csv, name: report.csv, type: text/csv}`
    """

    file: Annotated[
        str | None, Meta(description="The file: beside the playbook, or else where the run was started.")
    ] = None
    content: Annotated[
        Any, Meta(description="Instead of `file`: what is sent, a text as it is, any other value as JSON.")
    ] = None
    name: Annotated[str | None, Meta(description="The name that the server is told; that of the file by default.")] = (
        None
    )
    type: Annotated[str | None, Meta(description="Its content type; by default the ending of the name decides.")] = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.content is None):
            raise ValueError("a file of 'files' needs either 'file' or 'content'")
        if self.file is None and self.name is None:
            raise ValueError("a file of 'files' that has 'content' needs a 'name'")
        if self.type is not None and any(character in self.type for character in "\r\n\0"):
            raise ValueError("'type' holds what cannot stand in a header")
