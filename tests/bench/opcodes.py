"""`python tests/bench/opcodes.py {node,shell} [--top N]`: how many Python opcodes a step executes, and where.

Times on a shared machine change by the second; this number does not, so it tells what a change to the code is worth.
It is the difference of a longer and a shorter run, so that start-up does not count. C code does not count either, and
the turns of the event loop while a command runs are counted as they come: they differ a little from run to run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import texts

#: The playbook of so many steps, and two numbers of steps to compare.
KINDS = {
    "node": (lambda visits: texts.ring(10, visits), 1000, 2000),
    "shell": (lambda visits: texts.shell(10, visits), 100, 200),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/bench/opcodes.py", description="Opcodes for each step.")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--top", type=int, default=30, metavar="N", help="how many functions are shown (default: 30)")
    parser.add_argument("--count", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.count is not None:
        _count(options.count)
        return
    text, fewer, more = KINDS[options.kind]
    counts = [_counted(text(visits)) for visits in (fewer, more)]
    steps = more - fewer
    each = {name: (found - counts[0].get(name, 0)) / steps for name, found in counts[1].items()}
    print(f"{sum(each.values()):.0f} opcodes a step")
    for name, number in sorted(each.items(), key=lambda item: -item[1])[: options.top]:
        print(f"{number:8.1f}  {name}")


def _counted(playbook: str) -> dict[str, int]:
    """Opcodes by function, of a run in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="noetl-opcodes-") as folder:
        path = Path(folder, "playbook.yaml")
        path.write_text(playbook)
        command = [sys.executable, __file__, "node", "--count", str(path)]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found: dict[str, int] = json.loads(path.with_suffix(".json").read_text())
    return found


def _count(playbook: Path) -> None:
    from noetl.cli.main import main as noetl

    counts: Counter[CodeType] = Counter()

    def step(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            counts[frame.f_code] += 1
        return step

    def leave(code: int) -> None:
        raise SystemExit(code)

    os._exit = leave  # type: ignore[assignment]  # the command ends its process at once, and would take the counts along
    sys.argv = ["noetl", "run", str(playbook), "--json"]
    threading.settrace(step)
    sys.settrace(step)
    try:
        noetl()
    except SystemExit:
        pass
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
    named: Counter[str] = Counter()
    for code, number in list(counts.items()):
        named[f"{_short(code.co_filename)}:{code.co_firstlineno} {code.co_qualname}"] += number
    playbook.with_suffix(".json").write_text(json.dumps(named))


def _short(file: str) -> str:
    return "/".join(Path(file).parts[-3:])


if __name__ == "__main__":
    main()
