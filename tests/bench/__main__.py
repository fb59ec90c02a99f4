"""`python tests/bench [NAME ...] [--json] [--turns N]`: measures noetl against floors, and prints a table.

It exits with 1 where a limit is not kept or a run goes wrong, and measures whatever `noetl` stands beside the Python that runs it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import benches
import http_requests
import postgres
from machine import machine
from process import NotMeasured
from row import Row, table
from workbench import Workbench

BENCHES = {
    "start": benches.start,
    "node": benches.node,
    "file": benches.file,
    "load": benches.load,
    "fan-out": benches.fan_out,
    "runs": benches.runs,
    "waiting": benches.waiting,
    "recovery": benches.recovery,
    "loop": benches.loop,
    "durability": benches.durability,
    "shell": benches.shell,
    "postgres": postgres.copy_from,
    "http": http_requests.both,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/bench", description="What noetl costs, as ratios to floors.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(BENCHES)} (default: all)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--turns", type=int, default=5, metavar="N", help="how often each is measured (default: 5)")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHES]
    if unknown:
        parser.error(f"there is no bench '{unknown[0]}'; there are {', '.join(BENCHES)}")
    rows: list[Row] = []
    broken = False
    with tempfile.TemporaryDirectory(prefix="noetl-bench-") as scratch:
        for name in options.names or BENCHES:
            print(f"measuring {name} ...", file=sys.stderr)
            try:
                rows += BENCHES[name](Workbench(Path(scratch), options.turns))
            except NotMeasured as problem:
                print(f"{name}: {problem}", file=sys.stderr)
                broken = True
    if options.json:
        print(json.dumps({"machine": machine(), "rows": [row.as_data() for row in rows]}, indent=2))
    else:
        print(f"{machine()}\n\n{table(rows)}")
    return 1 if broken or any(row.met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
