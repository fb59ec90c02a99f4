"""Whether the event log of a command can be used."""

from __future__ import annotations

from noetl.errors import StoreError
from noetl.runtime.doctor.finding import Finding, State
from noetl.store.inspecting import LogState, inspect_log
from noetl.store.opening import SERVERS, split_url

_KIND = "event log"

#: With less, a run of some size may fill the disk.
_LITTLE_BYTES = 200_000_000


def examine_event_log(url: str) -> Finding:
    """The event log of this URL, which need not be there yet."""
    try:
        if split_url(url)[0] in SERVERS:
            from noetl.store.postgres.location import read_location

            return Finding(_KIND, read_location(url).name, State.ABSENT, "not tried; 'noetl store info' does")
        state = inspect_log(url)
    except StoreError as error:
        # What has a '@' may have a password before it.
        return Finding(_KIND, "its URL" if "@" in url else url, State.MISSING, str(error))
    if state is None:
        return Finding(_KIND, url, State.FOUND, "events are kept in memory only")
    name = str(state.path)
    if state.problem is not None:
        return Finding(_KIND, name, State.MISSING, f"cannot be used: {state.problem}")
    known = "made by the first run" if state.version is None else f"format {state.version}, {_runs(state)}, writable"
    room = f"{state.free_bytes / 1e9:.1f} GB free"
    if state.free_bytes < _LITTLE_BYTES:
        return Finding(_KIND, name, State.DOUBTFUL, f"{known}, but only {room}")
    return Finding(_KIND, name, State.FOUND, f"{known}, {room}")


def _runs(state: LogState) -> str:
    return "1 run" if state.runs == 1 else f"{state.runs} runs"
