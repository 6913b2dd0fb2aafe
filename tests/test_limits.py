"""What bounds a run, decided from states that are folded from events: the clock is that of the events."""

import itertools

import pytest

from agentloop import events as ev
from agentloop.job import Job, Limits
from agentloop.run import limits, loop
from agentloop.state import RunState, steps
from agentloop.state.fold import fold

from .test_loop import JOB, RED, STRUGGLED, check, job, snapshot, state, turn

HOUR_S = 3600.0
NOW = 1_000_000.0
SEQ = itertools.count()


def at(now: float, before: RunState, *events: ev.Event) -> RunState:
    """The state after further events, which happen at one time."""
    return fold([event.model_copy(update={"at": now, "seq": next(SEQ)}) for event in events], before)


def begun(told: Job = JOB) -> RunState:
    """A run before its first turn."""
    return at(NOW, RunState(), ev.RunStarted(run="r", version="0", job=told), *RED)


def failed(
    number: int, error_class: ev.ErrorClass = "rate_limit", *, reset_at: float | None = None, tool_calls: int = 0
) -> list[ev.Event]:
    started, ended = turn(number, status="failed", error_class=error_class)
    return [started, ended.model_copy(update={"reset_at": reset_at, "tool_calls": tool_calls})]


def waited(decided: steps.Step, now: float) -> tuple[ev.WaitStarted, ev.WaitEnded]:
    """The events of a wait that was decided on."""
    assert isinstance(decided, steps.StartWait), decided
    until = decided.until if decided.until is not None else now + decided.delay_s
    return ev.WaitStarted(until=until, cause=decided.cause, reason=decided.reason), ev.WaitEnded()


def stop(decided: steps.Step) -> steps.Stop:
    assert isinstance(decided, steps.Stop), decided
    return decided


START = begun()


@pytest.mark.parametrize(("reset_s", "margin_s"), [(2, 1.1), (600, 31), (2 * HOUR_S, 60)])
def test_a_reset_is_waited_for_with_a_margin_that_fits(reset_s: float, margin_s: float) -> None:
    decided = loop.next_step(at(NOW, START, *failed(1, reset_at=NOW + reset_s)))
    assert isinstance(decided, steps.StartWait)
    assert (decided.cause, decided.reason) == ("rate_limit", "it broke")
    assert decided.until == pytest.approx(NOW + reset_s + margin_s)


def test_a_reset_that_is_farther_away_than_may_be_waited_for_says_when_to_go_on() -> None:
    ended = stop(loop.next_step(at(NOW, START, *failed(1, reset_at=NOW + 7 * HOUR_S), snapshot(1, "t0"))))
    assert (ended.outcome, ended.exit_code) == ("rate_limited", 75)
    assert "it broke" in ended.reason
    assert "--wait 6h" in ended.reason
    assert "go on after 1970-01-1" in ended.reason


def test_nothing_is_waited_for_when_it_is_said_so() -> None:
    never = job(limits=Limits(max_wait_s=0))
    now = at(NOW, begun(never), *failed(1), snapshot(1, "t0"))
    assert stop(loop.next_step(now)).exit_code == 75
    assert "--wait never" in stop(loop.next_step(now)).reason


def test_whoever_resumes_a_limited_run_gives_it_a_new_chance() -> None:
    never = job(limits=Limits(max_wait_s=0))
    ended = ev.RunEnded(outcome="rate_limited", exit_code=75, reason="it broke")
    without = at(NOW, begun(never), *failed(1), snapshot(1, "t0"), ended)
    assert without.can_go_on
    assert loop.next_step(at(NOW + 5, without, ev.RunResumed())) == steps.Prompt("continue", 1)
    named = at(NOW, begun(never), *failed(1, reset_at=NOW + HOUR_S), snapshot(1, "t0"), ended)
    assert stop(loop.next_step(at(NOW + 5, named, ev.RunResumed()))).exit_code == 75  # it is still to come
    assert loop.next_step(at(NOW + 2 * HOUR_S, named, ev.RunResumed())) == steps.Prompt("continue", 1)


