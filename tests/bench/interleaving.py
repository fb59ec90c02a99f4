"""Runs what is compared in turns (A B A B), so that a slow moment of the machine meets all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median

from process import Usage

Measurement = Callable[[], Usage]


class Medians:
    """What the turns of each measurement took, by name."""

    def __init__(self, usages: Mapping[str, list[Usage]]) -> None:
        self._usages = usages

    def wall_s(self, name: str) -> float:
        return median(usage.wall_s for usage in self._usages[name])

    def peak_mib(self, name: str) -> float:
        return median(usage.peak_bytes for usage in self._usages[name]) / 2**20

    def ratio(self, ours: str, floor: str) -> float:
        return self.wall_s(ours) / self.wall_s(floor)

    def net_ratio(self, ours: str, floor: str, *, start: str, floor_start: str) -> float:
        """The ratio without what the processes need to start."""
        return (self.wall_s(ours) - self.wall_s(start)) / (self.wall_s(floor) - self.wall_s(floor_start))


def interleaved(turns: int, **measurements: Measurement) -> Medians:
    """Each measurement once unmeasured, then all of them in turns."""
    usages: dict[str, list[Usage]] = {name: [] for name in measurements}
    for measure in measurements.values():
        measure()
    for _ in range(turns):
        for name, measure in measurements.items():
            usages[name].append(measure())
    return Medians(usages)
