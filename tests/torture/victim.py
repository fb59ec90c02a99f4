"""The process that is killed: goes on with what it finds, and drives some runs to their end.

Usage: victim.py STORE [--durability MODE] [--lease SECONDS] [--file-limit BYTES] KEY...
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
from pathlib import Path

from noetl import Engine, StoreError
from noetl.errors import LostOwnership
from noetl.runtime import identity

LOST, UNWRITTEN = 3, 4


async def main(options: argparse.Namespace) -> int:
    # Where "reboots" are told.
    identity._BOOT = Path("boot")
    # An action is lost far more often here than it may be in earnest.
    engine = Engine(options.store, durability=options.durability, lease_s=options.lease, max_lost=1_000_000)
    try:
        async with engine:
            if options.file_limit:
                _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
                resource.setrlimit(resource.RLIMIT_FSIZE, (options.file_limit, hard))
            print("up", flush=True)
            await engine.recover()
            playbook = engine.load(Path("mixed.yaml"))
            await asyncio.gather(*(engine.run(playbook, {"who": key}, key=key) for key in options.keys))
            await engine.idle()
    except LostOwnership:
        return LOST
    except StoreError as error:
        print(error, file=sys.stderr)
        return UNWRITTEN
    return 0


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("--durability", default="relaxed")
    parser.add_argument("--lease", type=float, default=30.0)
    parser.add_argument("--file-limit", type=int, default=0)
    parser.add_argument("keys", nargs="+")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(options())))