@pytest.mark.parametrize("events", [
    [*failed(1, "login"), snapshot(1, "t0")],
    [*turn(1, text="BLOCKED: a key is wanted"), snapshot(1), check(1, "fail")],
])  # fmt: skip
def test_whoever_mends_what_ended_a_run_and_resumes_it_gives_it_a_new_chance(events: list[ev.Event]) -> None:
    before = at(NOW, START, *events)
    stopped = stop(loop.next_step(before))
    ended = at(NOW, before, ev.RunEnded(outcome=stopped.outcome, exit_code=stopped.exit_code, reason=stopped.reason))
    assert (ended.can_go_on, ended.can_be_mended) == (False, True)
    resumed = at(NOW, ended, ev.RunResumed())
    assert isinstance(loop.next_step(resumed), steps.Prompt)
    again = [event.model_copy(update={"turn": 2}) if isinstance(event, ev.TurnStarted | ev.TurnEnded) else event
             for event in events if not isinstance(event, ev.Snapshotted)]  # fmt: skip
    assert stop(loop.next_step(at(NOW, resumed, *again[:2], snapshot(2, "t0"), *again[2:]))).outcome == stopped.outcome


def test_whoever_resumes_may_say_how_long_is_waited() -> None:
    never = job(limits=Limits(max_wait_s=0))
    ended = ev.RunEnded(outcome="rate_limited", exit_code=75, reason="it broke")
    limited = at(NOW, begun(never), *failed(1, reset_at=NOW + HOUR_S), snapshot(1, "t0"), ended)
    resumed = at(NOW + 5, limited, ev.RunResumed(max_wait_s=2 * HOUR_S))
    assert isinstance(loop.next_step(resumed), steps.StartWait)
    assert isinstance(loop.next_step(at(NOW + 6, resumed, ev.RunResumed())), steps.StartWait)
    waiting = at(NOW + 6, resumed, ev.WaitStarted(until=NOW + HOUR_S, cause="rate_limit", reason="it broke"))
    assert stop(loop.next_step(at(NOW + 7, waiting, ev.RunResumed(max_wait_s=0)))).exit_code == 75
    longer = loop.next_step(at(NOW + 7, waiting, ev.RunResumed(max_wait_s=3 * HOUR_S)))
    assert isinstance(longer, steps.StartWait)
    assert longer.until == pytest.approx(NOW + HOUR_S + 60)


def test_a_pause_takes_nothing_of_the_runs_time_and_a_backoff_does() -> None:
    causes: list[tuple[ev.ErrorClass, float]] = [("rate_limit", 0.0), ("transient", HOUR_S)]
    for cause, takes_s in causes:
        before = at(NOW, START, *failed(1, cause))
        waiting = at(NOW, before, ev.WaitStarted(until=NOW + HOUR_S, cause=cause, reason="it broke"))
        after = at(NOW + HOUR_S, waiting, ev.WaitEnded())
        assert after.elapsed_s - before.elapsed_s == takes_s
        assert loop.next_step(after) == steps.Prompt("continue", 1)
        assert not after.checks


@pytest.mark.parametrize("resumes", [[ev.RunResumed()], [ev.RunInterrupted(signal="SIGINT"), ev.RunResumed()]])
def test_a_wait_that_was_cut_off_is_gone_on_with(resumes: list[ev.Event]) -> None:
    wait = ev.WaitStarted(until=NOW + HOUR_S, cause="rate_limit", reason="it broke")
    cut = at(NOW + 60, at(NOW, START, *failed(1), wait), *resumes)
    assert loop.next_step(cut) == steps.Wait(NOW + HOUR_S)
    assert cut.elapsed_s == START.elapsed_s
    assert loop.next_step(at(NOW + HOUR_S, cut, ev.WaitEnded())) == steps.Prompt("continue", 1)


@pytest.mark.parametrize("reset_s", [None, 1.0])
def test_waits_grow_and_have_an_end_also_when_each_names_a_time(reset_s: float | None) -> None:
    """An agent that never works again is given up when the longest wait is reached in all."""
    run, now, waits_s = START, NOW, list[float]()
    for number in range(1, 1000):
        resets_at = None if reset_s is None else now + reset_s
        run = at(now, run, *failed(number, reset_at=resets_at), snapshot(number, "t0"))
        decided = loop.next_step(run)
        if isinstance(decided, steps.Stop):
            break
        begins, ends = waited(decided, now)
        waits_s.append(begins.until - now)
        run, now = at(begins.until, at(now, run, begins), ends), begins.until
    assert stop(decided).exit_code == 75
    assert waits_s == sorted(waits_s)
    assert 5 * HOUR_S < sum(waits_s) <= 6 * HOUR_S
    assert number < 50


def test_a_limit_after_work_is_another_limit() -> None:
    """Overnight, work and limits of hours take turns; each is waited for, whatever was waited for before."""
    run, now = START, NOW
    for number in range(1, 6):
        run = at(now, run, *failed(number, reset_at=now + 5 * HOUR_S, tool_calls=7))
        begins, ends = waited(loop.next_step(run), now)
        run, now = at(begins.until, at(now, run, begins), ends), begins.until
    assert run.elapsed_s == START.elapsed_s


