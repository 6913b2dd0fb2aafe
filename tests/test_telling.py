"""Who is told when, by a run's events: real commands in a home of their own."""

import json
from pathlib import Path

import pytest

from agentloop import events as ev
from agentloop.cli.telling import MIN_WAIT_S, Telling
from agentloop.recipients import Notify
from agentloop.render import Renderer

from .test_loop import JOB, RED, turn

TELLS = Notify(cmd='cat >> told; echo >> told; echo "$AGENTLOOP_OUTCOME, exit $AGENTLOOP_EXIT_CODE" >> words')


def told(home: Path, wait: ev.WaitStarted) -> list[dict[str, object]]:
    telling = Telling(Renderer(quiet=True), TELLS)
    limited = turn(1, status="failed", error_class="rate_limit")
    for n, event in enumerate([ev.RunStarted(run="r", version="0", job=JOB), *RED, *limited, wait]):
        telling.event(event.model_copy(update={"seq": n, "at": float(n + 1)}))
    file = home / "told"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_of_a_wait_for_a_usage_limit_when_it_begins(isolated_home: Path) -> None:
    wait = ev.WaitStarted(until=5000.0, cause="rate_limit", reason="come back later")
    (occasion,) = told(isolated_home, wait)
    assert (occasion["event"], occasion["outcome"], occasion["waits_until"]) == ("wait.started", "running", 5000.0)
    assert (isolated_home / "words").read_text() == "waiting, exit \n"


@pytest.mark.parametrize(
    "wait",
    [
        ev.WaitStarted(until=5000.0, cause="transient", reason="a fault that passes"),
        ev.WaitStarted(until=MIN_WAIT_S, cause="rate_limit", reason="a short one"),
    ],
)
def test_of_no_other_wait(isolated_home: Path, wait: ev.WaitStarted) -> None:
    assert told(isolated_home, wait) == []
