"""The decision, from states that are folded from events: no process, no clock, no disk."""

import pytest

from agentloop import events as ev
from agentloop import loop
from agentloop.state import RunState, fold

JOB = ev.Job(task="mend it", until=("pytest passes",), agent="claude", worktree="repo")


def leaf(verdict: ev.VerdictValue, *, missing: bool = False) -> ev.Leaf:
    return ev.Leaf(source="pytest passes", verdict=verdict, reason=f"it is {verdict}", missing=missing)


def check(attempt: int, verdict: ev.VerdictValue, *, missing: bool = False) -> ev.Checked:
    return ev.Checked(attempt=attempt, verdict=verdict, leaves=(leaf(verdict, missing=missing),), duration_s=0.1)


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


def state(*parts: ev.Event | list[ev.Event], job: ev.Job = JOB) -> RunState:
    events: list[ev.Event] = [ev.RunStarted(run="r", version="0", job=job)]
    for part in parts:
        events += part if isinstance(part, list) else [part]
    stamped = [event.model_copy(update={"seq": n, "at": float(n + 1)}) for n, event in enumerate(events)]
    return fold(stamped)


def attempt(number: int, verdict: ev.VerdictValue, tree: str = "") -> list[ev.Event]:
    return [*turn(number), snapshot(number, tree), check(number, verdict)]


RED: list[ev.Event] = [check(0, "fail"), snapshot(0)]


def test_a_run_begins_with_a_check() -> None:
    assert loop.next_step(state()) == loop.Check(0)


def test_a_missing_command_stops_before_any_turn() -> None:
    step = loop.next_step(state(check(0, "error", missing=True)))
    assert isinstance(step, loop.Stop)
    assert (step.outcome, step.exit_code) == ("bad_predicate", 2)


def test_without_a_task_a_predicate_that_holds_means_nothing_to_do() -> None:
    step = loop.next_step(state(check(0, "pass"), job=JOB.model_copy(update={"task": ""})))
    assert isinstance(step, loop.Stop)
    assert (step.outcome, step.exit_code) == ("already_holds", 0)


def test_with_a_task_a_turn_is_taken_although_the_predicate_holds() -> None:
    before = state(check(0, "pass"))
    assert loop.next_step(before) == loop.Snapshot(0)
    assert loop.next_step(state(check(0, "pass"), snapshot(0))) == loop.Prompt("task", 1)


def test_each_turn_is_snapshotted_then_checked() -> None:
    assert loop.next_step(state(*RED)) == loop.Prompt("task", 1)
    assert loop.next_step(state(*RED, turn(1))) == loop.Snapshot(1)
    assert loop.next_step(state(*RED, turn(1), snapshot(1))) == loop.Check(1)


@pytest.mark.parametrize("verdict", ["fail", "error"])
def test_only_a_pass_ends_the_loop(verdict: ev.VerdictValue) -> None:
    assert loop.next_step(state(*RED, attempt(1, verdict))) == loop.Prompt("retry", 2)


def test_a_first_attempt_that_passes_is_not_asked_for_a_skill() -> None:
    step = loop.next_step(state(*RED, attempt(1, "pass")))
    assert step == loop.Stop("reached", 0, "the predicate holds after 1 attempt")


def test_always_asks_and_never_does_not() -> None:
    always = JOB.model_copy(update={"distill": "always"})
    never = JOB.model_copy(update={"distill": "never"})
    assert loop.next_step(state(*RED, attempt(1, "pass"), job=always)) == loop.Distill()
    step = loop.next_step(state(*RED, attempt(1, "fail"), attempt(2, "pass"), job=never))
    assert isinstance(step, loop.Stop)


STRUGGLED: list[ev.Event] = [*RED, *attempt(1, "fail"), *attempt(2, "pass")]


def test_a_struggle_is_distilled_inspected_published_and_linked() -> None:
    drafted = ev.SkillDrafted(name="n", path="d/n")
    published = ev.SkillPublished(name="n", commit="c", paths=("skills/n/SKILL.md",))
    assert loop.next_step(state(STRUGGLED)) == loop.Distill()
    asked: list[ev.Event] = [*STRUGGLED, *turn(3, "distill")]
    assert loop.next_step(state(asked)) == loop.Snapshot(3)
    asked.append(snapshot(3, "t2"))
    assert loop.next_step(state(asked)) == loop.Inspect()
    assert loop.next_step(state(asked, drafted)) == loop.Publish()
    assert loop.next_step(state(asked, drafted, published)) == loop.Link()
    linked = ev.SkillsLinked(paths=(".agents/skills",))
    last = loop.next_step(state(asked, drafted, published, linked))
    assert last == loop.Stop("reached", 0, "the predicate holds after 2 attempts")


def test_a_tree_that_changed_while_distilling_is_checked_again() -> None:
    changed: list[ev.Event] = [*STRUGGLED, *turn(3, "distill"), snapshot(3, "other")]
    assert loop.next_step(state(changed)) == loop.Check(3)
    assert loop.next_step(state(changed, check(3, "pass"))) == loop.Inspect()
    assert loop.next_step(state(changed, check(3, "fail"))) == loop.Prompt("retry", 4)
    again: list[ev.Event] = [*changed, check(3, "fail"), *turn(4)]
    assert loop.next_step(state(again)) == loop.Snapshot(4)
    assert loop.next_step(state(again, snapshot(4))) == loop.Check(4)


