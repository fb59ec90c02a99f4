"""Tells subscribers of the events of all runs. Decides nothing, and holds nothing up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from noetl.model.event import Event

Subscriber = Callable[[Event], None]


class Publisher:
    """Subscribers get every event, in order, when the loop turns or later: what follows from an event comes first.

    They may look at a run that is ahead of the event.
    """

    def __init__(self) -> None:
        self._subscribers: list[tuple[Subscriber, float]] = []
        self._waiting: list[Event] = []
        self._delivering = False
        #: Whether the loop will deliver by itself.
        self._promised = False

    def subscribe(self, subscriber: Subscriber, within_s: float) -> Callable[[], None]:
        """What is returned ends the subscription. The most impatient says when all are told."""
        # What has happened before is not for the newcomer.
        self.deliver()
        known = (subscriber, within_s)
        self._subscribers.append(known)
        return lambda: self._subscribers.remove(known)

    def publish(self, events: list[Event]) -> None:
        if not self._subscribers:
            return
        self._waiting += events
        if not self._promised:
            self._promised = True
            patience_s = min(within_s for _, within_s in self._subscribers)
            asyncio.get_running_loop().call_later(patience_s, self._keep_promise)

    def _keep_promise(self) -> None:
        self._promised = False
        self.deliver()

    def deliver(self) -> None:
        """Tell at once what waits to be told. What comes of the telling is told after it."""
        if self._delivering:
            return
        self._delivering = True
        while self._waiting:
            events, self._waiting = self._waiting, []
            for subscriber, _ in tuple(self._subscribers):
                self._tell(subscriber, events)
        self._delivering = False

    def _tell(self, subscriber: Subscriber, events: list[Event]) -> None:
        for event in events:
            try:
                subscriber(event)
            except Exception:
                # Who listens must not decide what becomes of a run.
                logging.getLogger("noetl").exception("a subscriber failed at event %d of %s", event.seq, event.kind)
