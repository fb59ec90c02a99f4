"""Files that actions read and write: where they are, and what is said when they are not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from noetl.errors import ActionError, ErrorKind

#: Not found, not allowed, or not a file: the same the next time.
_PERMANENT = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)


@contextmanager
def touching(path: Path) -> Iterator[None]:
    """Turns what fails with a file into ActionErrors."""
    try:
        yield
    except OSError as error:
        kind = ErrorKind.PERMANENT if isinstance(error, _PERMANENT) else ErrorKind.SYSTEM
        code = "file_not_found" if isinstance(error, FileNotFoundError) else "file_error"
        raise ActionError(kind, code, f"'{path}': {error.strerror}") from error


def find_file(name: str, *folders: Path) -> Path:
    """The file in the first of the folders that has it; an absolute name is one already."""
    paths = [folder / Path(name).expanduser() for folder in dict.fromkeys(folders)]
    for path in paths:
        if path.exists():
            return path
    message = "there is no file " + " or ".join(f"'{path}'" for path in dict.fromkeys(paths))
    raise ActionError(ErrorKind.PERMANENT, "file_not_found", message)
