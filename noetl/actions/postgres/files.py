"""Files that the `postgres` action reads and writes: scripts as texts, and rows that appear when they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from noetl.actions.files import touching
from noetl.errors import ActionError, ErrorKind


def read_text(path: Path) -> str:
    with touching(path):
        data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ActionError(ErrorKind.PERMANENT, "bad_file", f"'{path}' is not UTF-8 text in line {line}") from error


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """A file to write beside the one of this name, which it becomes at the end if nothing fails."""
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    with touching(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(21, os.strerror(21))
    try:
        with _created(path, partial) as file:
            yield file
        with touching(path):
            partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _created(path: Path, partial: Path) -> BinaryIO:
    with touching(path):
        return open(partial, "xb")
