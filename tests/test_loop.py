"""The decision, from states that are folded from events: no process, no clock, no disk."""

from dataclasses import replace

import pytest

from agentloop import events as ev
from agentloop.job import ByHand, Job, Limits
from agentloop.run import loop
from agentloop.state import RunState, steps
from agentloop.state.fold import fold

JOB = Job(task="mend it", until=("pytest passes",), agent="claude", worktree="repo", guard="off")
GUARDED = JOB.model_copy(update={"guard": "enforce"})


def leaf(verdict: ev.VerdictValue, *, missing: bool = False) -> ev.Leaf:
    return ev.Leaf(source="pytest passes", verdict=verdict, reason=f"it is {verdict}", missing=missing)


def check(
    attempt: int, verdict: ev.VerdictValue, role: ev.CheckRole = "attempt", *, missing: bool = False
) -> ev.Checked:
    leaves = (leaf(verdict, missing=missing),)
    return ev.Checked(attempt=attempt, role=role, verdict=verdict, leaves=leaves, duration_s=0.1)


def snapshot(n: int, tree: str = "") -> ev.Snapshotted:
    return ev.Snapshotted(n=n, commit=f"c{n}", tree=tree or f"t{n}")


def turn(
    number: int,
    purpose: ev.Purpose = "work",
    status: ev.TurnStatus = "done",
    error_class: ev.ErrorClass | None = None,
    text: str = "",
    cost_usd: float | None = None,
) -> list[ev.Event]:
    started = ev.TurnStarted(turn=number, purpose=purpose, prompt="p", log="l", session="s")
    ended = ev.TurnEnded(
        turn=number, purpose=purpose, status=status, session="s", text=text, error_class=error_class,
        error="it broke" if status == "failed" else "", usage=ev.Usage(cost_usd=cost_usd),
    )  # fmt: skip
    return [started, ended]


def state(*parts: ev.Event | list[ev.Event], job: Job = JOB) -> RunState:
    events: list[ev.Event] = [ev.RunStarted(run="r", version="0", job=job)]
    for part in parts:
        events += part if isinstance(part, list) else [part]
    stamped = [event.model_copy(update={"seq": n, "at": float(n + 1)}) for n, event in enumerate(events)]
    return fold(stamped)


def attempt(number: int, verdict: ev.VerdictValue, tree: str = "") -> list[ev.Event]:
    """A turn and its check; after a pass the tree is recorded once more, as the check left it."""
    settled = [snapshot(number, tree)] if verdict == "pass" else []
    return [*turn(number), snapshot(number, tree), check(number, verdict), *settled]


WAIT = ev.WaitStarted(until=100.0, cause="transient", reason="it broke")
WAITED: list[ev.Event] = [WAIT, ev.WaitEnded()]


def cut_off(number: int, purpose: ev.Purpose = "work", tree: str = "") -> list[ev.Event]:
    """A turn that was cut off, and the tree recorded as it left it."""
    return [turn(number, purpose)[0], ev.RunResumed(), snapshot(number, tree)]


RED: list[ev.Event] = [check(0, "fail"), snapshot(0), ev.GuardBegan()]


def test_a_run_begins_with_a_check() -> None:
    assert loop.next_step(state()) == steps.Check(0)


def test_a_missing_command_stops_before_any_turn() -> None:
    step = loop.next_step(state(check(0, "error", missing=True)))
    assert isinstance(step, steps.Stop)
    assert (step.outcome, step.exit_code) == ("bad_predicate", 2)


def test_without_a_task_a_predicate_that_holds_means_nothing_to_do() -> None:
    step = loop.next_step(state(check(0, "pass"), job=JOB.model_copy(update={"task": ""})))
    assert isinstance(step, steps.Stop)
    assert (step.outcome, step.exit_code) == ("already_holds", 0)


def test_with_a_task_a_turn_is_taken_although_the_predicate_holds() -> None:
    before = state(check(0, "pass"))
    assert loop.next_step(before) == steps.Snapshot(0)
    assert loop.next_step(state(check(0, "pass"), snapshot(0))) == steps.Prompt("task", 1)


