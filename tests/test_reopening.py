"""A run that ended at a limit of its own: what lets it go on, and that it does. The clock is that of the events."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agentloop import events as ev
from agentloop.job import ByHand, Limits
from agentloop.render import summary
from agentloop.run import loop
from agentloop.state import RunState, reopening, steps
from agentloop.state.fold import fold
from agentloop.text import amounts

from .test_limits import HOUR_S, NOW, at, begun, failed, stop, used
from .test_loop import attempt, check, job, snapshot, turn
from .test_stuck import START, Played, endless

ENDED = {
    "attempts": (Limits(max_attempts=1), used(1, ev.Usage()), "--max-attempts 2"),
    "money": (Limits(max_cost_usd=0.5), used(1, ev.Usage(cost_usd=1.2)), "--max-cost 2"),
    "tokens": (Limits(max_tokens=1000), used(1, ev.Usage(input_tokens=900, output_tokens=200)), "--max-tokens 2k"),
    "time": (Limits(max_time_s=HOUR_S), used(1, ev.Usage()), "--max-time 2h"),
    "both": (Limits(max_attempts=1, max_cost_usd=1.0), used(1, ev.Usage(cost_usd=1.0)),
             "--max-attempts 2 --max-cost 2"),
}  # fmt: skip


def ended(limits: Limits, events: list[ev.Event]) -> RunState:
    """A run that has taken 75 minutes, and then ended as the decision says."""
    now = NOW + 1.25 * HOUR_S
    before = at(now, begun(job(limits=limits)), *events)
    end = stop(loop.next_step(before))
    return at(now, before, ev.RunEnded(outcome=end.outcome, exit_code=end.exit_code, reason=end.reason))


def resumed(state: RunState, limits: Limits | None = None) -> RunState:
    return at(NOW + 99 * HOUR_S, state, ev.RunResumed(limits=limits))


@pytest.mark.parametrize("what", ENDED)
def test_a_run_at_a_limit_says_the_command_that_raises_it_and_goes_on_so(what: str) -> None:
    limits, events, flags = ENDED[what]
    state = ended(limits, events)
    assert (state.can_go_on, state.can_be_reopened) == (False, True)
    assert f"  go on with it: agentloop resume r {flags}" in summary(state)
    assert not any("agentloop resume" in line for line in summary(state, at_work=True))
    assert isinstance(loop.next_step(resumed(state)), steps.Stop)
    higher = reopening.raised(state, limits)
    assert loop.next_step(resumed(state, higher)) == steps.Prompt("retry", 2)
    assert loop.next_step(resumed(resumed(state, higher))) == steps.Prompt("retry", 2)
    assert reopening.raised(state, higher) == higher


def test_what_is_asked_for_is_in_the_command_and_raised_only_where_it_does_not_suffice() -> None:
    limits, events, _ = ENDED["attempts"]
    state = ended(limits, events)
    asked = limits.model_copy(update={"max_cost_usd": None, "max_attempts": 4})
    assert reopening.command(state, asked) == "agentloop resume r --max-attempts 4 --max-cost none"
    too_little = limits.model_copy(update={"max_cost_usd": 7.5, "max_time_s": HOUR_S})
    assert reopening.command(state, too_little) == "agentloop resume r --max-attempts 2 --max-time 2h --max-cost 7.5"


@given(st.floats(0.01, 1000), st.floats(0.01, 1000))
@settings(deadline=None, max_examples=40)
def test_what_is_said_suffices_also_when_it_was_overshot(limit_usd: float, used_usd: float) -> None:
    assume(used_usd >= limit_usd)
    state = ended(Limits(max_cost_usd=limit_usd), used(1, ev.Usage(cost_usd=used_usd)))
    said = amounts.cost_limit_usd(reopening.command(state).split()[-1])
    assert said is not None
    assert used_usd < said < 2.001 * used_usd


def test_a_run_that_was_stuck_has_its_attempts_counted_anew_and_stays_in_its_session() -> None:
    run = Played(endless())
    first = run.until_stop(iter([START] * 20))
    assert first is not None
    run.add(ev.RunEnded(outcome=first.outcome, exit_code=first.exit_code, reason=first.reason))
    assert reopening.command(run.state) == "agentloop resume r"
    run.prompts, run.left = [], []
    run.add(ev.RunResumed())
    again = run.until_stop(iter([START] * 20))
    assert again is not None
    assert (again.outcome, len(run.state.checks)) == ("stuck", 10)
    assert [prompt.repeated for prompt in run.prompts] == [0, 0, 0, 3, 4]
    assert run.left == [9]


def test_attempts_that_ended_while_it_was_stuck_do_not_end_it_again() -> None:
    run = Played(endless(max_attempts=5))
    first = run.until_stop(iter([START] * 20))
    assert first is not None
    assert first.outcome == "not_reached"
    run.add(ev.RunEnded(outcome=first.outcome, exit_code=first.exit_code, reason=first.reason))
    run.add(ev.RunResumed(limits=endless(max_attempts=6)))
    assert loop.next_step(run.state) == steps.Prompt("retry", 6)


def test_a_resume_of_a_run_that_was_cut_off_leaves_the_count() -> None:
    run = Played(endless())
    assert run.until_stop(iter([START] * 4)) is None
    run.add(ev.RunResumed())
    last = run.until_stop(iter([START] * 20))
    assert last is not None
    assert (last.outcome, len(run.state.checks)) == ("stuck", 5)


@pytest.mark.parametrize("other", [{"own_worktree": True}, {"by_hand": ByHand()}])
def test_work_of_a_person_and_of_a_worktree_of_its_own_is_not_reopened(other: dict[str, object]) -> None:
    brought = ev.WorkBroughtBack(branch="agentloop/r", commit="c")
    end = ev.RunEnded(outcome="not_reached", exit_code=1, reason="it does not hold")
    state = at(NOW, begun(job(**other)), *attempt(1, "fail"), brought, end)
    assert (state.can_go_on, state.can_be_reopened) == (False, False)
    assert not any("go on with it" in line for line in summary(state))


def test_what_a_person_mends_says_so_when_a_limit_is_reached_too() -> None:
    blocked = ended(Limits(max_attempts=1), [*turn(1, text="BLOCKED: a key is wanted"), *attempt(1, "fail")[2:]])
    assert blocked.can_be_mended
    assert "  once that is mended: agentloop resume r --max-attempts 2" in summary(blocked)


def test_time_that_a_wait_would_have_used_up_is_still_there() -> None:
    """The run ended before its limit, since the agent could not be asked again within it; now it can."""
    before = at(NOW + 7.5, begun(job(limits=Limits(max_time_s=8))), *failed(1, "transient"), snapshot(1, "t0"))
    assert stop(loop.next_step(before)).outcome == "spent"
    over = at(NOW + 7.5, before, ev.RunEnded(outcome="spent", exit_code=4, reason="it broke"))
    assert reopening.command(over) == "agentloop resume r"
    assert loop.next_step(resumed(over)) == steps.Prompt("continue", 1)


def test_a_resume_of_an_older_version_is_read_and_changes_no_limit() -> None:
    line = b'{"seq":7,"at":5.0,"type":"run.resumed","killed":["sleep"],"max_wait_s":null}'
    before = begun(job(limits=Limits(max_attempts=4)))
    assert fold([ev.parse(line)], before).task.limits == Limits(max_attempts=4)


def test_a_limit_is_another_one_also_in_a_run_that_was_cut_off() -> None:
    before = at(NOW, begun(job(limits=Limits(max_wait_s=7))), check(1, "fail"))
    again = at(NOW, before, ev.RunResumed(limits=Limits(max_attempts=1, max_wait_s=7), max_wait_s=9))
    assert again.task.limits == Limits(max_attempts=1, max_wait_s=9)
