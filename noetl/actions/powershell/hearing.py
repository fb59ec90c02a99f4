"""What a script has said: the objects that it put out, its streams as live lines and as text, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET

from noetl.actions.output import MAX_OUTPUT, Capture, Lines, Outputs, Sink
from noetl.actions.powershell.messages import Ending, Fault, Message, Messages
from noetl.actions.powershell.places import Places

#: The streams of PowerShell that show on its standard output, with what they begin with there.
_SHOWN = {"warning": "WARNING: ", "verbose": "VERBOSE: ", "debug": "DEBUG: ", "information": ""}


class Hearing:
    """Listens to one script. `outputs` are its pipes; `line` gets each line with the name of its stream."""

    def __init__(self, mark: str, places: Places, line: Callable[[str, str], None]) -> None:
        self.values: list[Any] = []
        self.started = False
        self.failed: Fault | None = None
        self.ended: Ending | None = None
        self.unfit: str | None = None
        self.last_error = ""
        self._places = places
        self._lines = {name: Lines(partial(line, name)) for name in ("output", "error", *_SHOWN)}
        self._messages: Messages
        self.outputs = Outputs(MAX_OUTPUT, line, partial(self._listen, mark))

    @property
    def too_large(self) -> bool:
        return self._messages.too_large

    @property
    def broken(self) -> bool:
        return self._messages.broken

    @property
    def data(self) -> Any:
        """As PowerShell assigns what a command puts out: one object is itself, several are a list."""
        if len(self.values) > 1:
            return self.values
        return self.values[0] if self.values else None

    def finish(self) -> None:
        """Tells what is left of lines that go on."""
        for lines in self._lines.values():
            lines.finish()

    def fields(self) -> dict[str, Any]:
        truncated = self.outputs.stdout.truncated or self.outputs.stderr.truncated
        return {**self.outputs.fields(), "truncated": truncated}

    def _listen(self, mark: str, rest: Capture) -> Sink:
        self._messages = Messages(mark, rest, self._receive)
        return self._messages

    def _receive(self, message: Message) -> None:
        if message.output is not UNSET:
            self._take(message.output)
        elif message.error is not None:
            self._pass_on_error(message.error)
        elif message.stream is not None:
            self._pass_on(message.stream, message.text + ("" if message.open else "\n"))
        else:
            self.started = self.started or message.started is not None
            self.unfit = self.unfit or message.unfit
            self.failed = self.failed or message.failed
            self.ended = self.ended or message.ended

    def _take(self, value: Any) -> None:
        self.values.append(value)
        text = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
        self._lines["output"].feed(text + b"\n")

    def _pass_on_error(self, fault: Fault) -> None:
        self.last_error = self._places.told(fault)
        text = f"{self.last_error}\n".encode()
        self.outputs.stderr.keep(text)
        self._lines["error"].feed(text)

    def _pass_on(self, name: str, text: str) -> None:
        if name == "stderr":
            self.outputs.stderr.feed(text.encode())
        elif name in _SHOWN:
            self.outputs.stdout.keep(f"{_SHOWN[name]}{text}".encode())
            self._lines[name].feed(text.encode())
