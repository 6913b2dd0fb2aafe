"""The turns of a run: its session opened where the state says, prompted, and closed."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from agentloop import events as ev
from agentloop import prices, sandbox
from agentloop.agents import opening
from agentloop.agents.session import Session
from agentloop.job import Job
from agentloop.process import Walls
from agentloop.records import folders
from agentloop.run import limits, provisions
from agentloop.run.checking import within_budget
from agentloop.sandbox import Places
from agentloop.state import RunState
from agentloop.text.quoting import writable
from agentloop.text.redact import redact

MAX_EVENTS = 10_000
"""What a turn is recorded by at most; an agent can call more tools than a disk holds calls."""


class Turns:
    """The turns that are taken by prompts.

    Args:
        places: where the work is done.
        folder: the run's folder.
        state: gives the state of the run as it is now.
        emit: gets the events.
        on_tick: called with the elapsed seconds while the agent works.
    """

    def __init__(
        self,
        places: Places,
        folder: folders.RunFolder,
        state: Callable[[], RunState],
        emit: Callable[[ev.Event], object],
        on_tick: Callable[[float], None] | None,
    ) -> None:
        self._places = places
        self._folder = folder
        self._state = state
        self._emit = emit
        self._on_tick = on_tick
        self._session: Session | None = None
        self._drafting = False

    @property
    def place(self) -> Path:
        """Where the agent works: in the root, or in the folder within the tree that a person chose."""
        chosen = self._state().session_cwd
        return Path(chosen) if chosen and Path(chosen).is_dir() else self._places.tree

    @property
    def remembers(self) -> bool:
        """The next prompt goes to the session that got the last one."""
        return self._open().remembers

    @property
    def remembers_work(self) -> bool:
        """The session did the work, or was told of it; not when that telling was cut off."""
        state = self._state()
        return self.remembers and not (state.skill_from_ledger and state.cut_purpose)

    def close(self) -> None:
        """End what the session keeps running; the next turn opens it again, or another."""
        if self._session:
            self._session.close()
        self._session = None

    def take(self, purpose: ev.Purpose, prompt: str) -> None:
        """Prompt the session and wait for the end of the turn.

        Raises:
            AgentUnusableError: the agent cannot be started.
            Interrupted: a signal was noted; nothing is left running.
            OSError: the prompt or the log cannot be written.
        """
        state = self._state()
        drafting = purpose != "work" and bool(opening.adapter_of(state.task).drafting)
        if drafting != self._drafting or opening.caps_turns(state.task):
            self._drafting = drafting
            self.close()
        session = self._open()
        number = state.turns_started + 1
        prompt = redact(writable(prompt))
        prompt_file = self._folder.turn_file(number, "prompt.md")
        prompt_file.write_text(prompt, encoding="utf-8")
        log = self._folder.turn_file(number, "log")
        self._emit(
            ev.TurnStarted(
                turn=number,
                purpose=purpose,
                prompt=str(prompt_file),
                log=str(log),
                session=session.id,
                goes_on=session.remembers,
            )
        )
        with self._at_home():
            turn = session.send(
                prompt,
                fork=purpose != "work" and _forks(state),
                log=log,
                timeout_s=within_budget(state, state.task.limits.turn_timeout_s),
                idle_timeout_s=state.task.limits.idle_timeout_s,
                emit=first(MAX_EVENTS, self._emit),
                on_tick=self._on_tick,
            )
        self._emit(
            ev.TurnEnded(
                turn=number,
                purpose=purpose,
                status=turn.status,
                session=turn.session,
                text=turn.text,
                usage=prices.with_cost(turn.usage, turn.model or state.task.model, worked=turn.status == "done"),
                counters=turn.counters,
                tool_calls=turn.tool_calls,
                exit_code=turn.exit_code,
                error=turn.error,
                error_class=turn.error_class,
                reset_at=turn.reset_at,
                denied=turn.denied,
                duration_s=turn.duration_s,
                killed=turn.killed,
                model=turn.model,
            )
        )

    def _at_home(self) -> AbstractContextManager[None]:
        """An agent that works elsewhere than its checks finds the programs there."""
        return provisions.pointed(Path(self._state().task.worktree), self._places.tree)

    def _open(self) -> Session:
        if self._session is None:
            state = self._state()
            self._session = opening.open_session(
                state.task,
                self._folder.run,
                session=state.session,
                begun=state.has_begun,
                counters=state.counters,
                cwd=self.place,
                drafting=self._drafting,
                walls=self._walls(state.task),
                max_cost_usd=limits.left_usd(state),
            )
        return self._session

    def _walls(self, job: Job) -> Walls | None:
        own = opening.adapter_of(job).own_places(os.environ)
        return sandbox.chosen(job.sandbox, job.sandbox_writable).around_agent(self._places, own, os.environ)


def first(count: int, emit: Callable[[ev.Event], object]) -> Callable[[ev.Event], None]:
    """Hand on so many events and no more."""
    left = count

    def emit_while_left(event: ev.Event) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            emit(event)

    return emit_while_left


def _forks(state: RunState) -> bool:
    """The session is to stay as the work left it, and its copy does not exist yet."""
    return state.task.distill_in == "fork" and state.session == state.work_turns[-1].session