def test_each_turn_is_snapshotted_then_checked() -> None:
    assert loop.next_step(state(*RED)) == steps.Prompt("task", 1)
    assert loop.next_step(state(*RED, turn(1))) == steps.Snapshot(1)
    assert loop.next_step(state(*RED, turn(1), snapshot(1))) == steps.Check(1)


@pytest.mark.parametrize("verdict", ["fail", "error"])
def test_only_a_pass_ends_the_loop(verdict: ev.VerdictValue) -> None:
    assert loop.next_step(state(*RED, attempt(1, verdict))) == steps.Prompt("retry", 2)


def test_a_first_attempt_that_passes_is_not_asked_for_a_skill() -> None:
    step = loop.next_step(state(*RED, attempt(1, "pass")))
    assert step == steps.Stop("reached", 0, "the predicate holds after 1 attempt")


def test_always_asks_and_never_does_not() -> None:
    always = JOB.model_copy(update={"distill": "always"})
    never = JOB.model_copy(update={"distill": "never"})
    assert loop.next_step(state(*RED, attempt(1, "pass"), job=always)) == steps.Distill()
    step = loop.next_step(state(*RED, attempt(1, "fail"), attempt(2, "pass"), job=never))
    assert isinstance(step, steps.Stop)


STRUGGLED: list[ev.Event] = [*RED, *attempt(1, "fail"), *attempt(2, "pass")]


def test_a_struggle_is_distilled_inspected_published_and_linked() -> None:
    drafted = ev.SkillDrafted(name="n", path="d/n")
    published = ev.SkillPublished(name="n", commit="c", paths=("skills/n/SKILL.md",))
    assert loop.next_step(state(STRUGGLED)) == steps.Distill()
    asked: list[ev.Event] = [*STRUGGLED, *turn(3, "distill")]
    assert loop.next_step(state(asked)) == steps.Snapshot(3)
    asked.append(snapshot(3, "t2"))
    assert loop.next_step(state(asked)) == steps.Inspect()
    assert loop.next_step(state(asked, drafted)) == steps.Publish()
    assert loop.next_step(state(asked, drafted, published)) == steps.Link()
    linked = ev.SkillsLinked(paths=(".agents/skills",))
    last = loop.next_step(state(asked, drafted, published, linked))
    assert last == steps.Stop("reached", 0, "the predicate holds after 2 attempts")


DRAFTED: list[ev.Event] = [*STRUGGLED, *turn(3, "distill"), snapshot(3, "t2"), ev.SkillDrafted(name="n", path="d/n")]


def job(**told: object) -> Job:
    return JOB.model_copy(update=told)


def test_a_skill_on_another_branch_is_not_linked() -> None:
    there = ev.SkillPublished(name="n", commit="c", paths=("skills/n/SKILL.md",), branch="b")
    told = job(skills_to="branch", skills_branch="b")
    assert loop.next_step(state(DRAFTED, job=told)) == steps.Publish()
    assert isinstance(loop.next_step(state(DRAFTED, there, job=told)), steps.Stop)
    here = there.model_copy(update={"branch": ""})  # the branch was the one that is checked out
    assert loop.next_step(state(DRAFTED, here, job=told)) == steps.Link()


@pytest.mark.parametrize("review", [True, False])
def test_the_outbox_keeps_the_draft_and_nobody_is_asked(review: bool) -> None:
    step = loop.next_step(state(DRAFTED, job=job(skills_to="outbox", review=review)))
    assert step == steps.KeepBack("skills go to the outbox")


def test_a_person_is_asked_about_a_draft_without_findings_and_once() -> None:
    told = job(review=True)
    assert loop.next_step(state(DRAFTED, job=told)) == steps.Ask()
    assert loop.next_step(state(DRAFTED, ev.RunResumed(), job=told)) == steps.Ask()
    assert loop.next_step(state(DRAFTED, ev.SkillAccepted(name="n"), job=told)) == steps.Publish()
    for answer in (ev.SkillRejected(name="n", reason="no"), ev.SkillKeptBack(reason="put off", path="d/n")):
        step = loop.next_step(state(DRAFTED, answer, job=told))
        assert isinstance(step, steps.Stop)
        assert (step.outcome, step.exit_code) == ("reached", 0)


def test_a_draft_with_findings_is_repaired_before_anybody_is_asked() -> None:
    broken = ev.SkillDrafted(name="n", path="d/n", findings=("wrong",))
    assert loop.next_step(state(DRAFTED[:-1], broken, job=job(review=True))) == steps.Repair(("wrong",))


