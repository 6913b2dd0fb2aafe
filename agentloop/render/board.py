"""The live display: where a run stands and what is left to it, in lines that are never wider than the terminal."""

import time
import unicodedata
from collections.abc import Callable, Iterator

from rich.console import Console, ConsoleOptions
from rich.text import Text

from agentloop import events as ev
from agentloop.render.figures import changed, clock, count, moment
from agentloop.state import RunState
from agentloop.state.fold import fold
from agentloop.text.quoting import one_line

_MAX_CHARS = 400


class Board:
    """What stands below the permanent lines while a program works; rich renders it anew each time.

    Args:
        state: the run as it was before the first event; of one that is resumed, its journal folded.
        now: the Unix time.
    """

    def __init__(self, state: RunState | None = None, now: Callable[[], float] = time.time) -> None:
        self._state = state or RunState()
        self._now = now
        self._doing = ""
        self.program_s = 0.0
        """How long the program has been at work that is waited for."""

    def see(self, event: ev.Event) -> None:
        """Take an event; the first one of a run begins anew."""
        self._state = fold([event], None if isinstance(event, ev.RunStarted) else self._state)
        self._doing = doing(event) or self._doing

    def lines(self) -> list[str]:
        """The display, line by line; what would say nothing is left out."""
        state = self._state
        if state.job is None:
            return [self._at_work()]
        elapsed_s = state.elapsed_s + (0.0 if state.is_paused else max(0.0, self._now() - state.last_at))
        so_far = [changed(_changed(state)), cost_so_far(state), f"{clock(elapsed_s)} in all"]
        left = limits_left(state, elapsed_s)
        return [
            f"{_where(state)} · {self._at_work()}",
            *([f"last check: {verdict(state.last_check)}"] if state.last_check else []),
            " · ".join(filter(None, so_far)),
            *([f"left: {', '.join(left)}"] if left else []),
        ]

    def _at_work(self) -> str:
        return f"{self._doing or 'at work'} · {clock(self.program_s)}"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """As many lines as there is room for, each cut before the last column: nothing is ever wrapped."""
        room = max(1, console.size.height - 2)
        for number, line in enumerate(self.lines()[:room]):
            text = Text(_countable(line), style="dim" if number else "", end="\n")
            text.truncate(max(1, options.max_width - 1), overflow="ellipsis")
            yield text


def _countable(line: str) -> str:
    """One line without the characters that join or change others: terminals do not agree on how wide those are."""
    whole = unicodedata.normalize("NFC", one_line(line, _MAX_CHARS))
    return "".join(char for char in whole if unicodedata.category(char) not in ("Cf", "Me", "Mn"))


def doing(event: ev.Event) -> str:
    """What is being done after an event; empty when that does not change with it."""
    match event:
        case ev.TurnStarted(purpose="work"):
            return "the agent works"
        case ev.TurnStarted():
            return "the agent writes down what it learned"
        case ev.CheckStarted():
            return "checking"
        case ev.ToolCalled():
            return one_line(f"{event.name}: {event.detail}" if event.detail else event.name, 100)
        case ev.WaitStarted():
            return f"waiting until {moment(event.until)}, still"
        case ev.AgentWaited():
            return one_line(f"the agent waits: {event.reason}", 100)
        case _:
            return ""


def _where(state: RunState) -> str:
    if state.passed:
        return "the predicate holds"
    if state.baseline is None and not state.turns_started:
        return "before the first turn"
    return f"attempt {state.attempt} of {state.task.limits.max_attempts}"


def _changed(state: RunState) -> ev.Changed | None:
    return state.snapshots[-1].changed if state.snapshots else None


def verdict(check: ev.Checked) -> str:
    """What a check came to, in one line: how many tests fail, or which conditions do not hold."""
    not_held = [leaf for leaf in check.leaves if leaf.verdict != "pass"]
    if not not_held:
        return check.verdict
    reasons = "; ".join(f"{leaf.source}: {_why(leaf)}" for leaf in not_held)
    return f"{check.verdict} · {one_line(reasons, _MAX_CHARS)}"


def _why(leaf: ev.Leaf) -> str:
    if leaf.tests and leaf.tests.failed:
        ran = leaf.tests.passed + leaf.tests.failed
        return f"{leaf.tests.failed} of {count(ran, 'test')} failed"
    return leaf.reason


def cost_so_far(state: RunState) -> str:
    """What the turns that are over cost: unknown as soon as one of them did not say; empty before the first end."""
    costs = [turn.usage.cost_usd for turn in state.turns]
    if not costs:
        return ""
    known = f"{'~' if state.cost_is_estimated else ''}${state.known_cost_usd:.2f}"
    if None not in costs:
        return known
    return f"{known} and unknown" if state.known_cost_usd else "cost unknown"


def limits_left(state: RunState, elapsed_s: float) -> list[str]:
    """What is left of the run's limits, of those that it has."""
    limits = state.task.limits
    left = [count(max(0, limits.max_attempts - len(state.checks)), "attempt")]
    if limits.max_time_s is not None:
        left.append(clock(max(0.0, limits.max_time_s - elapsed_s)))
    if limits.max_cost_usd is not None and cost_so_far(state) != "cost unknown":
        left.append(f"${max(0.0, limits.max_cost_usd - state.known_cost_usd):.2f}")
    if limits.max_tokens is not None and state.known_tokens:
        left.append(f"{max(0, limits.max_tokens - state.known_tokens):,} tokens")
    return left
