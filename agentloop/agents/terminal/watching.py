"""Attending to an agent in a terminal: a prompt typed, questions answered, the end waited for, all within limits."""

import time
from collections.abc import Callable

from agentloop.agents.terminal.keyboard import typed
from agentloop.agents.terminal.live import Live
from agentloop.agents.terminal.settling import Look, State, judge
from agentloop.agents.terminal_spec import Dialog, Terminal
from agentloop.events import TurnStatus
from agentloop.interrupts import raise_if_interrupted

_LOOK_S = 0.05
_TICK_S = 1.0
_UNKNOWN_S = 60.0
_TAKEN_IN_S = 0.3
_TAKING_IN_S = 30.0
_SENT_S = 1.5
_MAX_ENTERS = 5
_MAX_ANSWERS = 3


class CutOff(Exception):  # noqa: N818 - not every end of a turn is an error
    """The turn ended before the agent was done; the message says how.

    Args:
        status: what the turn comes to.
        message: how it ended.
    """

    def __init__(self, status: TurnStatus, message: str) -> None:
        super().__init__(message)
        self.status: TurnStatus = status
        self.message = message


class Watch:
    """Attends to an agent for one turn.

    Args:
        live: the agent.
        terminal: what its screen means.
        timeout_s: time for the turn.
        idle_timeout_s: silence that ends it.
        on_tick: called every second with the seconds so far.
    """

    def __init__(
        self,
        live: Live,
        terminal: Terminal,
        timeout_s: float,
        idle_timeout_s: float,
        on_tick: Callable[[float], None] | None = None,
    ) -> None:
        self._live = live
        self._terminal = terminal
        self._timeout_s = timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._on_tick = on_tick
        self._began = time.monotonic()
        self._next_tick = self._began + _TICK_S
        self._answered = ("", 0)

    def until_ready(self) -> None:
        """Wait until it takes a prompt, or is done with one.

        Raises:
            CutOff: it ended, it waits for something else, or a limit was met.
            Interrupted: a signal was noted meanwhile.
        """
        while self._step() != "ready":
            pass

    def type_prompt(self, prompt: str, reading: str) -> None:
        """Type a prompt and send it off.

        Args:
            prompt: the prompt.
            reading: what is typed where the prompt cannot be: that it is to be read from a file.

        Raises:
            CutOff, Interrupted: see `until_ready`.
        """
        live = self._live
        discipline, pastes = live.program.discipline, live.screen.takes_pastes
        keys = typed(prompt, discipline, pastes=pastes) or typed(reading, discipline, pastes=pastes)
        if keys is None:
            raise ValueError(f"{reading!r} cannot be typed")
        self._type_and_see(keys.words)  # the echo
        self._until_taken_in()
        if not keys.enter:
            return
        for _time in range(_MAX_ENTERS):
            if self._type_and_see(keys.enter):
                return

    def until_ended(self) -> None:
        """Wait for the program's end.

        Raises:
            CutOff: it has ended, or a limit was met.
            Interrupted: a signal was noted meanwhile.
        """
        while True:
            self._pump()

    def type_keys(self, keys: tuple[str, ...]) -> None:
        """Type keys, each once the one before has been taken in.

        Raises:
            CutOff, Interrupted: see `until_ready`.
        """
        for key in keys:
            self._live.type(key.encode())
            self._until_taken_in()

    def _until_taken_in(self) -> None:
        """Wait until all is typed and the screen has come to rest after it, for a while at most."""
        began = time.monotonic()
        while True:
            self._pump()
            if self._live.has_taken_all and self._live.look().rest_s >= _TAKEN_IN_S:
                return
            if self._live.has_taken_all and time.monotonic() - began >= _TAKING_IN_S:
                return  # something on the screen moves for ever
            if self._live.look().rest_s >= min(_UNKNOWN_S, self._idle_timeout_s):
                raise CutOff("idle", f"it does not take what is typed:\n{self._live.words}")

    def _type_and_see(self, key: bytes) -> bool:
        """Type a key; False when nothing came of it for a while, as with one that was swallowed."""
        before = self._live.text
        self._live.type(key)
        ends_at = time.monotonic() + _SENT_S
        while time.monotonic() < ends_at:
            self._pump()
            if self._live.text != before:
                return True
        return False

    def _step(self) -> State:
        self._pump()
        look = self._live.look()
        found = judge(self._terminal, look)
        if isinstance(found, Dialog):
            found = self._answer(found, look.text)
        if look.rest_s >= self._idle_timeout_s and found != "ready":
            raise CutOff("idle", f"it was silent for too long:\n{self._live.words}")
        if found == "unknown" and look.rest_s >= _UNKNOWN_S:
            raise CutOff("idle", f"it waits at a question that its adapter has no answer to:\n{self._live.words}")
        return self._confirmed(look) if found == "ready" else found

    def _confirmed(self, look: Look) -> State:
        """Look again for what it said before it came to wait: that may still be on its way."""
        self._pump()
        return "ready" if self._live.quiet_s >= look.quiet_s else "working"

    def _answer(self, dialog: Dialog, text: str) -> State:
        """Answer a question, a few times when it stays where it is."""
        times = self._answered[1] + 1 if text == self._answered[0] else 1
        if times > _MAX_ANSWERS:
            return "unknown"
        self._answered = (text, times)
        self.type_keys(dialog.answer)
        return "working"

    def _pump(self) -> None:
        raise_if_interrupted()
        if not self._live.pump(_LOOK_S):
            raise CutOff("failed", "it ended in the middle of a turn")
        elapsed_s = time.monotonic() - self._began
        if elapsed_s >= self._timeout_s:
            raise CutOff("timed_out", "it took too long")
        if self._on_tick and time.monotonic() >= self._next_tick:
            self._next_tick = time.monotonic() + _TICK_S
            self._on_tick(elapsed_s)
