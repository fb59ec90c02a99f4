"""Runs what is compared in turns (A B A B), so that a slow moment of the machine meets all of it."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from process import Usage
from row import Row

Measurement = Callable[[], Usage]


class Interleaved:
    """Measurements by name, each made once unmeasured and then all of them in turns; what they cost as medians.

    `ours` is compared with `floor`; `start` and `floor_start`, where they are measured, are what both need to start.
    """

    def __init__(self, turns: int, **measurements: Measurement) -> None:
        self._usages: dict[str, list[Usage]] = {name: [] for name in measurements}
        for measure in measurements.values():
            measure()
        for _ in range(turns):
            for name, measure in measurements.items():
                self._usages[name].append(measure())

    def wall_s(self, name: str) -> float:
        return median(usage.wall_s for usage in self._usages[name])

    def cpu_s(self, name: str) -> float:
        return median(usage.cpu_s for usage in self._usages[name])

    def peak_mib(self, name: str = "ours") -> float:
        return median(usage.peak_bytes for usage in self._usages[name]) / 2**20

    def row(
        self, name: str, *, ours: str = "ours", without: str | None = None, limit: float | None = None, note: str = ""
    ) -> Row:
        """The row of one measurement, `without` what another took."""
        started = "start" in self._usages
        return Row(
            name=name,
            floor_s=self.wall_s("floor"),
            ours_s=_less(self.wall_s, ours, without),
            ratio=_less(self.wall_s, ours, without) / self.wall_s("floor"),
            net=_net(self.wall_s, ours) if started else None,
            cpu=_net(self.cpu_s, ours) if started else _less(self.cpu_s, ours, without) / self.cpu_s("floor"),
            limit=limit,
            note=note,
        )


def _less(cost: Callable[[str], float], name: str, without: str | None) -> float:
    return cost(name) if without is None else cost(name) - cost(without)


def _net(cost: Callable[[str], float], ours: str) -> float:
    return _less(cost, ours, "start") / _less(cost, "floor", "floor_start")