def test_a_new_draft_is_asked_about_anew() -> None:
    told = job(review=True)
    assert loop.next_step(state(DRAFTED, ev.SkillAccepted(name="n"), DRAFTED[-1], job=told)) == steps.Ask()


def test_a_draft_waits_until_a_person_has_decided() -> None:
    kept = ev.SkillKeptBack(reason="put off", path="d/n")
    assert state(DRAFTED, kept).waits_for_review
    assert not state(DRAFTED, kept, ev.SkillRejected(name="n", reason="no")).waits_for_review
    assert not state(DRAFTED, kept, ev.SkillPublished(name="n", commit="c", paths=())).waits_for_review
    assert not state(DRAFTED[:-1], ev.SkillKeptBack(reason="the session wrote no draft")).waits_for_review


def test_a_tree_that_changed_while_distilling_is_checked_again() -> None:
    changed: list[ev.Event] = [*STRUGGLED, *turn(3, "distill"), snapshot(3, "other")]
    assert loop.next_step(state(changed)) == steps.Check(3, "recheck")
    held = state(changed, check(3, "pass", "recheck"), snapshot(3, "other"))
    assert len(held.checks) == 2  # no attempt: no turn that worked on the task came before it
    assert loop.next_step(held) == steps.Inspect()
    assert loop.next_step(state(changed, check(3, "fail", "recheck"))) == steps.Prompt("retry", 4)
    again: list[ev.Event] = [*changed, check(3, "fail", "recheck"), *turn(4)]
    assert loop.next_step(state(again)) == steps.Snapshot(4)
    assert loop.next_step(state(again, snapshot(4))) == steps.Check(4)


def test_what_the_check_itself_wrote_is_no_change_by_the_session() -> None:
    wrote: list[ev.Event] = [*RED, *attempt(1, "fail"), *turn(2), snapshot(2), check(2, "pass"), snapshot(2, "cached")]
    assert loop.next_step(state(wrote)) == steps.Distill()
    assert loop.next_step(state(wrote, turn(3, "distill"), snapshot(3, "cached"))) == steps.Inspect()


def test_what_a_pass_is_held_against_is_noted_before_the_first_turn() -> None:
    assert loop.next_step(state(check(0, "fail"), snapshot(0), job=GUARDED)) == steps.Baseline()
    assert loop.next_step(state(*RED, job=GUARDED)) == steps.Prompt("task", 1)


def test_a_pass_counts_when_the_guard_accepts_it() -> None:
    passed: list[ev.Event] = [*RED, *turn(1), snapshot(1), check(1, "pass")]
    assert loop.next_step(state(passed, job=GUARDED)) == steps.Snapshot(1)
    passed.append(snapshot(1))
    assert loop.next_step(state(passed, job=GUARDED)) == steps.Guard(1)
    step = loop.next_step(state(passed, ev.Guarded(attempt=1, accepted=True), job=GUARDED))
    assert isinstance(step, steps.Stop)
    assert step.exit_code == 0


def test_a_dishonest_pass_goes_back_once_and_then_ends_the_run() -> None:
    refused = ev.Guarded(attempt=1, accepted=False, problems=("passes only with edited checks",), files=("t.py",))
    once: list[ev.Event] = [*RED, *attempt(1, "pass"), refused]
    assert loop.next_step(state(once, job=GUARDED)) == steps.Prompt("dishonest", 2)
    twice = [*once, *attempt(2, "pass"), refused]
    step = loop.next_step(state(twice, job=GUARDED))
    assert isinstance(step, steps.Stop)
    assert (step.outcome, step.exit_code) == ("dishonest", 6)
    gave_in: list[ev.Event] = [*once, *turn(2, text="BLOCKED: the test is wrong"), snapshot(2), check(2, "fail")]
    step = loop.next_step(state(gave_in, job=GUARDED))
    assert isinstance(step, steps.Stop)
    assert step.exit_code == 7


def test_a_pass_that_was_only_warned_of_teaches_nothing() -> None:
    warned = ev.Guarded(attempt=2, accepted=True, problems=("passes only with edited checks",))
    step = loop.next_step(state(STRUGGLED, warned, job=JOB.model_copy(update={"guard": "warn"})))
    assert isinstance(step, steps.Stop)
    assert step.exit_code == 0


