"""Group commit: whoever is free takes all that waits, of whatever runs, in one round trip. Writes in the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from noetl.errors import KeyTaken, StoreError
from noetl.store import refusals
from noetl.store.artifacts import is_plain, set_aside
from noetl.store.encoding import Batch
from noetl.store.jobs import Append, Job
from noetl.store.postgres.queue import Queue
from noetl.store.postgres.server import Connection, RefusedData, Server
from noetl.store.postgres.statements import append_all, create_runs, ends_of, is_written, namesakes
from noetl.store.postgres.turns import Turn

#: While one waits for the disk, another takes what has come meanwhile.
_WRITERS = 2

_Statement = Callable[[Connection, Sequence[Turn]], Awaitable[set[str]]]


class Writer:
    """Writes what is put into its queue, as long as there is something."""

    def __init__(self, server: Server, artifact_limit: int) -> None:
        self._server = server
        self._artifact_limit = artifact_limit
        self._queue = Queue()
        self._free = _WRITERS
        self._writing: set[asyncio.Task[None]] = set()
        self._causes: dict[str, StoreError] = {}

    def put(self, execution_id: str, job: Job) -> None:
        self._queue.put(execution_id, job)
        if self._free:
            self._free -= 1
            task = asyncio.get_running_loop().create_task(self._work())
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def written(self, execution_id: str | None = None) -> None:
        """Waits until what has been put here is written: of one run, or of all."""
        runs = self._queue.busy() if execution_id is None else [execution_id]
        loop = asyncio.get_running_loop()
        ends = []
        for run in runs:
            if self._queue.is_busy(run):
                end = Job(done=loop.create_future())
                self.put(run, end)
                ends.append(end.done)
        if ends:
            await asyncio.wait(ends)

    async def close(self) -> None:
        """Waits until everything is written, or has failed."""
        while self._writing:
            await asyncio.wait(self._writing)

    async def _work(self) -> None:
        while turns := self._queue.take():
            await self._write(turns)
            # Before those are told who wait: what they append then comes behind.
            self._queue.give_back(turns)
            for turn in turns:
                turn.end()
        # Here and not when the task has ended: what is put in between would wait for somebody who has gone.
        self._free += 1

    async def _write(self, turns: Sequence[Turn]) -> None:
        """Never raises: each turn is decided."""
        large = [append for turn in turns for append in turn.appends if not self._is_plain(append)]
        if large:
            await asyncio.to_thread(self._set_aside, large)
        for turn in turns:
            if turn.appends and (fault := turn.appends[0].fault) is not None:
                self._refuse(turn, fault)
        await self._each(self._create, [turn for turn in _undecided(turns) if turn.creation is not None])
        await self._each(self._append, [turn for turn in _undecided(turns) if turn.appends])

    def _is_plain(self, append: Append) -> bool:
        batch = append.batch
        return append.fault is not None or is_plain(batch.text, batch.last - batch.first + 1, self._artifact_limit)

    def _set_aside(self, appends: Sequence[Append]) -> None:
        for append in appends:
            batch = append.batch
            text, append.artifacts = set_aside(batch.text, self._artifact_limit)
            append.batch = Batch(batch.first, batch.last, text)

    async def _each(self, work: Callable[[Sequence[Turn]], Awaitable[None]], turns: Sequence[Turn]) -> None:
        """Does the work for all together, or one by one where something of one of them cannot be held."""
        try:
            if turns:
                await work(turns)
        except RefusedData as error:
            if len(turns) == 1:
                self._refuse(turns[0], error)
            else:
                for turn in _undecided(turns):
                    await self._each(work, [turn])
        except Exception as error:  # a defect, too: nobody may wait for ever
            cause = error if isinstance(error, StoreError) else StoreError(f"{type(error).__name__}: {error}")
            for turn in _undecided(turns):
                self._refuse(turn, cause)

    async def _create(self, turns: Sequence[Turn]) -> None:
        created = await self._send(create_runs, turns)
        for turn in turns:
            if turn.execution_id in created:
                self._accept(turn)
            else:
                await self._explain(turn)

    async def _explain(self, turn: Turn) -> None:
        """Why a run could not be created: its id, or its key, is another's; or it was, by an attempt that got lost."""
        run = turn.run
        others = await self._server.ask(lambda connection: namesakes(connection, run))
        taken = next((other for other in others if other.key == run.key is not None), None)
        if turn.doubtful and run in others:
            self._accept(turn)
        elif taken is not None and taken.execution_id != run.execution_id:
            turn.decide(KeyTaken(taken.key or "", taken.execution_id))
        else:
            turn.decide(refusals.duplicate_run(run.execution_id))

    async def _append(self, turns: Sequence[Turn]) -> None:
        while left := _undecided(turns):
            written = await self._send(append_all, left)
            for turn in left:
                if turn.execution_id in written:
                    self._accept(turn)
            await self._judge(_undecided(left))

    async def _judge(self, turns: Sequence[Turn]) -> None:
        """Why these runs did not go on. One stays undecided where that is no longer so."""
        if not turns:
            return
        runs = [turn.execution_id for turn in turns]
        ends = await self._server.ask(lambda connection: ends_of(connection, runs))
        for turn in turns:
            if turn.doubtful and await self._arrived(turn):
                self._accept(turn)
                continue
            last, fence = ends.get(turn.execution_id, (None, None))
            cause = self._causes.get(turn.execution_id)
            error = refusals.objection(turn.execution_id, last, turn.after, cause)
            if last is not None and fence != turn.fence:
                error = refusals.lost(turn.execution_id)
            if error is not None:
                self._refuse(turn, error)

    async def _arrived(self, turn: Turn) -> bool:
        return await self._server.ask(lambda connection: is_written(connection, turn))

    async def _send(self, statement: _Statement, turns: Sequence[Turn]) -> set[str]:
        """The runs in which a statement did what it should."""
        attempts = 0

        async def attempt(connection: Connection) -> set[str]:
            nonlocal attempts
            attempts += 1
            if attempts > 1:
                for turn in turns:
                    turn.doubtful = True
            return await statement(connection, turns)

        return await self._server.ask(attempt)

    def _accept(self, turn: Turn) -> None:
        turn.decide()
        self._causes.pop(turn.execution_id, None)

    def _refuse(self, turn: Turn, error: StoreError) -> None:
        turn.decide(error)
        if turn.creation is None:
            self._causes.setdefault(turn.execution_id, error)


def _undecided(turns: Sequence[Turn]) -> list[Turn]:
    return [turn for turn in turns if not turn.decided]
