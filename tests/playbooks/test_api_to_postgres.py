from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from command import PLAYBOOKS, Command, path
from demo_server import ORDERS, DemoServer

PLAYBOOK = "api_to_postgres.yaml"

Rows = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    command = Command(tmp_path)
    command.environment["SHOP_TOKEN"] = "demo-token"
    return command


@pytest.fixture
def stored(rows: Rows) -> Callable[[], list[dict[str, Any]]]:
    """The orders in the table, of which there are none yet."""
    rows("DROP SCHEMA IF EXISTS api CASCADE")
    return lambda: rows("SELECT * FROM api.orders ORDER BY id")


def test_all_pages_are_stored_though_the_api_was_busy(
    command: Command, services: DemoServer, stored: Callable[[], list[dict[str, Any]]]
) -> None:
    report = command.run(PLAYBOOK, api=services.url)

    assert path(report) == ["Fetch", "Store"]
    assert report["outputs"] == {"new": 120, "known": 0}
    assert stored() == [{**order, "amount": Decimal(str(order["amount"]))} for order in ORDERS]
    assert {(request.query.get("page", "1"), request.query["size"]) for request in services.requests} == {
        ("1", "50"),
        ("2", "50"),
        ("3", "50"),
    }
    assert {request.headers["authorization"] for request in services.requests} == {"Bearer demo-token"}
    busy, again = services.requests[1:3]
    assert again.at - busy.at >= 1, "the shop was asked again before its Retry-After"


def test_a_second_run_updates_what_has_changed_and_inserts_what_is_new(
    command: Command, services: DemoServer, stored: Callable[[], list[dict[str, Any]]], rows: Rows
) -> None:
    services.busy = False
    command.run(PLAYBOOK, api=services.url)
    rows("DELETE FROM api.orders WHERE id > 118")
    rows("UPDATE api.orders SET customer = 'Nobody' WHERE id = 7")
    report = command.run(PLAYBOOK, api=services.url)

    assert report["outputs"] == {"new": 2, "known": 118}
    assert [order["customer"] for order in stored()] == [order["customer"] for order in ORDERS]


def test_too_few_orders_are_refused_and_not_stored(
    command: Command, services: DemoServer, stored: Callable[[], list[dict[str, Any]]], rows: Rows
) -> None:
    report = command.run(PLAYBOOK, exit_code=1, api=services.url, least="1000")

    assert report["error"]["code"] == "too_few"
    assert rows("SELECT to_regclass('api.orders')::text AS name") == [{"name": None}]


def test_a_wrong_token_is_said_to_be_wrong_and_not_shown(command: Command, services: DemoServer) -> None:
    command.environment["SHOP_TOKEN"] = "wr0ng-token"
    report = command.run(PLAYBOOK, exit_code=1, api=services.url)

    assert (report["error"]["kind"], report["error"]["code"]) == ("user", "bad_token")
    assert len(services.requests) == 1
    assert "wr0ng-token" not in str(report)


def test_an_api_that_is_down_fails_the_run(command: Command, services: DemoServer) -> None:
    text = (PLAYBOOKS / PLAYBOOK).read_text()
    assert text.count("retry: 5 ") == 1
    impatient = command.folder / PLAYBOOK
    impatient.write_text(text.replace("retry: 5 ", "retry: {attempts: 5, delay: 10ms} "))

    report = command.run(str(impatient), exit_code=1, api="http://127.0.0.1:1")

    assert path(report) == ["Fetch"]
    assert report["error"]["kind"] == "transient"
