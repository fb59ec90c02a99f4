"""The tasks that carry out the actions of a run. Knows not what an action is."""

from __future__ import annotations

import asyncio
from typing import Protocol

from noetl.machine import ActionEnded, RunAction
from noetl.runtime.limits import Demand

#: So many actions in one task; then others get their turn, even where no action waits for anything.
LONGEST_ROW = 50


class Driver(Protocol):
    """Whose actions are carried out."""

    async def carry(self, command: RunAction, demand: Demand | None) -> ActionEnded: ...

    def carried(self, carrier: Carrier, ended: ActionEnded) -> None:
        """An action has ended; what is to be started next may be given to the carrier."""

    def dropped(self, command: RunAction, demand: Demand | None, task: asyncio.Task[None]) -> None:
        """An action was cancelled, perhaps before it began, or something raised that no action should."""


class Carrier:
    """A task that carries out an action, and then, if it is given one, the action that follows from it.

    A task of its own for each, and the turn of the loop that starts it, would be felt where a command takes no longer.
    """

    __slots__ = ("_action", "_driver", "_has_more", "_left", "task")

    def __init__(self, driver: Driver, command: RunAction, demand: Demand | None) -> None:
        self._driver = driver
        self._action = command, demand
        self._has_more = True
        self._left = LONGEST_ROW
        self.task = asyncio.get_running_loop().create_task(self._work())
        self.task.add_done_callback(self._over)

    @property
    def free(self) -> bool:
        """Whether it takes one more action. One that was to stop does not, even where its action ended by itself."""
        return self._left > 0 and not self.task.cancelling()

    def take(self, command: RunAction, demand: Demand | None) -> None:
        """Carry this out next."""
        self._action = command, demand
        self._has_more = True

    async def _work(self) -> None:
        while self._has_more:
            if self.task.cancelling():
                # It was given an action that was stopped before it could begin.
                raise asyncio.CancelledError
            self._left -= 1
            ended = await self._driver.carry(*self._action)
            self._has_more = False
            self._driver.carried(self, ended)

    def _over(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._driver.dropped(*self._action, task)
