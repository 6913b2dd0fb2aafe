"""The ACP driver: a live agent that is spoken to by the Agent Client Protocol, in one session."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acp import RequestError

from agentloop.agents.acp.entering import AUTH_REQUIRED, RefusedError, enter, words_of
from agentloop.agents.acp.peer import Deadline, OutOfTimeError, Peer, SilentError
from agentloop.agents.acp.permission import allowed, answer
from agentloop.agents.acp.updates import Updates, stream_of
from agentloop.agents.commandline import filled
from agentloop.agents.failures import kind_of, short
from agentloop.agents.session import Turn
from agentloop.agents.spec import Acp, Adapter
from agentloop.agents.stream import StreamReader
from agentloop.events import Counters, ErrorClass, Event, TurnStatus
from agentloop.job import PermissionMode
from agentloop.process import IdleClock, Walls, child_environment
from agentloop.process.logfile import LogFile
from agentloop.text.quoting import plain

_GRACE_S = 5.0
_STOPPED_BY = {
    "max_tokens": "it stopped: its model may say no more in one turn",
    "max_turn_requests": "it stopped: its own limit of requests in one turn",
    "refusal": "it refuses to go on",
    "cancelled": "it cancelled the turn by itself",
}


@dataclass(slots=True)
class AcpSession:
    """A session of an agent that stays from turn to turn.

    Args:
        adapter: the agent.
        acp: how it is spoken to.
        program: the program to run.
        extra: the words about the model, and the user's own.
        run: the run's id, which marks its processes.
        cwd: the working tree.
        id: the session to return to; None begins one.
        counters: the session's totals so far.
        environment: variables that it gets beside the adapter's.
        permissions: what it is allowed when it asks.
        mode: the session mode to set; empty: the agent's own choice.
        model: the model to set in the session; empty: the agent's own choice.
        walls: what it is kept within.
    """

    adapter: Adapter
    acp: Acp
    program: str
    extra: tuple[str, ...]
    run: str
    cwd: Path
    id: str | None = None
    counters: Counters = field(default_factory=Counters)
    environment: Mapping[str, str] = field(default_factory=dict)
    permissions: PermissionMode = "edit"
    mode: str = ""
    model: str = ""
    walls: Walls | None = None
    _peer: Peer | None = field(default=None, init=False)
    _returns: bool = field(default=True, init=False)
    """A new process can go on with the session, as far as is known."""
    _model_name: str = field(default="", init=False)

    @property
    def resumable(self) -> bool:
        """Every prompt goes to the live agent's session."""
        return True

    @property
    def remembers(self) -> bool:
        """The next prompt goes to the session that got the last one."""
        return self.id is not None and (self._is_alive or self._returns)

    @property
    def forks(self) -> bool:
        """The protocol's fork is not settled yet."""
        return False

    @property
    def _is_alive(self) -> bool:
        return self._peer is not None and self._peer.program.poll() is None

    def send(
        self,
        prompt: str,
        *,
        fork: bool = False,  # noqa: ARG002 - see `forks`
        log: Path,
        timeout_s: float,
        idle_timeout_s: float,
        emit: Callable[[Event], object],
        on_tick: Callable[[float], None] | None = None,
    ) -> Turn:
        """Prompt the live agent, after starting it where there is none, and wait for the end of the turn."""
        began = time.monotonic()
        if not self.remembers:
            self.id, self.counters = None, Counters()
        reader = StreamReader(stream_of(self.acp), emit, self.id)
        with log.open("wb") as file, LogFile(file) as output:
            try:
                peer = self._started()
                peer.wire.keep = output.write
                idle = IdleClock(idle_timeout_s, peer.program.cpu_s)
                deadline = Deadline(timeout_s, idle, on_tick)
                ending = self._ended(peer, reader, prompt, deadline)
            except BaseException:
                self.close()
                raise
            had_ended = peer.program.poll() is not None
            left = () if ending.stays else self._end()
            peer.wire.keep = _drop
        usage, self.counters = reader.usage(self.counters)
        self._model_name = reader.model or self._model_name
        return Turn(
            status=ending.status,
            text=reader.text,
            session=self.id,
            usage=usage,
            counters=self.counters,
            tool_calls=reader.tool_calls,
            exit_code=ending.exit_code,
            error=short(ending.error),
            error_class=ending.kind,
            reset_at=ending.reset_at,
            denied=reader.denied,
            duration_s=time.monotonic() - began,
            killed=left if had_ended else (),
            model=self._model_name,
        )

    def close(self) -> None:
        """End the agent; a new one can be told to go on with the session, where it offers that."""
        self._end()

    def _end(self) -> tuple[str, ...]:
        peer, self._peer = self._peer, None
        return peer.close() if peer else ()

    def _started(self) -> Peer:
        """The live agent; a new one, when there is none any more."""
        if not self._is_alive:
            self._end()
        if self._peer is None:
            values = {"program": self.program, "cwd": str(self.cwd), "python": sys.executable}
            environment = {**self.adapter.environment, **self.acp.environment, **self.environment}
            self._peer = Peer(
                filled(self.acp.command, values, self.extra),
                cwd=self.cwd,
                env=child_environment(self.run, **environment),
                walls=self.walls,
            )
        return self._peer

    def _ended(self, peer: Peer, reader: StreamReader, prompt: str, deadline: Deadline) -> "_Ending":
        """Take the turn, and say how it ended."""
        heard = _Heard(reader, self.permissions, self.cwd)
        try:
            result = peer.run(self._take(peer, heard, prompt, deadline))
        except OutOfTimeError as over:
            how = "it was silent for too long" if over.limit == "idle" else "it took too long"
            return _Ending(over.limit, how, stays=over.settled)
        except SilentError as error:
            return _Ending("failed", f"{error}: is it an agent that speaks ACP?", stays=False)
        except RefusedError as error:
            self._returns = self._returns and error.kind != "session_lost"
            return _Ending("failed", str(error), error.kind, stays=False)
        except RequestError as error:
            words = words_of(error)
            kind, reset_at = kind_of(self.adapter, words, str(error.code))
            if kind is None and error.code == AUTH_REQUIRED:
                kind = "login"
            return _Ending("failed", words, kind, reset_at, stays=bool(peer.session))
        except ConnectionError:
            peer.run(peer.hear_end())
            code = peer.program.poll()
            words = f"it ended in the middle of its turn ({_how(code)}): {peer.wire.tail or 'it printed nothing'}"
            kind, reset_at = kind_of(self.adapter, peer.wire.tail)
            return _Ending("failed", words, kind, reset_at, stays=False, exit_code=code if (code or 0) >= 0 else None)
        finally:
            heard.close()
        return self._answered(reader, result)

    def _answered(self, reader: StreamReader, result: dict[str, Any]) -> "_Ending":
        """How a turn ended that came to an answer."""
        reader.take(result)
        stop = result.get("stopReason")
        if reader.error:
            words = f"{reader.error}: {reader.text}"
        elif stop == "end_turn":
            return _Ending("done")
        else:
            words = plain(_STOPPED_BY.get(str(stop), f"it stopped without saying why: {stop}"))
        return _Ending("failed", words, *kind_of(self.adapter, words, reader.status, reader.reset))

    async def _take(self, peer: Peer, heard: "_Heard", prompt: str, deadline: Deadline) -> dict[str, Any]:
        if peer.session:
            await peer.hear_out()
        else:
            entered = await enter(peer, deadline, cwd=self.cwd, session=self.id, mode=self.mode, model=self.model)
            self.id, self._returns = entered.session, entered.returns
            heard.reader.take({**entered.answer, "sessionId": entered.session})
        peer.listener = heard
        try:
            said = {"sessionId": self.id, "prompt": [{"type": "text", "text": prompt}]}
            request = peer.begin("session/prompt", said)
            try:
                result = await peer.wait(request, deadline)
            except OutOfTimeError as over:
                heard.cancelled = True
                await peer.tell("session/cancel", {"sessionId": self.id})
                over.settled = await peer.settles(request, _GRACE_S)
                raise
            await peer.hear_out()
        finally:
            peer.listener = None
        return result


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a turn ended."""

    status: TurnStatus
    error: str = ""
    kind: ErrorClass | None = None
    reset_at: float | None = None
    stays: bool = True
    """The agent can be prompted again."""
    exit_code: int | None = None


class _Heard:
    """What an agent says and asks during a turn."""

    def __init__(self, reader: StreamReader, mode: PermissionMode, root: Path) -> None:
        self.reader = reader
        self.cancelled = False
        """The turn is over: nothing is granted any more."""
        self._updates = Updates(reader)
        self._mode = mode
        self._root = root

    def update(self, update: Mapping[str, Any]) -> None:
        """Take an update."""
        self._updates.take(update)

    def permission(self, call: Mapping[str, Any], options: object) -> dict[str, Any]:
        """Answer by the permission mode."""
        if self.cancelled:
            return {"outcome": "cancelled"}
        whole = self._updates.ask(call)
        outcome, passes = answer(self._mode, options, granted=allowed(self._mode, self._root, whole))
        if not passes:
            self.reader.take({"denied": [whole.get("title") or whole.get("kind") or "tool"]})
        return outcome

    def close(self) -> None:
        """Take what was begun and never came to more."""
        self._updates.close()


def _how(code: int | None) -> str:
    if code is None:
        return "it closed its pipes"
    return f"exit code {code}" if code >= 0 else f"signal {-code}"


def _drop(_chunk: bytes) -> None:
    """Between turns nobody keeps what is said."""
