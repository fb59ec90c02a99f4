"""Tells subscribers of the events of all runs. Decides nothing, and holds nothing up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from noetl.model.event import Event

Subscriber = Callable[[Event], None]


class Publisher:
    """Subscribers get every event, in order, when the loop has its next turn: what follows from an event comes first.

    They may look at a run that is ahead of the event.
    """

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []
        self._waiting: list[Event] = []
        self._delivering = False

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """What is returned ends the subscription."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def publish(self, events: list[Event]) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.deliver)
        self._waiting += events

    def deliver(self) -> None:
        """Tell at once what waits to be told. What comes of the telling is told after it."""
        if self._delivering:
            return
        self._delivering = True
        while self._waiting:
            events, self._waiting = self._waiting, []
            for subscriber in tuple(self._subscribers):
                self._tell(subscriber, events)
        self._delivering = False

    def _tell(self, subscriber: Subscriber, events: list[Event]) -> None:
        for event in events:
            try:
                subscriber(event)
            except Exception:
                # Who listens must not decide what becomes of a run.
                logging.getLogger("noetl").exception("a subscriber failed at event %d of %s", event.seq, event.kind)
