"""What a turn may cost, told to a real agent: it counts that turn alone, and not what the session cost before."""

from collections.abc import Callable

import pytest

from agentloop.agents import opening
from agentloop.agents.session import Turn
from agentloop.job import Job

from .conftest import RIGHT, WRONG, Place
from .dialects import Say

pytestmark = [pytest.mark.agents, pytest.mark.timeout(400)]


@pytest.mark.parametrize("place", ["claude"], indirect=True)
def test_a_cap_is_of_the_turn(place: Callable[..., Place], monkeypatch: pytest.MonkeyPatch) -> None:
    there = place(WRONG, Say("Fixed it."), RIGHT, Say("Now it is."), WRONG, Say("Fixed it again."))
    for name, value in there.environment.items():
        monkeypatch.setenv(name, value)
    job = Job(until=("true",), agent=there.agent.name, worktree=str(there.repo))

    def turn(before: Turn | None = None, max_cost_usd: float | None = None) -> Turn:
        session = opening.open_session(
            job,
            "agents-test",
            cwd=there.repo,
            session=before.session if before else None,
            begun=before is not None,
            counters=before.counters if before else None,
            max_cost_usd=max_cost_usd,
        )
        return there.send(session, "Make the tests pass")

    first = turn()
    assert first.usage.cost_usd
    second = turn(first, 1.2 * first.usage.cost_usd)
    assert second.status == "done", second.error
    third = turn(second, 0.3 * first.usage.cost_usd)
    assert (third.status, "budget" in third.error) == ("failed", True)
    assert third.usage.cost_usd
    assert third.usage.cost_usd < first.usage.cost_usd
