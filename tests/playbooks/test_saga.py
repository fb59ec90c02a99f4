from __future__ import annotations

import pytest
from command import Command, path
from demo_server import DemoServer, Reply, Request

SAGA = "saga.yaml"


def asked(services: DemoServer) -> list[str]:
    """What the agency was asked to do, in order."""
    return [f"{request.method} {request.path}" for request in services.requests]


def refuse(services: DemoServer, what: str, status: int, times: int = 1) -> None:
    """The next requests whose method and path start with `what` are answered with a status, and do nothing."""
    reply = services.reply

    def refusing(request: Request) -> Reply:
        nonlocal times
        if times and f"{request.method} {request.path}".startswith(what):
            times -= 1
            return Reply(status)
        return reply(request)

    services.reply = refusing


def test_a_trip_is_booked_whole(command: Command, services: DemoServer) -> None:
    report = command.run(SAGA, agency=services.url, city="Oslo", nights="2", price="99.5")

    assert path(report) == ["BookFlight", "BookHotel", "Pay"]
    assert report["outputs"] == {"booked": ["flights/1", "hotels/2", "payments/3"]}
    assert services.booked == {
        "flights/1": {"to": "Oslo"},
        "hotels/2": {"in": "Oslo", "nights": 2},
        "payments/3": {"amount": 99.5},
    }


@pytest.mark.parametrize(
    ("refused", "steps", "requests", "reason"),
    [
        pytest.param({"city": "Atlantis"}, ["BookFlight"], ["POST /flights"], "404", id="flight"),
        pytest.param(
            {"nights": "30"},
            ["BookFlight", "BookHotel"],
            ["POST /flights", "POST /hotels", "DELETE /flights/1"],
            "409",
            id="hotel",
        ),
        pytest.param(
            {"price": "5000"},
            ["BookFlight", "BookHotel", "Pay"],
            ["POST /flights", "POST /hotels", "POST /payments", "DELETE /hotels/2", "DELETE /flights/1"],
            "402",
            id="payment",
        ),
    ],
)
def test_what_was_booked_is_undone_and_nothing_else_the_last_first(
    command: Command, services: DemoServer, refused: dict[str, str], steps: list[str], requests: list[str], reason: str
) -> None:
    report = command.run(SAGA, exit_code=1, agency=services.url, **refused)

    assert path(report) == [*steps, "Undo"]
    assert asked(services) == requests
    assert services.booked == {}
    assert report["error"]["code"] == "undone"
    assert reason in report["error"]["message"]


def test_a_booking_that_cannot_be_undone_is_named_and_the_others_are_undone(
    command: Command, services: DemoServer
) -> None:
    refuse(services, "DELETE /hotels", 403)
    report = command.run(SAGA, exit_code=1, agency=services.url, price="5000")

    assert services.booked == {"hotels/2": {"in": "Lisbon", "nights": 3}}
    assert asked(services)[3:] == ["DELETE /hotels/2", "DELETE /flights/1"]
    assert report["error"]["code"] == "not_undone"
    assert "hotels/2" in report["error"]["message"]


def test_an_agency_that_stumbles_books_once_with_one_key(command: Command, services: DemoServer) -> None:
    refuse(services, "POST /hotels", 503)
    report = command.run(SAGA, agency=services.url)

    assert report["outputs"]["booked"] == ["flights/1", "hotels/2", "payments/3"]
    keys = [request.headers["idempotency-key"] for request in services.requests]
    assert keys[1] == keys[2]
    assert len(set(keys)) == 3