def test_an_accepting_check_is_repeated_as_often_as_was_asked() -> None:
    job = JOB.model_copy(update={"confirm": 3, "distill": "always"})
    passed: list[ev.Event] = [*RED, *attempt(1, "pass")]
    for _ in range(2):
        assert loop.next_step(state(passed, job=job)) == steps.Check(1, "confirm")
        passed.append(check(1, "pass", "confirm"))
    assert loop.next_step(state(passed, snapshot(1), job=job)) == steps.Distill()


def test_a_flaky_pass_is_no_pass_and_teaches_nothing() -> None:
    job = JOB.model_copy(update={"confirm": 2, "distill": "always"})
    flaky: list[ev.Event] = [*RED, *attempt(1, "pass"), check(1, "fail", "confirm")]
    assert loop.next_step(state(flaky, job=job)) == steps.Prompt("retry", 2)
    later: list[ev.Event] = [*flaky, *attempt(2, "pass"), check(2, "pass", "confirm"), snapshot(2)]
    assert isinstance(loop.next_step(state(later, job=job)), steps.Stop)


def test_a_pass_on_a_tree_that_failed_before_is_asked_for_twice() -> None:
    history: list[ev.Event] = [*RED, *attempt(1, "fail", "same"), *attempt(2, "pass", "same")]
    assert loop.next_step(state(history)) == steps.Check(2, "confirm")


def test_what_waits_for_a_person_stops() -> None:
    open_leaf = ev.Leaf(source="approved", kind="approved", verdict="error", reason="nobody to ask")
    waiting = ev.Checked(attempt=1, verdict="error", leaves=(leaf("pass"), open_leaf), duration_s=0.1)
    step = loop.next_step(state(*RED, turn(1), snapshot(1), waiting))
    assert isinstance(step, steps.Stop)
    assert step.exit_code == 7


@pytest.mark.parametrize("error_class", ["login", "rate_limit"])
def test_work_that_was_done_before_the_agent_failed_is_looked_at(error_class: ev.ErrorClass) -> None:
    never = job(limits=Limits(max_wait_s=0))
    failed: list[ev.Event] = turn(1, status="failed", error_class=error_class)
    assert loop.next_step(state(*RED, failed, job=never)) == steps.Snapshot(1)
    assert loop.next_step(state(*RED, failed, snapshot(1), job=never)) == steps.Check(1)
    assert isinstance(loop.next_step(state(*RED, failed, snapshot(1), check(1, "fail"), job=never)), steps.Stop)


def test_a_passing_fault_does_not_cost_the_skill() -> None:
    asked: list[ev.Event] = [*STRUGGLED, *turn(3, "distill", "failed", "transient"), snapshot(3, "t2")]
    step = loop.next_step(state(asked))
    assert isinstance(step, steps.StartWait)
    assert loop.next_step(state(asked, WAITED)) == steps.Distill()


LOST = ev.SessionLost(session="s", reason="it broke")


@pytest.mark.parametrize("error_class", ["session_lost", "context"])
def test_a_session_that_cannot_be_asked_for_the_skill_gives_way_to_another_once(error_class: ev.ErrorClass) -> None:
    failed: list[ev.Event] = [*STRUGGLED, *turn(3, "distill", "failed", error_class), snapshot(3, "t2")]
    assert loop.next_step(state(failed)) == steps.LoseSession("it broke")
    anew: list[ev.Event] = [*failed, LOST]
    assert loop.next_step(state(anew)) == steps.Distill()
    cut = state(anew, cut_off(4, "distill", "t2"))
    assert (loop.next_step(cut), cut.skill_from_ledger) == (steps.Distill(), True)
    again: list[ev.Event] = [*anew, *turn(4, "distill", "failed", error_class), snapshot(4, "t2")]
    assert isinstance(loop.next_step(state(again)), steps.KeepBack)
    told = state(anew, turn(4, "distill"), snapshot(4, "t2"))
    assert (loop.next_step(told), told.skill_from_ledger) == (steps.Inspect(), True)


