"""What asyncpg and the server say of a failure, as ActionErrors: the SQLSTATE is the code. Never shows a DSN.

A failure that no server reported has the SQLSTATE that one would give: 08001 for a connection that could not be made,
08006 for one that was lost.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from noetl.actions.postgres.placeholders import Placed, bad_parameter
from noetl.errors import ActionError, ErrorKind
from noetl.postgres.reasons import reason_of

CANNOT_CONNECT = "08001"
CONNECTION_LOST = "08006"
NOT_SUPPORTED = "0A000"
SYNTAX_ERROR = "42601"
#: What may be over next time: lost connections, serialization and deadlocks, exhausted resources, the operator.
_TRANSIENT_CLASSES = frozenset({"08", "40", "53", "57"})
_TRANSIENT_CODES = frozenset({"55P03"})
#: The fields of a server's error that go into the details: asyncpg's names, and ours.
_DETAILS = {
    "severity_en": "severity",
    "detail": "detail",
    "hint": "hint",
    "context": "context",
    "schema_name": "schema",
    "table_name": "table",
    "column_name": "column",
    "data_type_name": "type",
    "constraint_name": "constraint",
}
#: Mistakes in the use of the action that the server can only call syntax errors: a part of its message, and the cure.
_HINTS = (
    ("cannot insert multiple commands", "list the statements under 'queries', or put them into a 'script'"),
    ('at or near ":"', "':name' needs 'params' to be a mapping"),
    ('at or near "\\"', "a command of psql is not SQL"),
)
_BOUND_BY_SERVER = re.compile(r"portal parameter \$(\d+)")
_BOUND_BY_CLIENT = re.compile(r"query argument \$(\d+): (?:.*\((.*)\)|(.*))\Z", re.DOTALL)


@contextmanager
def reported(placed: Placed | None = None, *, title: str = "", file: str = "") -> Iterator[None]:
    """Turns what fails on a connection into ActionErrors.

    `placed` is the statement, to whose text positions point; `title` says which of several it is, `file` where it is.
    """
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _server_error(error, placed, title, file) from error
    except asyncpg.OutdatedSchemaCacheError as error:
        # asyncpg has dropped what it knew of the types, so that the next attempt learns them anew.
        raise ActionError(ErrorKind.TRANSIENT, NOT_SUPPORTED, f"a type was changed meanwhile: {error}") from error
    except asyncpg.UnsupportedClientFeatureError as error:
        message = f"{error.args[0]}; cast the value to text"
        raise ActionError(ErrorKind.PERMANENT, NOT_SUPPORTED, message) from error
    except asyncpg.InterfaceError as error:
        raise _bound_by_client(error, placed) or _lost(error) from error
    except (OSError, asyncpg.InternalClientError) as error:
        raise _lost(error) from error


@contextmanager
def connecting(address: str) -> Iterator[None]:
    """Turns what fails while a connection is made into ActionErrors."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _server_error(error, None, "", "") from error
    except ssl.SSLCertVerificationError as error:
        message = f"could not connect to {address}: {error.verify_message}"
        raise ActionError(ErrorKind.PERMANENT, CANNOT_CONNECT, message) from error
    except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        message = f"could not connect to {address}: {reason_of(error)}"
        raise ActionError(ErrorKind.TRANSIENT, CANNOT_CONNECT, message) from error


def kind_of(sqlstate: str) -> ErrorKind:
    """language.md 7: which SQLSTATEs may be gone when it is tried again."""
    is_transient = sqlstate[:2] in _TRANSIENT_CLASSES or sqlstate in _TRANSIENT_CODES
    return ErrorKind.TRANSIENT if is_transient else ErrorKind.PERMANENT


def details_of(error: asyncpg.PostgresError) -> dict[str, Any]:
    """What the server gives beside the message, by our names."""
    found = ((name, getattr(error, field, None)) for field, name in _DETAILS.items())
    return {"sqlstate": error.sqlstate} | {name: value for name, value in found if value}


def _server_error(error: asyncpg.PostgresError, placed: Placed | None, title: str, file: str) -> ActionError:
    bound = _bound_by_client(error, placed) or _bound_by_server(error, placed)
    if bound is not None:
        return bound
    sqlstate = error.sqlstate or "XX000"
    message = str(error.args[0])
    if sqlstate == SYNTAX_ERROR:
        message = "; ".join([message, *(cure for needle, cure in _HINTS if needle in message)])
    details = details_of(error)
    if placed is not None and error.position:
        offset = placed.origin(int(error.position) - 1)
        before = placed.source[:offset]
        line, column = before.count("\n") + 1, offset - before.rfind("\n")
        details |= {"position": offset + 1, "line": line}
        message += f" ({file}:{line}:{column})" if file else f" (line {line}, column {column})"
    return ActionError(kind_of(sqlstate), sqlstate, f"{title}: {message}" if title else message, details)


def _bound_by_client(error: BaseException, placed: Placed | None) -> ActionError | None:
    """asyncpg could not encode a parameter."""
    found = _BOUND_BY_CLIENT.search(str(error.args[0]))
    if found is None or placed is None:
        return None
    return bad_parameter(f"{_parameter(placed, found[1])}: {found[2] or found[3]}")


def _bound_by_server(error: asyncpg.PostgresError, placed: Placed | None) -> ActionError | None:
    """The server could not read a parameter."""
    found = _BOUND_BY_SERVER.search(getattr(error, "context", None) or "")
    if found is None or placed is None or kind_of(error.sqlstate or "") is ErrorKind.TRANSIENT:
        return None
    return bad_parameter(f"{_parameter(placed, found[1])}: {error.args[0]}")


def _parameter(placed: Placed, number: str) -> str:
    return f"parameter '{placed.labels[int(number) - 1]}'"


def _lost(error: BaseException) -> ActionError:
    return ActionError(ErrorKind.TRANSIENT, CONNECTION_LOST, f"the connection was lost: {reason_of(error)}")
