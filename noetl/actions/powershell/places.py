"""Errors of PowerShell in the words and at the places of the playbook: a script's line is a line of its file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from noetl.actions.base import Call, Origin
from noetl.actions.powershell.messages import Fault
from noetl.actions.powershell.options import PowershellOptions

_LONGEST_MESSAGE = 4_000
_LONGEST_STACK = 40_000
_LONGEST_SOURCE = 200


@dataclass(frozen=True, slots=True)
class Places:
    """`name` is what PowerShell calls the script, `origin` where it stands for people.

    `wrapper` is the file of ours that runs it, in which nothing has a place that would help.
    """

    name: str
    origin: Origin
    wrapper: str

    def of(self, fault: Fault) -> dict[str, Any]:
        """`file`, `line` and `column`, or nothing where they are not known."""
        if not fault.file or not fault.line or self._is_ours(fault):
            # Write-Error points at where its caller was called, which of a script is a line of ours.
            found = self._own.search(fault.stack or "")
            return self._moved(int(found[2]), 1) if found else {}
        if fault.file == self.name:
            return self._moved(fault.line, fault.column or 1)
        return {"file": fault.file, "line": fault.line, "column": fault.column or 1}

    def _is_ours(self, fault: Fault) -> bool:
        return fault.file == self.wrapper

    def told(self, fault: Fault) -> str:
        """The error as a line says it: `Get-Item: there is no such file (orders.yaml:14)`."""
        command = f"{fault.command}: " if fault.command else ""
        place = self.of(fault)
        where = f" ({place['file']}:{place['line']})" if place else ""
        return f"{command}{self.message(fault)}{where}"

    def message(self, fault: Fault) -> str:
        return fault.message.strip()[:_LONGEST_MESSAGE]

    def details(self, fault: Fault) -> dict[str, Any]:
        """Of a terminating error, for people and conditions."""
        place = self.of(fault)
        details = {"id": fault.id, "category": fault.category, "exception": fault.exception, **place}
        if not self._is_ours(fault):
            details["source"] = (fault.source or "").strip().partition("\n")[0].rstrip()[:_LONGEST_SOURCE]
        details["stack"] = self._stack(fault.stack or "")
        return {name: value for name, value in details.items() if value}

    def _stack(self, stack: str) -> str:
        """Without our own frames, and with the lines of the playbook."""
        frames = [line.rstrip() for line in stack.splitlines() if f", {self.wrapper}: " not in line]
        return self._own.sub(self._moved_frame, "\n".join(frames))[:_LONGEST_STACK]

    @property
    def _own(self) -> re.Pattern[str]:
        """A frame in the script; what stands before the number is in the language of the host."""
        return re.compile(rf", {re.escape(self.name)}: ([^\d\n]*)(\d+)\r?$", re.MULTILINE)

    def _moved(self, line: int, column: int) -> dict[str, Any]:
        return {
            "file": self.origin.file,
            "line": line + self.origin.line - 1,
            "column": column + self.origin.indent,
        }

    def _moved_frame(self, found: re.Match[str]) -> str:
        return f", {self.origin.file}: {found[1]}{int(found[2]) + self.origin.line - 1}"


def places_of(options: PowershellOptions, call: Call, wrapper: str) -> Places:
    """Where the script of an action stands: in its own file, or in the playbook's."""
    if options.file is not None:
        return Places(options.file, Origin(options.file, 1), wrapper)
    origin = call.origin.get("script", Origin("script", 1))
    # With the whole path the script finds what lies beside the playbook, by $PSScriptRoot.
    return Places(os.path.join(os.path.abspath(call.folder), os.path.basename(origin.file)), origin, wrapper)
