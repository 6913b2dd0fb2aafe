"""What a run cost: known, or said to be unknown."""

import pytest

from agentloop import events as ev
from agentloop.state import RunState
from agentloop.state.fold import fold


def state(*costs: float | str | None) -> RunState:
    """A run with a turn for each cost; a turn of "cut" has no end."""
    events: list[ev.Event] = []
    for number, cost_usd in enumerate(costs, start=1):
        events.append(ev.TurnStarted(turn=number, purpose="work", prompt="p", log="l"))
        if cost_usd == "cut":
            events.append(ev.RunResumed())
        else:
            usage = ev.Usage.model_validate({"cost_usd": cost_usd, "input_tokens": None if cost_usd is None else 10})
            events.append(ev.TurnEnded(turn=number, purpose="work", status="done", usage=usage))
    return fold(events)


@pytest.mark.parametrize(
    ("costs", "total", "known"),
    [
        ([], None, 0.0),
        ([0.0], 0.0, 0.0),
        ([0.25, 0.0, 0.5], 0.75, 0.75),
        ([0.25, None, 0.5], None, 0.75),
        ([0.25, "cut", 0.5], None, 0.75),
        (["cut", 0.5], None, 0.5),
    ],
)
def test_the_total_is_known_when_each_turns_cost_is(
    costs: list[float | str | None], total: float | None, known: float
) -> None:
    run = state(*costs)
    assert (run.cost_usd, run.known_cost_usd) == (total, known)
    assert (run.input_tokens is None) == (total is None)
