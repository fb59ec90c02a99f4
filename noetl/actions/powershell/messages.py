"""The wire between the engine and `wrapper.ps1`, which runs a script inside PowerShell. Knows no error, and no option.

The request goes to standard input, whole, as one JSON object in ASCII. Each text in it, keys aside, begins with `=`:

    mark    what begins a message: a control character and random digits, so that no script prints it by chance
    name    for a script text: the file that it stands in, as PowerShell is to call it
    text    the script, or null
    file    the path of the script file, or null
    args    the arguments by name

Messages come over standard output, among whatever else is written there. Each is the mark, a JSON object in UTF-8, and
a line break:

    {"started": VERSION}                    the request was read
    {"output": VALUE}                       an object that the script put out
    {"unfit": TEXT}                         one that is no data, and why
    {"stream": NAME, "text": TEXT}          a record of `warning`, `verbose`, `debug`, `information`, or a line that a
                                            program wrote to `stderr`; with "open": true the line goes on
    {"stream": "error", "error": ERROR}     a record of the stream of errors
    {"failed": ERROR}                       the last: the script ended with a terminating error, or cannot be parsed
    {"ended": {"success": BOOL, "exit_code": NUMBER}}    the last: `$?` and `$LASTEXITCODE`

An ERROR is a `Fault`. A script text that calls `exit` ends the process: then there is no last message, and the exit
code tells.

In a VALUE, decimals and whole numbers beyond 64 bits are texts, and so are `NaN` and `Infinity`; dates are ISO 8601,
bytes base64, members of enumerations their names. An object of .NET is a mapping of its properties, in which further
such objects are texts.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from noetl.actions.output import Sink

_RECORD_SEPARATOR = "\x1e"
#: What a script may put out, as JSON; beyond it the script goes on, but its data is lost.
LARGEST_DATA = 64 * 1024 * 1024
_OUTPUT = b'{"output":'


class Fault(msgspec.Struct, frozen=True):
    """An error record: `id` and `category` as PowerShell has them, `source` the line that it points at."""

    message: str
    id: str | None = None
    category: str | None = None
    exception: str | None = None
    command: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    source: str | None = None
    stack: str | None = None


class Ending(msgspec.Struct, frozen=True):
    """`exit_code` is null where the script left no number in `$LASTEXITCODE`."""

    success: bool
    exit_code: int | None


class Message(msgspec.Struct, frozen=True):
    """What has come, all else unset or null."""

    output: Any | UnsetType = UNSET
    stream: Literal["error", "stderr", "warning", "verbose", "debug", "information"] | None = None
    text: str = ""
    open: bool = False
    error: Fault | None = None
    started: str | None = None
    unfit: str | None = None
    failed: Fault | None = None
    ended: Ending | None = None


def new_mark() -> str:
    return f"{_RECORD_SEPARATOR}{secrets.token_hex(16)} "


def encode_request(request: Mapping[str, Any]) -> bytes:
    """What the wrapper reads from its standard input."""
    # `json`, since msgspec does not escape what is not ASCII.
    return json.dumps(_sheltered(request)).encode() + b"\n"


def _sheltered(value: Any) -> Any:
    if isinstance(value, str):
        return f"={value}"
    if isinstance(value, Mapping):
        return {name: _sheltered(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_sheltered(item) for item in value]
    return value


class Messages:
    """Picks the messages out of standard output; `rest` gets everything else, byte for byte."""

    def __init__(self, mark: str, rest: Sink, receive: Callable[[Message], None]) -> None:
        self._mark = mark.encode()
        self._rest = rest
        self._receive = receive
        self._left = bytearray()
        self._searched = 0
        self._room = LARGEST_DATA
        self.broken = False

    @property
    def too_large(self) -> bool:
        return self._room < 0

    def feed(self, data: bytes) -> None:
        self._left += data
        while self._next():
            pass

    def finish(self) -> None:
        if self._left.startswith(self._mark):
            self.broken = True
        elif self._left:
            self._rest.feed(bytes(self._left))
        self._left.clear()
        self._rest.finish()

    def _next(self) -> bool:
        """Takes one message, or what stands before it, out of what is left; whether there may be more."""
        start = self._left.find(self._mark)
        if start:
            self._pass_on(self._end_of_rest() if start < 0 else start)
            return start > 0
        end = self._left.find(b"\n", self._searched)
        if end < 0:
            self._bound()
            self._searched = len(self._left)
            return False
        text = bytes(self._left[len(self._mark) : end])
        del self._left[: end + 1]
        self._searched = 0
        self._take(text)
        return True

    def _end_of_rest(self) -> int:
        """Where the beginning of a mark may stand, of which the other bytes are still to come."""
        begun = self._left.rfind(self._mark[:1], max(0, len(self._left) - len(self._mark) + 1))
        return len(self._left) if begun < 0 or not self._mark.startswith(self._left[begun:]) else begun

    def _pass_on(self, end: int) -> None:
        if end:
            self._rest.feed(bytes(self._left[:end]))
            del self._left[:end]

    def _bound(self) -> None:
        """Forgets what has come of a message that is larger than all may be, but that it is one."""
        if len(self._left) > LARGEST_DATA:
            self._room = -1
            del self._left[len(self._mark) + len(_OUTPUT) :]

    def _take(self, text: bytes) -> None:
        if text.startswith(_OUTPUT):
            self._room -= len(text)
            if self.too_large:
                return
        try:
            message = msgspec.json.decode(text, type=Message)
        except msgspec.DecodeError:
            # Another program wrote into the midst of it.
            self.broken = True
        else:
            self._receive(message)