def test_a_fault_that_passes_is_backed_off_from_within_the_runs_time() -> None:
    run, now, delays_s = START, NOW, list[float]()
    for number in range(1, limits.MAX_FAULTS + 1):
        run = at(now, run, *failed(number, "transient"), snapshot(number, "t0"))
        decided = loop.next_step(run)
        if isinstance(decided, steps.Stop):
            break
        begins, ends = waited(decided, now)
        delays_s.append(begins.until - now)
        run, now = at(begins.until, at(now, run, begins), ends), begins.until
    assert (stop(decided).outcome, stop(decided).exit_code, stop(decided).reason) == ("agent_unusable", 5, "it broke")
    assert delays_s == [2, 4, 8, 16, 32, 64, 128, 256, 300]

    short = job(limits=Limits(max_time_s=8.0))
    soon = at(NOW + 5, begun(short), *failed(1, "transient"), snapshot(1, "t0"))
    assert isinstance(loop.next_step(soon), steps.StartWait)
    late = at(NOW + 7.5, begun(short), *failed(1, "transient"), snapshot(1, "t0"))
    assert (stop(loop.next_step(late)).outcome, stop(loop.next_step(late)).exit_code) == ("spent", 4)
    assert "it broke" in stop(loop.next_step(late)).reason


def test_a_usage_limit_is_no_failure() -> None:
    """Faults before and after it count together, and it does not count among them."""
    turns = [event for n in (1, 2) for event in failed(n, "transient")] + failed(3)
    assert limits.faults_in_a_row(at(NOW, START, *turns), at(NOW, START, *turns).work_turns) == 2


def test_a_limit_in_the_turn_about_the_skill_is_waited_for_and_costs_it_when_it_may_not_be() -> None:
    asked = [*turn(3, "distill", "failed", "rate_limit"), snapshot(3, "t2")]
    decided = loop.next_step(state(STRUGGLED, asked))
    assert isinstance(decided, steps.StartWait)
    assert loop.next_step(state(STRUGGLED, asked, *waited(decided, 0.0))) == steps.Distill()
    never = job(limits=Limits(max_wait_s=0))
    assert isinstance(loop.next_step(state(STRUGGLED, asked, job=never)), steps.KeepBack)


def used(number: int, usage: ev.Usage) -> list[ev.Event]:
    started, ended = turn(number)
    return [started, ended.model_copy(update={"usage": usage}), snapshot(number), check(number, "fail")]


@pytest.mark.parametrize(("usage", "words"), [
    (ev.Usage(cost_usd=1.5), "the money is spent: $1.50 of $1.00"),
    (ev.Usage(cost_usd=1.5, cost_is_estimated=True), "the money is spent: ~$1.50 of $1.00"),
    (ev.Usage(input_tokens=900, output_tokens=200), "the tokens are spent: 1,100 of 1,000"),
])  # fmt: skip
def test_money_and_tokens_run_out_by_report_or_by_estimate(usage: ev.Usage, words: str) -> None:
    told = job(limits=Limits(max_cost_usd=1.0, max_tokens=1000))
    ended = stop(loop.next_step(state(*RED, used(1, usage), job=told)))
    assert (ended.outcome, ended.exit_code, ended.reason) == ("spent", 4, words)
    off = job(limits=Limits(max_cost_usd=None, max_tokens=None))
    assert loop.next_step(state(*RED, used(1, usage), job=off)) == steps.Prompt("retry", 2)


def test_limits_are_kept_across_resumes() -> None:
    told = job(limits=Limits(max_cost_usd=1.0, max_attempts=9))
    parts = [used(n, ev.Usage(cost_usd=0.4)) for n in (1, 2, 3)]
    events: list[ev.Event] = [event for part in parts for event in (*part, ev.RunResumed())]
    assert stop(loop.next_step(state(*RED, events, job=told))).outcome == "spent"


def test_what_is_left_of_the_money() -> None:
    told = job(limits=Limits(max_cost_usd=1.0))
    assert limits.left_usd(state(*RED, job=told)) == 1.0
    assert limits.left_usd(state(*RED, used(1, ev.Usage(cost_usd=0.4)), job=told)) == pytest.approx(0.6)
    assert limits.left_usd(state(*RED, used(1, ev.Usage(cost_usd=3.0)), job=told)) == 0.0
    assert limits.left_usd(state(*RED, job=job(limits=Limits(max_cost_usd=None)))) is None


def test_each_limit_has_a_default() -> None:
    assert None not in Limits().model_dump().values()