def test_a_repair_whose_session_is_gone_is_asked_of_another() -> None:
    bad = ev.SkillDrafted(name="n", path="d/n", findings=("no name",))
    drafted: list[ev.Event] = [*STRUGGLED, *turn(3, "distill"), snapshot(3, "t2"), bad]
    failed: list[ev.Event] = [*drafted, *turn(4, "repair", "failed", "session_lost"), snapshot(4, "t2")]
    assert isinstance(loop.next_step(state(failed)), steps.LoseSession)
    assert loop.next_step(state(failed, LOST)) == steps.Repair(("no name",))
    cut = state(failed, LOST, cut_off(5, "repair", "t2"))
    assert loop.next_step(cut) == steps.Repair(("no name",))
    mended: list[ev.Event] = [*failed, LOST, *turn(5, "repair"), snapshot(5, "t2")]
    assert loop.next_step(state(mended)) == steps.Inspect()


def test_an_agent_without_sessions_has_no_other_to_ask() -> None:
    events: list[ev.Event] = [*STRUGGLED, *turn(3, "distill", "failed", "context"), snapshot(3, "t2")]
    alone = state(events)
    assert isinstance(loop.next_step(replace(alone, resumable=False, session=None)), steps.KeepBack)


def test_a_new_session_for_the_skill_is_no_way_round_the_budget() -> None:
    costly = JOB.model_copy(update={"limits": Limits(max_cost_usd=1.0)})
    failed: list[ev.Event] = [*STRUGGLED, *turn(3, "distill", "failed", "context", cost_usd=1.5), snapshot(3, "t2")]
    assert isinstance(loop.next_step(state(failed, job=costly)), steps.KeepBack)


def test_fresh_leaves_each_session_before_the_next_attempt_and_asks_the_last_for_the_skill() -> None:
    fresh = job(session="fresh")
    left = ev.SessionLeft(session="s")
    assert loop.next_step(state(*RED, job=fresh)) == steps.Prompt("task", 1)
    once: list[ev.Event] = [*RED, *attempt(1, "fail")]
    assert loop.next_step(state(once, job=fresh)) == steps.LeaveSession()
    after = state(once, left, job=fresh)
    assert (loop.next_step(after), after.session) == (steps.Prompt("retry", 2), None)
    assert loop.next_step(state(once, left, ev.RunResumed(), job=fresh)) == steps.Prompt("retry", 2)
    cut: list[ev.Event] = [*once, left, *cut_off(2)]
    assert loop.next_step(state(cut, job=fresh)) == steps.LeaveSession()
    assert loop.next_step(state(cut, left, job=fresh)) == steps.Prompt("continue", 2)
    assert loop.next_step(state(once, left, attempt(2, "pass"), job=fresh)) == steps.Distill()


def test_fresh_takes_a_new_session_after_a_passing_fault_too() -> None:
    fresh = job(session="fresh")
    failed: list[ev.Event] = [*turn(1, status="failed", error_class="transient"), *WAITED]
    assert loop.next_step(state(*RED, failed, job=fresh)) == steps.LeaveSession()
    step = loop.next_step(state(*RED, failed, ev.SessionLeft(session="s"), job=fresh))
    assert step == steps.Prompt("continue", 1)


def test_fresh_leaves_nothing_where_there_is_no_session() -> None:
    before = state(*RED, attempt(1, "fail"), job=job(session="fresh"))
    assert loop.next_step(replace(before, resumable=False, session=None)) == steps.Prompt("retry", 2)


def test_findings_go_back_twice_and_then_the_draft_is_kept_back() -> None:
    bad = ev.SkillDrafted(name="n", path="d/n", findings=("no name",))
    history: list[ev.Event] = [*STRUGGLED, *turn(3, "distill"), snapshot(3, "t2"), bad]
    for number in (4, 5):
        assert loop.next_step(state(history)) == steps.Repair(("no name",))
        history += [*turn(number, "repair"), snapshot(number, "t2")]
        assert loop.next_step(state(history)) == steps.Inspect()
        history.append(bad)
    assert isinstance(loop.next_step(state(history)), steps.KeepBack)
    history.append(ev.SkillKeptBack(reason="1 finding left", path="d/n"))
    step = loop.next_step(state(history))
    assert isinstance(step, steps.Stop)
    assert step.exit_code == 0


