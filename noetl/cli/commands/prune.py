"""`noetl prune`: removes runs that ended long ago from the event log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from noetl.cli.command import Command, Example, Options, flag, option
from noetl.cli.event_log import STORE_HELP, opened
from noetl.cli.misuse import Misuse

if TYPE_CHECKING:
    from noetl.cli.console import Console
    from noetl.runtime.retention import Retention
    from noetl.store import Pruned


class PruneOptions(Options):
    older_than: str | None = option(
        "--older-than", metavar="AGE", help="Runs that ended longer ago, such as 30d (default: $NOETL_RETENTION)."
    )
    keep_failed: bool = flag("--keep-failed", help="Keep the runs that failed.")
    dry_run: bool = flag("--dry-run", help="Say what would be removed, and remove nothing.")
    json: bool = flag("--json", help="Print one JSON object.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: PruneOptions, console: Console) -> int:
    from noetl.runtime.retention import wanted_retention

    retention = wanted_retention(options.older_than, options.keep_failed or None)
    if retention is None:
        raise Misuse("how old the runs are that shall go is not said", "as in '--older-than 30d'")
    pruned, freed = asyncio.run(_prune(options, retention, console))
    if options.json:
        counts = {"runs": pruned.runs, "events": pruned.events, "artifacts": pruned.artifacts}
        console.out.json({"dry_run": options.dry_run, **counts, "freed": freed})
    else:
        console.out.line(_sentence(options, pruned, freed))
    return 0


async def _prune(options: PruneOptions, retention: Retention, console: Console) -> tuple[Pruned, int]:
    """What was removed, and how many bytes smaller that made the event log."""
    from noetl.errors import StoreError
    from noetl.runtime.retention import is_alone, prune

    async with opened(options.store) as store:
        pruned = await prune(store, retention, dry_run=options.dry_run)
        if options.dry_run or not await is_alone(store):
            # Others would have to wait; and what they add takes the room that is free.
            return pruned, 0
        try:
            return pruned, await store.compact()
        except StoreError as error:
            console.warning(f"the event log could not be made smaller: {error}")
            return pruned, 0


def _sentence(options: PruneOptions, pruned: Pruned, freed: int) -> str:
    from noetl.cli.text import count, size

    if not pruned.runs and not pruned.artifacts:
        return "no run is that old"
    contents = [count(pruned.events, "event")]
    if pruned.artifacts:
        contents.append(count(pruned.artifacts, "artifact"))
    did = "would remove" if options.dry_run else "removed"
    less = f"; the event log is {size(freed)} smaller" if freed else ""
    return f"{did} {count(pruned.runs, 'run')} ({', '.join(contents)}){less}"


COMMAND = Command(
    name="prune",
    summary="Remove runs that ended long ago from the event log.",
    details="With a run go its events, artifacts, dead letters and key; what has not ended stays. Failed runs can only "
    "be kept where the others are kept for at least 7d.",
    examples=(
        Example(line="noetl prune --older-than 30d --dry-run", purpose="what would go"),
        Example(line="noetl prune --older-than 30d", purpose="remove what ended more than 30 days ago"),
        Example(line="noetl prune --older-than 30d --keep-failed", purpose="but nothing that failed"),
    ),
    options=PruneOptions,
    carry_out=carry_out,
)