def test_findings_go_back_twice_and_then_the_draft_is_kept_back() -> None:
    bad = ev.SkillDrafted(name="n", path="d/n", findings=("no name",))
    history: list[ev.Event] = [*STRUGGLED, *turn(3, "distill"), snapshot(3, "t2"), bad]
    for number in (4, 5):
        assert loop.next_step(state(history)) == loop.Repair(("no name",))
        history += [*turn(number, "repair"), snapshot(number, "t2")]
        assert loop.next_step(state(history)) == loop.Inspect()
        history.append(bad)
    assert isinstance(loop.next_step(state(history)), loop.KeepBack)
    history.append(ev.SkillKeptBack(reason="1 finding left", path="d/n"))
    step = loop.next_step(state(history))
    assert isinstance(step, loop.Stop)
    assert step.exit_code == 0


def test_a_declined_skill_leaves_the_run_a_success() -> None:
    declined = ev.SkillDeclined(reason="nothing new")
    step = loop.next_step(state(STRUGGLED, turn(3, "distill"), snapshot(3, "t2"), declined))
    assert isinstance(step, loop.Stop)
    assert step.exit_code == 0


def test_the_attempts_run_out() -> None:
    job = JOB.model_copy(update={"limits": ev.Limits(max_attempts=2)})
    step = loop.next_step(state(*RED, attempt(1, "fail"), attempt(2, "fail"), job=job))
    assert isinstance(step, loop.Stop)
    assert (step.outcome, step.exit_code) == ("not_reached", 1)


def test_the_money_runs_out() -> None:
    job = JOB.model_copy(update={"limits": ev.Limits(max_cost_usd=1.0)})
    costly: list[ev.Event] = [*turn(1, cost_usd=1.5), snapshot(1), check(1, "fail")]
    step = loop.next_step(state(*RED, costly, job=job))
    assert isinstance(step, loop.Stop)
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
    step = loop.next_step(state(*RED, turn(1, status="failed", error_class=error_class)))
    assert isinstance(step, loop.Stop)
    assert (step.outcome, step.exit_code, step.reason) == ("agent_unusable", exit_code, "it broke")


@pytest.mark.parametrize(("error_class", "exit_code"), [("transient", 5), ("rate_limit", 75)])
def test_a_passing_fault_is_retried_later_and_is_no_attempt(error_class: ev.ErrorClass, exit_code: int) -> None:
    failed = [turn(n, status="failed", error_class=error_class) for n in (1, 2, 3)]
    first = loop.next_step(state(*RED, failed[0]))
    assert isinstance(first, loop.Prompt)
    assert first.attempt == 1
    assert first.delay_s > 0
    last = loop.next_step(state(*RED, *failed))
    assert isinstance(last, loop.Stop)
    assert last.exit_code == exit_code


def test_a_lost_session_is_given_up_and_another_is_told_everything() -> None:
    lost = turn(2, status="failed", error_class="session_lost")
    before = state(*RED, attempt(1, "fail"), lost)
    assert isinstance(loop.next_step(before), loop.LoseSession)
    after = state(*RED, attempt(1, "fail"), lost, ev.SessionLost(session="s", reason="gone"))
    assert after.session is None
    assert isinstance(loop.next_step(after), loop.Prompt)


def test_an_agent_that_fails_twice_and_changes_nothing_is_unusable() -> None:
    def failed(n: int) -> list[ev.Event]:
        return [*turn(n, status="failed"), snapshot(n, "same"), check(n, "fail")]

    history: list[ev.Event] = [check(0, "fail"), snapshot(0, "same"), *failed(1)]
    assert isinstance(loop.next_step(state(history)), loop.Prompt)
    step = loop.next_step(state(history, failed(2)))
    assert isinstance(step, loop.Stop)
    assert step.exit_code == 5


def test_an_agent_may_say_that_a_person_is_needed() -> None:
    said: list[ev.Event] = [
        *turn(1, text="I looked.\nBLOCKED: the test contradicts the specification"),
        snapshot(1),
        check(1, "fail"),
    ]
    step = loop.next_step(state(*RED, said))
    assert isinstance(step, loop.Stop)
    assert step.exit_code == 7
    assert "contradicts" in step.reason


def test_a_turn_that_was_cut_off_is_taken_again_in_the_same_session() -> None:
    started = turn(2)[0]
    cut = state(*RED, attempt(1, "fail"), started, ev.RunResumed())
    assert cut.open_turn is None
    assert cut.session == "s"
    assert loop.next_step(cut) == loop.Prompt("continue", 2)


def test_a_skill_turn_that_was_cut_off_is_taken_again() -> None:
    assert loop.next_step(state(STRUGGLED, turn(3, "distill")[0], ev.RunResumed())) == loop.Distill()


def test_wherever_a_run_is_cut_it_goes_on_to_the_same_end() -> None:
    """Every prefix of a whole run, resumed, is led to a step that the unbroken run also took."""
    drafted = ev.SkillDrafted(name="n", path="d/n")
    published = ev.SkillPublished(name="n", commit="c", paths=("skills/n/SKILL.md",))
    whole: list[ev.Event] = [*STRUGGLED, *turn(3, "distill"), snapshot(3, "t2"), drafted, published]
    whole.append(ev.SkillsLinked(paths=()))
    taken = {type(loop.next_step(state(whole[:cut]))) for cut in range(len(whole) + 1)}
    for cut in range(len(whole) + 1):
        assert type(loop.next_step(state(whole[:cut], ev.RunResumed()))) in taken