def test_a_declined_skill_leaves_the_run_a_success() -> None:
    declined = ev.SkillDeclined(reason="nothing new")
    step = loop.next_step(state(STRUGGLED, turn(3, "distill"), snapshot(3, "t2"), declined))
    assert isinstance(step, steps.Stop)
    assert step.exit_code == 0


def test_the_attempts_run_out() -> None:
    job = JOB.model_copy(update={"limits": Limits(max_attempts=2)})
    step = loop.next_step(state(*RED, attempt(1, "fail"), attempt(2, "fail"), job=job))
    assert isinstance(step, steps.Stop)
    assert (step.outcome, step.exit_code) == ("not_reached", 1)


def test_the_money_runs_out() -> None:
    job = JOB.model_copy(update={"limits": Limits(max_cost_usd=1.0)})
    costly: list[ev.Event] = [*turn(1, cost_usd=1.5), snapshot(1), check(1, "fail")]
    step = loop.next_step(state(*RED, costly, job=job))
    assert isinstance(step, steps.Stop)
    assert (step.outcome, step.exit_code) == ("spent", 4)


def test_the_time_runs_out_and_a_pause_does_not_count() -> None:
    events: list[ev.Event] = [
        ev.RunStarted(run="r", version="0", job=JOB, at=0.5),
        check(0, "fail").model_copy(update={"at": 10.0}),
        ev.RunResumed(at=10_000.0),
        snapshot(0).model_copy(update={"at": 10_001.0}),
    ]
    assert fold(events).elapsed_s == pytest.approx(10.5)


@pytest.mark.parametrize(
    ("error_class", "exit_code"), [("login", 5), ("permanent", 5)]
)  # fmt: skip
def test_an_agent_that_cannot_work_stops_at_once(error_class: ev.ErrorClass, exit_code: int) -> None:
    step = loop.next_step(state(*RED, turn(1, status="failed", error_class=error_class), snapshot(1, "t0")))
    assert isinstance(step, steps.Stop)
    assert (step.outcome, step.exit_code, step.reason) == ("agent_unusable", exit_code, "it broke")


@pytest.mark.parametrize("error_class", ["transient", "rate_limit"])
def test_a_passing_fault_is_retried_later_and_is_no_attempt(error_class: ev.ErrorClass) -> None:
    failed: list[ev.Event] = turn(1, status="failed", error_class=error_class)
    assert isinstance(loop.next_step(state(*RED, failed)), steps.StartWait)
    assert loop.next_step(state(*RED, failed, WAIT)) == steps.Wait(100.0)
    assert loop.next_step(state(*RED, failed, WAITED)) == steps.Prompt("continue", 1)


def test_a_lost_session_is_given_up_and_another_is_told_everything() -> None:
    lost = turn(2, status="failed", error_class="session_lost")
    before = state(*RED, attempt(1, "fail"), lost)
    assert isinstance(loop.next_step(before), steps.LoseSession)
    after = state(*RED, attempt(1, "fail"), lost, ev.SessionLost(session="s", reason="gone"))
    assert after.session is None
    assert isinstance(loop.next_step(after), steps.Prompt)


def test_an_agent_that_fails_twice_and_changes_nothing_is_unusable() -> None:
    def failed(n: int) -> list[ev.Event]:
        return [*turn(n, status="failed"), snapshot(n, "same"), check(n, "fail")]

    history: list[ev.Event] = [check(0, "fail"), snapshot(0, "same"), ev.GuardBegan(), *failed(1)]
    assert isinstance(loop.next_step(state(history)), steps.Prompt)
    step = loop.next_step(state(history, failed(2)))
    assert isinstance(step, steps.Stop)
    assert step.exit_code == 5


def test_an_agent_may_say_that_a_person_is_needed() -> None:
    said: list[ev.Event] = [
        *turn(1, text="I looked.\nBLOCKED: the test contradicts the specification"),
        snapshot(1),
        check(1, "fail"),
    ]
    step = loop.next_step(state(*RED, said))
    assert isinstance(step, steps.Stop)
    assert step.exit_code == 7
    assert "contradicts" in step.reason


def test_a_turn_that_was_cut_off_is_taken_again_in_the_same_session() -> None:
    cut = state(*RED, attempt(1, "fail"), cut_off(2))
    assert cut.open_turn is None
    assert cut.session == "s"
    assert loop.next_step(cut) == steps.Prompt("continue", 2)


