"""A download under way: the part that is there, and by what its server knows that the rest still fits.

It lies beside its target and outlives the attempt, so that the next one, or the next run, goes on where it ended.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import msgspec

from noetl.actions.files import touching


class PartialFile:
    """Locked while it is open, so that two who download the same file do not write into one."""

    def __init__(self, path: Path, file: BinaryIO, target: Path, *, is_shared: bool) -> None:
        self._path = path
        self._note = path.with_name(f"{path.name}.json")
        self._file = file
        self._target = target
        #: Whether another attempt would find it.
        self.is_shared = is_shared

    @classmethod
    def open(cls, target: Path, url: str) -> PartialFile:
        """The part of `url` that is to become `target`; a new one where another action is writing it."""
        with touching(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir():
                raise IsADirectoryError(21, os.strerror(21))
            name = hashlib.sha256(url.encode()).hexdigest()[:8]
            path = target.with_name(f".{target.name}.{name}.part")
            file = _locked(path)
            if file is not None:
                return cls(path, file, target, is_shared=True)
            path = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
            return cls(path, path.open("xb"), target, is_shared=False)

    @property
    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    @property
    def validator(self) -> str | None:
        """What the server called the version of which this is a part."""
        try:
            found = msgspec.json.decode(self._note.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.MsgspecError):
            return None
        return found.get("validator")

    def begin(self, validator: str | None) -> None:
        """From the beginning; with a validator the part can be completed later."""
        with touching(self._target):
            self._file.truncate(0)
            self._note.unlink(missing_ok=True)
            if validator is not None and self.is_shared:
                self._note.write_bytes(msgspec.json.encode({"validator": validator}))

    def append(self, data: bytes) -> None:
        with touching(self._target):
            self._file.write(data)

    def finish(self) -> None:
        """It is whole: it becomes the target."""
        with touching(self._target):
            self._file.flush()
            self._path.replace(self._target)
            self._note.unlink(missing_ok=True)
            self._file.close()

    def close(self) -> None:
        """It stays for another attempt where that can go on with it."""
        if self._file.closed:
            return
        with touching(self._target):
            try:
                self._file.flush()
                if not self.is_shared or self.validator is None or not self.size:
                    self.discard()
            finally:
                self._file.close()

    def discard(self) -> None:
        self._path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def _locked(path: Path) -> BinaryIO | None:
    """The file, open to be appended to; None where somebody else has it."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had it may have finished or removed it meanwhile.
        if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
            return file
    except BlockingIOError:
        pass
    file.close()
    return None
