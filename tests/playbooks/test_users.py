from __future__ import annotations

import pytest
from command import Command, path


@pytest.mark.parametrize(
    ("name", "steps", "outputs"),
    [
        pytest.param(
            "ada",
            ["VerifyUser", "FetchData"],
            {"orders": [{"id": 1, "item": "a slide rule"}, {"id": 2, "item": "a notebook"}], "reason": None},
            id="verified-and-active",
        ),
        pytest.param(
            "bob",
            ["VerifyUser", "HandleError"],
            {"orders": [], "reason": "bob is not verified"},
            id="not-verified",
        ),
        pytest.param("eve", ["VerifyUser", "HandleError"], {"orders": [], "reason": "eve is blocked"}, id="not-active"),
        pytest.param(
            "zed", ["VerifyUser", "HandleError"], {"orders": [], "reason": "nobody is called zed"}, id="unknown"
        ),
    ],
)
def test_data_is_fetched_for_a_verified_and_active_user_only(
    command: Command, name: str, steps: list[str], outputs: dict[str, object]
) -> None:
    report = command.run("verify_user.yaml", name=name)

    assert path(report) == steps
    assert report["outputs"] == outputs


def test_a_broken_database_fails_the_verification(command: Command) -> None:
    report = command.run("verify_user.yaml", exit_code=1, database="postgresql://127.0.0.1:1/members")

    assert path(report) == ["VerifyUser", "HandleError"]
    assert report["error"]["code"] == "08001"


@pytest.mark.parametrize(
    ("inputs", "steps", "letter"),
    [
        pytest.param({}, ["WelcomeUser"], "Welcome, Ada!", id="new"),
        pytest.param({"status": "active"}, ["WelcomeUser"], "Welcome back, Ada!", id="active"),
        pytest.param(
            {"verified": "false"},
            ["WelcomeUser", "RemindUser"],
            "Please verify your address, Ada.",
            id="not-verified",
        ),
    ],
)
def test_a_user_is_welcomed_or_reminded(
    command: Command, inputs: dict[str, str], steps: list[str], letter: str
) -> None:
    report = command.run("welcome_user.yaml", **inputs)

    assert path(report) == steps
    assert report["outputs"] == {"letter": letter}


def test_a_blocked_user_fails_the_run(command: Command) -> None:
    report = command.run("welcome_user.yaml", exit_code=1, status="blocked")

    assert path(report) == ["WelcomeUser", "RefuseUser"]
    assert (report["error"]["kind"], report["error"]["code"]) == ("user", "blocked")
