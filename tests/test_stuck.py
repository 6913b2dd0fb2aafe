"""Being stuck, decided from what attempts left behind: examples, and properties of whole runs."""

from collections.abc import Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from agentloop import events as ev
from agentloop.job import Limits
from agentloop.run import loop, stuck
from agentloop.state import RunState, steps
from agentloop.state.fold import fold

from .test_loop import JOB, check, snapshot, turn

Left = tuple[str, str]
"""What an attempt leaves: its tree, and what fails there."""
START: Left = ("t0", "f0")
LEFT = ev.SessionLeft(session="s")


def endless(*, stuck_after: int = 3, max_attempts: int = 60) -> Limits:
    return Limits(max_time_s=None, max_attempts=max_attempts, stuck_after=stuck_after)


class Played:
    """A run of the loop's own decisions, whose agent leaves what it is told to."""

    def __init__(self, limits: Limits, *, resumable: bool = True) -> None:
        self.seq = 0
        self.state = RunState()
        self.prompts: list[steps.Prompt] = []
        self.left: list[int] = []
        """After which attempt a session was left."""
        job = JOB.model_copy(update={"limits": limits})
        self.add(ev.RunStarted(run="r", version="0", job=job, resumable=resumable))
        self.add(check(0, "fail").model_copy(update={"failing": START[1]}), snapshot(0, START[0]))

    def add(self, *events: ev.Event) -> None:
        for event in events:
            self.seq += 1
            self.state = fold([event.model_copy(update={"seq": self.seq, "at": float(self.seq)})], self.state)

    def until_stop(self, leaves: Iterator[Left]) -> steps.Stop | None:
        """Play until the run stops; None when the agent has nothing more to leave."""
        while not isinstance(step := loop.next_step(self.state), steps.Stop):
            if isinstance(step, steps.LeaveSession):
                self.left.append(len(self.state.checks))
                self.add(LEFT)
                continue
            assert isinstance(step, steps.Prompt)
            self.prompts.append(step)
            now = next(leaves, None)
            if now is None:
                return None
            number = self.state.turns_started + 1
            failed = check(self.state.attempt, "fail").model_copy(update={"failing": now[1]})
            self.add(*turn(number), snapshot(number, now[0]), failed)
        return step


def play(leaves: Sequence[Left], limits: Limits | None = None) -> tuple[Played, steps.Stop | None]:
    run = Played(limits or endless())
    return run, run.until_stop(iter(leaves))


def test_the_way_is_another_approach_then_another_session_then_the_end() -> None:
    run, stop = play([START] * 20)
    assert stop is not None
    assert (stop.outcome, stop.exit_code, len(run.state.checks)) == ("stuck", 3, 5)
    assert "5 attempts" in stop.reason
    assert [prompt.repeated for prompt in run.prompts] == [0, 0, 0, 3, 4]
    assert run.left == [4]


def test_trees_that_go_in_a_circle_are_no_progress() -> None:
    circle = [("a", "f1"), ("b", "f2"), ("c", "f1")] * 5
    run, stop = play(circle)
    assert stop is not None
    assert (stop.outcome, len(run.state.checks)) == ("stuck", 8)


def test_another_failure_in_an_old_tree_is_progress() -> None:
    """What a check depends on may lie outside of the tree."""
    _, stop = play([("t0", f"f{number}") for number in range(1, 40)])
    assert stop is None


def test_something_new_takes_it_all_back() -> None:
    almost = [START] * 4
    run, stop = play([*almost, ("new", "f0"), *almost])
    assert stop is None
    assert [prompt.repeated for prompt in run.prompts] == [0, 0, 0, 3, 4, 0, 0, 0, 3, 4]


def test_an_agent_without_a_session_has_none_to_leave() -> None:
    run = Played(endless(), resumable=False)
    stop = run.until_stop(iter([START] * 20))
    assert stop is not None
    assert (stop.outcome, run.left) == ("stuck", [])


def test_the_attempts_end_first_when_there_are_fewer() -> None:
    _, stop = play([START] * 20, endless(max_attempts=4))
    assert stop is not None
    assert stop.outcome == "not_reached"


failures = st.sampled_from(["f0", "f1", "f2"])
trees = st.sampled_from(["t0", "t1", "t2", "t3"])
lefts = st.tuples(trees, failures)
after = st.integers(1, 5)


@given(st.lists(failures, min_size=1, max_size=40), after)
@settings(deadline=None, max_examples=60)
def test_no_run_with_strictly_new_trees_is_ever_stuck(failing: list[str], stuck_after: int) -> None:
    run, stop = play([(f"new {n}", what) for n, what in enumerate(failing)], endless(stuck_after=stuck_after))
    assert stop is None
    assert not any(prompt.repeated for prompt in run.prompts)


@given(st.lists(lefts, max_size=12), st.lists(lefts, min_size=1, max_size=6), after)
@settings(deadline=None, max_examples=100)
def test_whatever_repeats_for_ever_is_ended(before: list[Left], circle: list[Left], stuck_after: int) -> None:
    run, stop = play([*before, *circle * 40], endless(stuck_after=stuck_after, max_attempts=10_000))
    assert stop is not None
    assert stop.outcome == "stuck"
    assert len(run.state.checks) <= len(before) + len(circle) + stuck_after + 2


@given(st.lists(lefts, max_size=30), after)
@settings(deadline=None, max_examples=100)
def test_it_is_never_stuck_while_something_new_came_lately(history: list[Left], stuck_after: int) -> None:
    run, stop = play(history, endless(stuck_after=stuck_after))
    if stop is None:
        return
    earlier = [START, *history[: len(run.state.checks)]]
    for at in range(len(earlier) - stuck_after - 2, len(earlier)):
        assert earlier[at][0] in {tree for tree, _ in earlier[:at]}
        assert earlier[at][1] in {what for _, what in earlier[:at]}


def test_nothing_is_repeated_before_anything_was_done() -> None:
    assert stuck.repeated(RunState()) == 0
