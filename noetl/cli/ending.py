"""What is told of a run when it has ended: a summary for people, an object for programs, a page for a job."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from noetl.cli.console import Console, Output
from noetl.cli.render import summary
from noetl.cli.workflow_commands import in_job
from noetl.errors import ErrorKind, StoreError
from noetl.machine.result import make_error
from noetl.runtime.report import Report

if TYPE_CHECKING:
    from noetl.runtime.memo import Memo


class Ending:
    """Tells the end of a run on the console.

    `look_up` is a command that shows a run again, with ID for its id; None where nothing is kept of it.
    """

    def __init__(self, console: Console, *, json: bool, quiet: bool, look_up: str | None) -> None:
        self._console = console
        self._json = json
        self._quiet = quiet
        self._look_up = look_up

    def tell(self, report: Report, memo: Memo | None = None) -> None:
        """The run is over; `memo` is what it took over of another one."""
        console = self._console
        if self._json:
            console.out.json(report.as_data() if memo is None else {**report.as_data(), "rerun": _rerun(memo)})
        elif not (self._quiet and report.succeeded):
            self._write_summary(report, memo, console.err if self._quiet else console.out)
        console.flush()
        if in_job():
            self._add_to_page(report)

    def tell_unwritten(self, report: Report, error: StoreError) -> None:
        """The event log failed under the run, which ended there and then."""
        if self._json:
            lost = make_error(ErrorKind.SYSTEM, "store", str(error))
            self._console.out.json({**report.as_data(), "status": "failed", "error": lost})
            self._console.flush()
        else:
            self._console.error(str(error))

    def tell_lost(self, report: Report, error: StoreError) -> None:
        """Another engine has taken the run over: it goes on there."""
        if self._json:
            taken = make_error(ErrorKind.SYSTEM, "taken_over", str(error))
            self._console.out.json({**report.as_data(), "error": taken})
            self._console.flush()
        else:
            self._console.error(f"{error}: it goes on there")

    def _write_summary(self, report: Report, memo: Memo | None, output: Output) -> None:
        lines = list(summary(report, output))
        if memo is not None:
            from noetl.cli import takeover

            lines += takeover.lines(memo)
        if in_job():
            from noetl.cli.github import inert

            lines = [inert(line) for line in lines]
        if self._look_up is not None and output.drawable:
            lines.append(output.paint(f"  more: {self._look_up.replace('ID', report.execution_id)}", "dim"))
        output.write("".join(f"{line}\n" for line in lines))

    def _add_to_page(self, report: Report) -> None:
        """The summary page of the job, where GitHub gives one; it has those of other commands too."""
        path = os.environ.get("GITHUB_STEP_SUMMARY")
        if not path:
            return
        from noetl.cli.step_summary import step_summary

        try:
            with open(path, "a", encoding="utf-8") as page:
                page.write(step_summary(report))
        except OSError as error:
            self._console.warning(f"the summary of the job cannot be written: {error.strerror}")


def _rerun(memo: Memo) -> dict[str, Any]:
    from noetl.cli.takeover import as_data

    return as_data(memo)
