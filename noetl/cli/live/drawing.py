"""Draws activities as lines that fit a terminal. The one module here that needs rich, so it is imported late."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.text import Text

from noetl.cli.live.activity import Activity
from noetl.cli.text import elapsed
from noetl.values import Masker

#: In cells. A bar is drawn where it leaves enough of the line.
_BAR = 16
_WIDE_ENOUGH_FOR_BARS = 80
_SHORTEST_NAME, _LONGEST_NAME = 8, 40
_TIME = 7
_GAP = "  "

_mask = Masker().text


class Drawing:
    """Draws for a terminal; `encoding` is that of what is written to it."""

    def __init__(self, *, colours: bool, encoding: str) -> None:
        self._unicode = encoding.lower().startswith("utf")
        self._console = Console(
            # By the encoding of its file rich decides which characters it may draw with.
            file=io.TextIOWrapper(io.BytesIO(), encoding),
            force_terminal=True,
            color_system="standard" if colours else None,
            legacy_windows=False,
        )
        self._frames = Spinner("dots" if self._unicode else "line").frames
        self._beat = 0
        self._longest = 0

    def lines(self, activities: Sequence[Activity], hidden: int, *, now: int, width: int) -> list[str]:
        """A line for each activity, and one that counts `hidden` visits besides."""
        self._beat += 1
        mark = self._frames[self._beat % len(self._frames)]
        heads = [f"{_GAP * 2 if activity.item else f'{mark} '}{_flat(activity.name)}" for activity in activities]
        most = min(_LONGEST_NAME, max(_SHORTEST_NAME, width // 3))
        # Names that come later are often as long: columns that went back would soon come again.
        self._longest = max([self._longest, *map(cell_len, heads)])
        name = min(most, self._longest)
        counts = [_count(activity) for activity in activities]
        count = max(map(len, counts), default=0)
        lines = []
        for activity, head, counted in zip(activities, heads, counts, strict=True):
            line = Text(set_cell_size(head, name) if cell_len(head) <= name else self._cut(Text(head), name).plain)
            line.append(f"{_GAP}{_time(activity, now):>{_TIME}}", style="dim")
            if count:
                line.append(f"{_GAP}{counted:>{count}}")
                if width >= _WIDE_ENOUGH_FOR_BARS:
                    self._append_bar(line, activity)
            for remark in activity.remarks:
                line.append(f"{_GAP}{_flat(remark)}", style="yellow")
            line.append(f"{_GAP}{_flat(activity.text)}", style="dim")
            lines.append(line)
        if hidden:
            lines.append(Text(f"{_GAP}and {hidden} more", style="dim"))
        # The last column stays free: where it is taken, terminals differ in what comes next.
        return [self._written(self._cut(line, max(1, width - 1))) for line in lines]

    def _append_bar(self, line: Text, activity: Activity) -> None:
        line.append(_GAP)
        share = activity.done / activity.total if activity.done is not None and activity.total else activity.share
        if share is None:
            line.append(" " * _BAR)
            return
        bar = ProgressBar(
            total=1.0, completed=share, width=_BAR, style="dim", complete_style="green", finished_style="green"
        )
        drawn = Text.assemble(*((segment.text, segment.style or "") for segment in self._console.render(bar)))
        line.append_text(drawn)
        line.append(" " * (_BAR - drawn.cell_len))

    def _cut(self, line: Text, width: int) -> Text:
        line.rstrip()
        line.truncate(width, overflow="ellipsis" if self._unicode else "crop")
        return line

    def _written(self, line: Text) -> str:
        with self._console.capture() as captured:
            self._console.print(line, end="", soft_wrap=True)
        return captured.get()


def _flat(text: str) -> str:
    """Masked, for half a password would not be recognised; without tabs, which are as wide as the terminal likes."""
    return _mask(text).replace("\t", " ")


def _time(activity: Activity, now: int) -> str:
    return "" if activity.since is None else elapsed((now - activity.since) / 1e6)


def _count(activity: Activity) -> str:
    if activity.total is not None:
        return f"{activity.done}/{activity.total}"
    return "" if activity.share is None else f"{activity.share:.0%}"