def test_a_skill_turn_that_was_cut_off_is_taken_again() -> None:
    assert loop.next_step(state(STRUGGLED, cut_off(3, "distill", "t2"))) == steps.Distill()


def test_what_a_turn_did_until_it_was_cut_off_is_recorded_before_the_next() -> None:
    cut: list[ev.Event] = [*RED, *attempt(1, "fail"), turn(2)[0]]
    assert loop.next_step(state(cut, ev.RunResumed())) == steps.Snapshot(2)
    recorded = state(cut, snapshot(2), ev.RunInterrupted(signal="SIGINT"), ev.RunResumed())
    assert loop.next_step(recorded) == steps.Prompt("continue", 2)


def test_wherever_a_run_is_cut_it_goes_on_as_if_it_had_not_been() -> None:
    drafted = ev.SkillDrafted(name="n", path="d/n")
    published = ev.SkillPublished(name="n", commit="c", paths=("skills/n/SKILL.md",))
    guarded = ev.Guarded(attempt=2, accepted=True)
    whole: list[ev.Event] = [*STRUGGLED, guarded, *turn(3, "distill"), snapshot(3, "t2"), drafted, published]
    whole.append(ev.SkillsLinked(paths=()))
    for cut in range(len(whole) + 1):
        unbroken = state(whole[:cut], job=GUARDED)
        step = loop.next_step(unbroken)
        resumed = [*whole[:cut], ev.RunResumed()]
        if unbroken.open_turn:
            assert loop.next_step(state(resumed, job=GUARDED)) == steps.Snapshot(unbroken.turns_started)
            resumed.append(snapshot(unbroken.turns_started, unbroken.snapshots[-1].tree))
            if unbroken.open_turn.purpose == "work":
                step = steps.Prompt("continue", unbroken.attempt)
        assert loop.next_step(state(resumed, job=GUARDED)) == step


def test_what_a_person_decides_after_the_end_takes_no_time_of_the_run() -> None:
    ended = ev.RunEnded(outcome="reached", exit_code=0, reason="it holds", at=100.0)
    before = state(DRAFTED, ended)
    after = fold([ev.SkillRejected(name="n", reason="no", at=before.last_at + 86400)], before)
    assert after.elapsed_s == before.elapsed_s


BY_HAND = GUARDED.model_copy(update={"task": "", "by_hand": ByHand()})
HANDS: list[ev.Event] = [snapshot(0), ev.GuardBegan()]


def passed_by_hand(job: Job, *more: ev.Event | list[ev.Event]) -> RunState:
    honest = ev.Guarded(attempt=1, accepted=True)
    return state(HANDS, attempt(1, "pass"), check(0, "fail", "start"), honest, *more, job=job)


def test_of_a_persons_work_the_tree_comes_first_and_the_check_of_the_start_after_a_pass() -> None:
    assert loop.next_step(state(job=BY_HAND)) == steps.Snapshot(0)
    assert loop.next_step(state(snapshot(0), job=BY_HAND)) == steps.Baseline()
    assert loop.next_step(state(HANDS, job=BY_HAND)) == steps.Drive(opens=True)
    assert loop.next_step(state(HANDS, turn(1), job=BY_HAND)) == steps.Snapshot(1)
    assert loop.next_step(state(HANDS, turn(1), snapshot(1), job=BY_HAND)) == steps.Check(1)
    assert loop.next_step(state(HANDS, attempt(1, "pass"), job=BY_HAND)) == steps.Check(0)
    assert loop.next_step(state(HANDS, attempt(1, "pass"), check(0, "fail"), job=BY_HAND)) == steps.Guard(1)
    unguarded = BY_HAND.model_copy(update={"guard": "off"})
    assert loop.next_step(state(HANDS, attempt(1, "pass"), job=unguarded)) == steps.Check(0)


def test_a_persons_agent_is_opened_once_and_a_session_of_before_never() -> None:
    started = turn(1)[:1]
    assert loop.next_step(state(HANDS, started, ev.RunResumed(), job=BY_HAND)) == steps.Drive(opens=False)
    before = BY_HAND.model_copy(update={"by_hand": ByHand(session="s")})
    assert loop.next_step(state(HANDS, job=before)) == steps.Drive(opens=False)


