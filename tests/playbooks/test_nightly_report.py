from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

from command import Command, path
from demo_server import DemoServer

PLAYBOOK = "nightly_report/nightly_report.yaml"


def test_a_report_and_a_file_for_each_region_are_written_and_the_chat_is_told(
    command: Command, services: DemoServer, rows: Callable[[str], list[dict[str, Any]]]
) -> None:
    report = command.run(PLAYBOOK, chat=f"{services.url}/chat", day="2025-02-01")

    assert path(report) == ["Sum", "Write", "Announce"]
    folder = command.folder / "out/2025-02-01"
    sums = rows(
        "SELECT region, count(*) AS sales, sum(amount) AS amount FROM nightly.sales "
        "WHERE day = '2025-02-01' GROUP BY region ORDER BY amount DESC"
    )
    assert report["outputs"] == {
        "report": "out/2025-02-01/report.md",
        "regions": [row["region"] for row in sums],
        "announced": True,
    }
    assert sorted(file.name for file in folder.iterdir()) == [
        "east.csv",
        "north.csv",
        "report.md",
        "south.csv",
        "west.csv",
    ]
    written = (folder / "report.md").read_text()
    for row in sums:
        assert f"| [{row['region']}]({row['region']}.csv) | {row['sales']} | {row['amount']} |" in written
        with open(folder / f"{row['region']}.csv", newline="") as lines:
            amounts = [float(sale["amount"]) for sale in csv.DictReader(lines)]
        assert (len(amounts), sum(amounts)) == (row["sales"], row["amount"])
    total = sum(row["amount"] for row in sums)
    assert written.startswith("# Sales of 2025-02-01\n\n| region |")
    assert written.endswith(f"|\n\nIn all {total}, most of it in the {sums[0]['region']}.\n")
    (message,) = services.requests
    assert (message.method, message.path, message.body) == ("POST", "/chat", {"text": written.removesuffix("\n")})


def test_a_chat_that_is_down_does_not_spoil_the_report(command: Command) -> None:
    report = command.run(PLAYBOOK, chat="http://127.0.0.1:1")

    assert report["outputs"]["announced"] is False
    row = report["steps"][-1]
    assert (row["name"], row["status"], row["attempts"]) == ("Announce", "failed", 3)
    folder = command.folder / "out/2025-03-31"
    assert (folder / "unsent.md").read_text().rstrip() == (folder / "report.md").read_text().rstrip()


def test_a_day_without_sales_fails_the_run(command: Command, services: DemoServer) -> None:
    report = command.run(PLAYBOOK, exit_code=1, chat=f"{services.url}/chat", day="2031-01-01")

    assert (report["error"]["code"], report["error"]["message"]) == ("no_sales", "nothing was sold on 2031-01-01")
    assert services.requests == []
    assert not (command.folder / "out").exists()


def test_a_day_that_is_no_date_is_refused(command: Command) -> None:
    report = command.run(PLAYBOOK, exit_code=2, day="yesterday")

    assert [problem["code"] for problem in report["problems"]] == ["bad-input"]
