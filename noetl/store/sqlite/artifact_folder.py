"""The artifacts of one SQLite file, each a file named by its digest, for `zcat` to read. Knows no events."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from time import time

_ENDING = ".json.gz"
_DRAFT = ".draft"

#: Nobody writes one file for so many seconds.
_DRAFT_S = 3600

#: Fast, and events are texts that repeat themselves.
_LEVEL = 1


class ArtifactFolder:
    """`artifacts/NAME/` beside the file with this name: several event logs in one folder share nothing.

    A file appears whole or not at all; with `synced` it is on the disk when `keep` returns.
    """

    def __init__(self, log: Path, *, synced: bool = False) -> None:
        self._folder = log.parent / "artifacts" / log.name
        self._synced = synced

    def keep(self, digest: str, content: bytes) -> None:
        """Makes the file, if there is none yet. Raises OSError."""
        import gzip

        path = self._path(digest)
        if _is_whole(path, content):
            return
        new = [folder for folder in (path.parent, *path.parent.parents) if not folder.is_dir()]
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{os.urandom(8).hex()}{_DRAFT}")
        try:
            with draft.open("xb") as file:
                file.write(gzip.compress(content, _LEVEL, mtime=0))
                file.flush()
                if self._synced:
                    os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        if self._synced:
            for folder in (path.parent, *(made.parent for made in new)):
                _sync(folder)

    def fetch(self, digest: str) -> bytes:
        """Raises LookupError where it is missing, or not what it was."""
        import gzip

        path = self._path(digest)
        try:
            content = gzip.decompress(path.read_bytes())
        except FileNotFoundError:
            raise LookupError(f"the artifact '{path}' is missing") from None
        except (OSError, EOFError, zlib.error) as error:
            raise LookupError(f"the artifact '{path}' cannot be read: {error}") from error
        if sha256(content).hexdigest() != digest:
            raise LookupError(f"the artifact '{path}' is damaged")
        return content

    def digests(self) -> Iterator[str]:
        """All that there are."""
        for path in self._folder.glob(f"*/*{_ENDING}"):
            yield path.name.removesuffix(_ENDING)

    def size(self) -> int:
        """Bytes on the disk."""
        total = 0
        for path in self._folder.glob(f"*/*{_ENDING}"):
            with suppress(FileNotFoundError):  # removed meanwhile
                total += path.stat().st_size
        return total

    def remove(self, digest: str) -> None:
        self._path(digest).unlink(missing_ok=True)

    def remove_drafts(self) -> None:
        """Removes what was being written when its process was lost."""
        for path in self._folder.glob(f"*/*{_DRAFT}"):
            with suppress(FileNotFoundError):  # it has just become what it was to be
                if path.stat().st_mtime < time() - _DRAFT_S:
                    path.unlink()

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / f"{digest}{_ENDING}"


def _is_whole(path: Path, content: bytes) -> bool:
    """Whether the file is there and was not cut off, as by a power cut: it ends with the length of what it holds."""
    try:
        with path.open("rb") as file:
            file.seek(-4, os.SEEK_END)
            return int.from_bytes(file.read(), "little") == len(content) & 0xFFFFFFFF
    except OSError:
        return False


def _sync(folder: Path) -> None:
    """What a folder names is on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
