"""What a `postgres` action would touch: statements with their tables, files, and the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from noetl.actions.postgres.glance import Glance, glance
from noetl.actions.postgres.options import EMBEDDED
from noetl.actions.touch import Touch, Unknown, file_read, file_written

#: A longer script is not looked into.
_LONGEST_SCRIPT = 1 << 20


def touches(options: Mapping[str, Any], folder: Path) -> Iterator[Touch]:
    """What the options say, in the order in which it happens; the database comes last."""
    if options.get("query") is not None:
        yield from _statements(options["query"])
    for query in options.get("queries") or ():
        yield from _statements(query["query"] if isinstance(query, Mapping) else query)
    if options.get("script") is not None:
        yield file_read(options["script"])
        yield from _statements(_script(folder, options["script"]))
    if options.get("copy_from") is not None:
        yield file_read(options["copy_from"]["file"])
        yield _told(Glance("COPY", (str(options["copy_from"]["table"]),), ()))
    if options.get("copy_to") is not None:
        yield from _copy_to(options["copy_to"])
    yield _database(options["connection"])


def _copy_to(copy: Mapping[str, Any]) -> Iterator[Touch]:
    if copy.get("query") is not None:
        yield from _statements(copy["query"])
    else:
        yield _told(Glance("COPY", (), (str(copy["table"]),)))
    yield file_written(copy["file"])


def _statements(sql: str) -> Iterator[Touch]:
    if isinstance(sql, Unknown) and sql.startswith("<") and sql.find(">") == len(sql) - 1:
        yield Touch(kind="statement", text=sql)
        return
    yield from map(_told, glance(sql))


def _told(seen: Glance) -> Touch:
    details = {"statement": seen.statement, "writes": list(seen.writes), "reads": list(seen.reads)}
    return Touch(kind="statement", text=seen.text, details=details)


def _script(folder: Path, name: str) -> str:
    """The text of a script; nothing where it cannot be known or is not there."""
    path = folder / Path(name).expanduser()
    try:
        if not path.is_file() or path.stat().st_size > _LONGEST_SCRIPT:
            return ""
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""


def _database(connection: str) -> Touch:
    """Host and name of the database, without user and password."""
    shown: str = connection.strip()
    if "://" in shown:
        parts = urlsplit(shown)
        shown = f"{parts.netloc.rpartition('@')[2]}{parts.path}"
    elif shown != EMBEDDED and not isinstance(connection, Unknown):
        shown = "a database"
    return Touch(kind="database", text=f"in {shown}", details={"database": shown})
