"""What becomes of a turn when the model fails: each agent as it retries by itself, and what agentloop takes it for."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest

from agentloop.agents.session import Turn

from .clis import AGENTS
from .conftest import Place, quick_for
from .dialects import Cut, Fail, Hang, Reply
from .table import expect, note

pytestmark = [pytest.mark.agents, pytest.mark.timeout(400)]
RESET_S = 7265


class Failure(NamedTuple):
    """How a model fails, and the kind of failure that it is; None for one of which nothing is known but the silence."""

    reply: Reply
    kind: str | None


FAILURES = {
    "429": Failure(Fail(429), "rate_limit"),
    "429 with a reset": Failure(Fail(429, retry_after_s=RESET_S), "rate_limit"),
    "500": Failure(Fail(500), "transient"),
    "401": Failure(Fail(401), "login"),
    "cut": Failure(Cut(), "transient"),
    "hang": Failure(Hang(), None),
}
PATIENT = {
    *(("cn", failure) for failure in ("429", "429 with a reset", "cut")),
    ("kilo", "429 with a reset"),
    ("opencode", "429 with a reset"),
    ("qwen", "429 with a reset"),
    *(("vibe", failure) for failure in ("429", "500", "cut")),
}
"""Those who wait for the end of a limit, hours if need be, or try again for minutes, and print nothing meanwhile."""
BUSY = {("openhands", "hang")}
"""Those who compute while they wait for a model that says nothing, so that they are never taken for idle."""
OPAQUE = {("cline", "429"): "transient"}
"""What those are taken for who do not say what it was."""
AT_ONCE = ("claude", "codex")
"""Those who give up within seconds, whatever the failure."""


def _cases() -> list[object]:
    return [
        pytest.param(agent, failure, marks=() if agent in AT_ONCE else pytest.mark.slow)
        for agent in sorted(AGENTS)
        for failure in FAILURES
    ]


@pytest.mark.parametrize(("place", "failure"), _cases(), indirect=["place"])
def test_a_failure_of_the_model_is_known_by_its_kind(place: Callable[..., Place], failure: str) -> None:
    reply, kind = FAILURES[failure]
    there = place(reply)
    if failure == "429 with a reset":
        there = replace(there, environment={**there.environment, **there.agent.subscribed})
    expect(there.agent, failure)
    kind = OPAQUE.get((there.agent.name, failure), kind)
    silent = kind is None or (there.agent.name, failure) in PATIENT
    busy = (there.agent.name, failure) in BUSY
    turn = there.turn("Say hello.", timeout_s=60 if busy else 300, idle_timeout_s=15 if silent else 150)
    if busy:
        assert turn.status == "timed_out", turn
        note(there.agent, failure, "busy: `--turn-timeout` ends it")
        return
    if silent:
        assert turn.status == "idle", turn
        note(there.agent, failure, "silent: `--idle-timeout` ends it")
        return
    assert (turn.status, turn.error_class) == ("failed", kind), turn
    note(there.agent, failure, _named(turn))


def _named(turn: Turn) -> str:
    """The kind; of a limit, whether it is known when it ends."""
    if turn.reset_at is None:
        return str(turn.error_class)
    return f"{turn.error_class}, its end known"


@quick_for("claude", "codex", among=["claude", "codex", "copilot", "gemini"])
def test_the_end_of_a_limit_is_the_one_that_the_provider_named(place: Callable[..., Place]) -> None:
    there = place(Fail(429, retry_after_s=RESET_S))
    there = replace(there, environment={**there.environment, **there.agent.subscribed})
    before = there.now()
    turn = there.turn("Say hello.")
    assert turn.reset_at is not None, turn
    # Codex and Claude Code name the minute.
    assert before + RESET_S - 60 <= turn.reset_at <= there.now() + RESET_S
