from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from command import PLAYBOOKS, Command, path

QUICKSTART = "quickstart/quickstart.yaml"

#: What comes of the orders that are shipped.
OUTPUTS: dict[str, Any] = {
    "kept": 111,
    "rejected": ["2 no customer", "1 no date", "3 wrong price", "3 wrong quantity"],
    "best": {"country": "PT", "amount": 1946.46},
    "amount": 9693.09,
}


def table(file: Path) -> list[dict[str, str]]:
    with open(file, newline="") as lines:
        return list(csv.DictReader(lines))


def test_good_orders_are_exported_and_bad_ones_set_apart(command: Command) -> None:
    report = command.run(QUICKSTART)

    assert report["outputs"] == OUTPUTS
    assert path(report)[:2] == ["Load", "Divide"]
    assert set(path(report)[2:4]) == {"Keep", "Reject"}
    assert path(report)[4:] == ["Report"]
    shipped = table(PLAYBOOKS / "quickstart/orders.csv")
    kept, rejected = table(command.folder / "out/orders.csv"), table(command.folder / "out/rejected.csv")
    assert len(kept) == 111
    assert {row["problem"] for row in rejected} == {"no customer", "no date", "wrong price", "wrong quantity"}
    assert {row["id"] for row in kept} | {row["id"] for row in rejected} == {row["id"] for row in shipped}
    assert round(sum(int(row["quantity"]) * float(row["price"]) for row in kept), 2) == OUTPUTS["amount"]


def test_a_second_run_gives_the_same(command: Command) -> None:
    first = command.run(QUICKSTART)
    files = {file: (command.folder / file).read_bytes() for file in ("out/orders.csv", "out/rejected.csv")}
    second = command.run(QUICKSTART)

    assert second["outputs"] == first["outputs"] == OUTPUTS
    assert {file: (command.folder / file).read_bytes() for file in files} == files


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        pytest.param({"max_bad": "3"}, "'orders.csv' is refused: 9 bad orders", id="too-many-bad-orders"),
        pytest.param({"file": "none.csv"}, "'none.csv' is refused: there is no file", id="no-such-file"),
    ],
)
def test_a_file_that_is_refused_fails_the_run(command: Command, inputs: dict[str, str], reason: str) -> None:
    report = command.run(QUICKSTART, exit_code=1, **inputs)

    assert report["status"] == "failed"
    assert report["error"]["message"].startswith(reason)
    assert path(report) == ["Load", "Refuse"]
    assert not (command.folder / "out").exists()


def test_two_runs_at_once_share_the_embedded_postgres(command: Command) -> None:
    names = ["Ada", "Grace"]
    command.run("welcome_user.yaml")
    with ThreadPoolExecutor(len(names)) as pool:
        reports = list(pool.map(lambda name: command.run("welcome_user.yaml", name=name), names))

    assert [report["outputs"]["letter"] for report in reports] == ["Welcome, Ada!", "Welcome, Grace!"]
