"""The work of a person who drives an agent: the agent opened in their terminal, and what was done in its session."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agentloop import events as ev
from agentloop.agents import opening, store
from agentloop.agents.spec import Adapter
from agentloop.agents.store import StoredSession
from agentloop.process.foreground import run_in_terminal
from agentloop.repo import Repo
from agentloop.state import RunState

Emit = Callable[[ev.Event], object]


def start_of(state: RunState, repo: Repo) -> str | None:
    """The commit that the work of a session began with; None when it is only about to begin, or that is unknown."""
    how = state.task.by_hand
    if how and how.base:
        return how.base
    return repo.last_before(how.began) if how and how.began is not None else None


def take_turn(state: RunState, repo: Repo, emit: Emit, *, opens: bool) -> None:
    """The person's turn: what was done in it is known from the agent's store, when it is over.

    Args:
        state: the run's state.
        repo: the working tree.
        emit: gets the turn's events.
        opens: the agent is opened for it; else it was driven before.

    Raises:
        CannotStartError: the agent is missing or cannot be executed.
        Interrupted: a signal other than the keyboard's was noted meanwhile; the agent is ended.
    """
    number = state.turns_started + 1
    began = time.monotonic()
    emit(ev.TurnStarted(turn=number, purpose="work", prompt="", log=""))
    code = run_in_terminal(state.task.program, env=os.environ) if opens else None
    known = _done(state, repo, emit)
    emit(
        ev.TurnEnded(
            turn=number,
            purpose="work",
            status="done",
            exit_code=code if code is None or code >= 0 else 128 - code,
            duration_s=time.monotonic() - began,
            **known,
        )
    )


def _done(state: RunState, repo: Repo, emit: Emit) -> dict[str, Any]:
    """Tell what was done in the session; its facts for the end of the turn, none when there is no such session."""
    adapter = opening.adapter_of(state.task)
    since = 0.0 if state.task.by_hand and state.task.by_hand.session else state.snapshots[0].at
    found = _session(state, adapter, repo, since)
    if found is None:
        return {}
    emit(ev.SessionOpened(session=found.session, cwd=str(found.cwd)))
    transcript = store.transcript(adapter, found, since)
    for event in transcript.events:
        emit(event)
    reader = transcript.reader
    _usage, counters = reader.usage(ev.Counters())
    return {
        "session": found.session,
        "text": reader.text,
        "tool_calls": reader.tool_calls,
        "model": reader.model,
        "counters": counters,
    }


def _session(state: RunState, adapter: Adapter, repo: Repo, since: float) -> StoredSession | None:
    """The session that was named, or the one that changed last.

    A person may leave one session for another within their agent, so that its name at the start would prove nothing.
    """
    named = state.task.by_hand.session if state.task.by_hand else ""
    home = Path(state.task.home) if state.task.home else repo.root
    sessions = list(store.stored_sessions(adapter, home, since))
    chosen = next((one for one in sessions if not named or one.session == named), None)
    # A resume may begin another file of the same session, with little in it.
    files = [one for one in sessions if chosen and one.session == chosen.session]
    return max(files, key=lambda one: one.file.stat().st_size, default=None)