@pytest.mark.parametrize("verdict", ["fail", "error"])
def test_a_persons_work_that_does_not_hold_is_told_and_not_prompted_for(verdict: ev.VerdictValue) -> None:
    step = loop.next_step(state(HANDS, attempt(1, verdict), job=BY_HAND))
    assert isinstance(step, steps.Stop)
    assert (step.outcome, step.exit_code) == ("not_reached", 1)


def test_a_persons_dishonest_pass_ends_the_run() -> None:
    refused = ev.Guarded(attempt=1, accepted=False, problems=("a test is gone",))
    step = loop.next_step(state(HANDS, attempt(1, "pass"), check(0, "fail"), refused, job=BY_HAND))
    assert isinstance(step, steps.Stop)
    assert (step.outcome, step.exit_code) == ("dishonest", 6)
    assert "a test is gone" in step.reason


@pytest.mark.parametrize(("tools", "works"), [(0, False), (1, True)])
def test_where_nothing_was_done_nothing_is_checked(tools: int, works: bool) -> None:
    started, ended = turn(1)
    ended = ended.model_copy(update={"tool_calls": tools})
    step = loop.next_step(state(HANDS, started, ended, snapshot(1, "t0"), job=BY_HAND))
    assert isinstance(step, steps.Check if works else steps.Stop)


@pytest.mark.parametrize("asks", [True, False])
def test_a_person_is_asked_before_the_session_is(asks: bool) -> None:
    job = BY_HAND.model_copy(update={"by_hand": ByHand(ask=asks), "distill": "always"})
    assert loop.next_step(passed_by_hand(job)) == steps.Distill(asks_first=asks)


def test_a_person_is_not_asked_where_nothing_was_hard() -> None:
    job = BY_HAND.model_copy(update={"by_hand": ByHand(ask=True)})
    step = loop.next_step(passed_by_hand(job))
    assert isinstance(step, steps.Stop)
    assert step.outcome == "reached"


def test_without_a_session_that_can_be_asked_nothing_is_distilled() -> None:
    job = BY_HAND.model_copy(update={"distill": "always"})
    step = loop.next_step(replace(passed_by_hand(job), session=None))
    assert isinstance(step, steps.KeepBack)
    assert "not found" in step.reason
    step = loop.next_step(replace(passed_by_hand(job), resumable=False))
    assert isinstance(step, steps.KeepBack)
    assert "cannot be returned to" in step.reason


def test_an_honest_pass_of_a_group_counts_once_it_is_the_first() -> None:
    together = GUARDED.model_copy(update={"group": "g", "distill": "never"})
    passed = [check(0, "fail"), snapshot(0), ev.GuardBegan(), *attempt(1, "pass")]
    assert isinstance(loop.next_step(state(*passed, job=together)), steps.Guard)
    passed.append(ev.Guarded(attempt=1, accepted=True))
    assert loop.next_step(state(*passed, job=together)) == steps.Claim()
    first = loop.next_step(state(*passed, ev.WinClaimed(by="r"), job=together))
    assert isinstance(first, steps.Stop)
    assert first.outcome == "reached"
    second = loop.next_step(state(*passed, ev.WinClaimed(by="other"), job=together))
    assert isinstance(second, steps.Stop)
    assert (second.outcome, second.exit_code) == ("superseded", 0)


def test_work_in_a_worktree_of_its_own_is_brought_back_before_the_skill_and_can_go_on_until_then() -> None:
    own = JOB.model_copy(update={"own_worktree": True, "distill": "always"})
    drafted = ev.SkillDrafted(name="n", path="p")
    asked = [check(0, "fail"), snapshot(0), *attempt(1, "pass"), *turn(2, "distill"), snapshot(2, "t1"), drafted]
    assert loop.next_step(state(*asked, job=own)) == steps.BringBack()
    brought = ev.WorkBroughtBack(branch="b", commit="c")
    assert loop.next_step(state(*asked, brought, job=own)) == steps.Publish()
    ended = ev.RunEnded(outcome="reached", exit_code=0, reason="it holds")
    assert state(*asked, ended, job=own).can_go_on
    assert not state(*asked, brought, ended, job=own).can_go_on
