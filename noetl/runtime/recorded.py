"""Runs as the event log has them: their playbook, as it was when they started, and their state."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from noetl.errors import PlaybookError, ReplayError, Severity
from noetl.language import examine
from noetl.language.schema import ActionShape
from noetl.machine import Run, changed, evolve
from noetl.model.playbook import Playbook
from noetl.runtime.secrets import read_secrets
from noetl.runtime.snapshots import restored
from noetl.span import Source
from noetl.store import refusals
from noetl.store.base import EventStore, RunRecord

#: What a text that came from no file is called.
TEXT = "<text>"

#: So many events are in memory at once while a run is folded.
PAGE = 5000


async def playbook_of(store: EventStore, record: RunRecord, actions: Mapping[str, ActionShape]) -> Playbook:
    """The playbook of a run, from the text that it started with. Raises PlaybookError where it cannot be read here."""
    source = Source(record.path or TEXT, await store.text(record.digest))
    playbook, problems = examine(source, actions)
    if playbook is None or any(problem.severity is Severity.ERROR for problem in problems):
        raise PlaybookError(problems)
    return playbook


async def state_of(store: EventStore, record: RunRecord, playbook: Playbook) -> Run:
    """The fold of all events of a run. Raises ReplayError, which names the first event that does not fit."""
    run = await restored(store, record.execution_id, playbook)
    if run is not None:
        try:
            return await _fold(store, run)
        except ReplayError as error:
            logging.getLogger("noetl").debug("the snapshot of run %s leads nowhere: %s", run.id, error)
    return await _fold(store, Run(playbook, record.execution_id))


async def _fold(store: EventStore, run: Run) -> Run:
    """The run with all events that come after its own."""
    while True:
        events = await store.read(run.id, run.seq, PAGE)
        for event in events:
            evolve(run, event)
        # Nobody has anything in hand of this run yet, so what has changed need not be remembered.
        changed(run)
        if len(events) < PAGE:
            break
    if run.seq == 0:
        raise ReplayError(f"the log of run '{run.id}' has no events: it is damaged")
    return run


class Playbooks:
    """The playbooks of recorded runs with their secrets: what several runs have in common is read once.

    Secrets that are `given` by a calling playbook take the place of their sources.
    """

    def __init__(
        self, store: EventStore, actions: Mapping[str, ActionShape], given: Mapping[str, str] | None = None
    ) -> None:
        self._store = store
        self._actions = actions
        self._given = given or {}
        self._reading: dict[tuple[str, Path, str | None], asyncio.Task[tuple[Playbook, dict[str, str]]]] = {}

    async def of(self, record: RunRecord) -> tuple[Playbook, dict[str, str]]:
        """The playbook of a run and its secrets. Raises PlaybookError where one of them is not to be had here."""
        key = (record.digest, folder_of(record), record.path)
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.ensure_future(self._read(record))
        return await asyncio.shield(task)

    async def _read(self, record: RunRecord) -> tuple[Playbook, dict[str, str]]:
        playbook = await playbook_of(self._store, record, self._actions)
        return playbook, read_secrets(playbook, self._given, folder_of(record))


def folder_of(record: RunRecord) -> Path:
    """What the files that a playbook names are relative to."""
    return Path(record.folder) if record.path is None else Path(record.path).parent


def refuse_ended(record: RunRecord) -> None:
    """Raises RunEnded where nothing more can be asked of a run."""
    if record.ended_at is not None:
        raise refusals.ended(record.execution_id, record.status)
