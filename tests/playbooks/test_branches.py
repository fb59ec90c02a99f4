from __future__ import annotations

from command import Command, path
from demo_server import DemoServer

NOWHERE = "http://127.0.0.1:1"


def test_all_sources_are_asked_and_their_answers_merged(command: Command, services: DemoServer) -> None:
    report = command.run("fan_out.yaml", api=services.url)

    assert path(report)[0] == "Ask"
    assert sorted(path(report)[1:4]) == ["Database", "Disk", "Rates"]
    assert path(report)[4:] == ["Report"]
    outputs = report["outputs"]
    assert (outputs["dollar"], outputs["missing"]) == (1.08, [])
    assert outputs["free"] > 0
    assert len(outputs["today"]) == len("2025-03-31")


def test_a_source_that_is_down_is_part_of_the_answer(command: Command) -> None:
    report = command.run("fan_out.yaml", api=NOWHERE, needed='["database"]')

    assert (report["outputs"]["dollar"], report["outputs"]["missing"]) == (None, ["rates"])


def test_a_source_that_is_needed_and_down_fails_the_run(command: Command) -> None:
    report = command.run("fan_out.yaml", exit_code=1, api=NOWHERE, database="postgresql://127.0.0.1:1/shop")

    assert report["error"]["message"] == "no answer from database, rates"
    assert path(report)[4:] == ["Report"]


def test_the_first_answer_is_taken_and_the_other_request_cancelled(command: Command, services: DemoServer) -> None:
    report = command.run("race.yaml", near=f"{services.url}/rates", far=f"{services.url}/rates?after=60")

    assert report["outputs"]["rates"] == {"EUR": 1, "SEK": 11.2, "USD": 1.08}
    assert {row["name"]: row["status"] for row in report["steps"]} == {
        "Ask": "completed",
        "Near": "completed",
        "Far": "cancelled",
        "Take": "completed",
    }
    assert report["duration"] < 60


def test_a_mirror_that_is_down_leaves_the_race_to_the_other(command: Command, services: DemoServer) -> None:
    report = command.run("race.yaml", near=NOWHERE, far=f"{services.url}/rates")

    assert report["outputs"]["rates"]["USD"] == 1.08
    assert path(report)[-1] == "Take"


def test_a_race_that_nobody_finishes_fails(command: Command) -> None:
    report = command.run("race.yaml", exit_code=1, near=NOWHERE, far=NOWHERE)

    assert path(report)[-1] == "GiveUp"
    assert report["error"]["kind"] == "transient"
