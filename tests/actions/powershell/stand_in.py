"""A program that stands where `pwsh` stands: it speaks the wire of `wrapper.ps1`, and its scripts are Python.

What a script finds are the functions `say` (a message), `output`, `stream`, `fault`, and the variables `args`,
`request` and `argv`. It ends as a script of PowerShell does, with the message `ended`, unless it said how itself.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def restored(value: Any) -> Any:
    if isinstance(value, str):
        assert value.startswith("=")
        return value[1:]
    if isinstance(value, dict):
        return {name: restored(item) for name, item in value.items()}
    if isinstance(value, list):
        return [restored(item) for item in value]
    return value


def main() -> None:
    given = sys.stdin.buffer.read()
    assert given.isascii()
    assert given.count(b"\n") == 1
    request = restored(json.loads(given))
    said: list[str] = []

    def say(message: dict[str, Any]) -> None:
        said.extend(message)
        sys.stdout.flush()
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        sys.stdout.buffer.write((request["mark"] + text + "\n").encode())
        sys.stdout.buffer.flush()

    def fault(message: str, line: int, **more: Any) -> dict[str, Any]:
        place = {"file": request["file"] or request["name"], "line": line, "column": 5}
        return {"message": message, "id": "Id", "category": "NotSpecified", "exception": "E", **place, **more}

    text = request["text"]
    if request["file"] is not None:
        with open(request["file"]) as file:
            text = file.read()
    names = {
        "say": say,
        "output": lambda value: say({"output": value}),
        "stream": lambda name, text, **more: say({"stream": name, "text": text, **more}),
        "fault": fault,
        "args": request["args"],
        "request": request,
        "argv": sys.argv,
    }
    if not text.startswith("# never starts"):
        say({"started": "0.0"})
    exec(text, names)
    if not {"ended", "failed"} & set(said):
        say({"ended": {"success": True, "exit_code": 0}})


main()
