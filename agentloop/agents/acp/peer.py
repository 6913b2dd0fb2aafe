"""A live ACP agent and the event loop that it is talked to on; the loop runs only while somebody waits."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from acp import RequestError
from acp.connection import Connection

from agentloop.agents.acp.wire import Wire
from agentloop.interrupts import raise_if_interrupted
from agentloop.process import IdleClock, Walls, start_program

_Result = TypeVar("_Result")
_LOOK_S = 0.1
_TICK_S = 1.0
_LAST_WORDS_S = 0.1
_END_S = 2.0
_TELL_S = 0.5


class OutOfTimeError(Exception):
    """A limit of the turn was reached.

    Args:
        limit: which one.
    """

    def __init__(self, limit: Literal["timed_out", "idle"]) -> None:
        super().__init__(limit)
        self.limit: Literal["timed_out", "idle"] = limit
        self.settled = False
        """The agent ended its turn when it was told to."""


class SilentError(Exception):
    """The agent does not answer a request that wants no work."""


class Listener(Protocol):
    """Who hears what the agent says of its own accord during a turn."""

    def update(self, update: Mapping[str, Any]) -> None:
        """An update of the session."""

    def permission(self, call: Mapping[str, Any], options: object) -> dict[str, Any]:
        """A question whether a tool call may pass; returns the protocol's outcome."""


class Deadline:
    """The limits of a wait.

    Args:
        timeout_s: the time that it may take.
        idle: tells silence; None for no such limit.
        on_tick: called every second with the seconds so far.
    """

    def __init__(
        self, timeout_s: float, idle: IdleClock | None = None, on_tick: Callable[[float], None] | None = None
    ) -> None:
        self._began = time.monotonic()
        self._next_tick = self._began + _TICK_S
        self._timeout_s = timeout_s
        self._idle = idle
        self._on_tick = on_tick

    def look(self, last_output_at: float) -> None:
        """Look at the clock.

        Raises:
            OutOfTimeError: a limit is reached.
            Interrupted: a signal was noted.
        """
        raise_if_interrupted()
        now = time.monotonic()
        if now - self._began >= self._timeout_s:
            raise OutOfTimeError("timed_out")
        if self._idle and self._idle.is_over(now, last_output_at):
            raise OutOfTimeError("idle")
        if self._on_tick and now >= self._next_tick:
            self._next_tick = now + _TICK_S
            self._on_tick(now - self._began)


class Peer:
    """An agent that was started and waits for messages.

    Args:
        argv: its command line.
        cwd: where it runs.
        env: its whole environment.
        walls: what it is kept within.

    Raises:
        CannotStartError: it is missing or cannot be executed.
    """

    def __init__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], walls: Walls | None = None) -> None:
        self.program = start_program(argv, cwd=cwd, env=env, walls=walls)
        self.listener: Listener | None = None
        self.session = ""
        """The session whose updates are heard."""
        self._loop = asyncio.new_event_loop()
        self.run(self._connect())

    async def _connect(self) -> None:
        self.wire = Wire(self.program)
        self._connection = Connection(self._hear, self.wire)

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Run the event loop until the work is done."""
        return self._loop.run_until_complete(work)

    def close(self) -> tuple[str, ...]:
        """End the agent with its whole tree; returns what there was besides the agent itself."""
        try:
            self.run(self._connection.close())
            if self.wire.failed.done():
                self.wire.failed.exception()
        finally:
            killed = self.program.end()
            self._loop.close()
        return killed

    async def ask(
        self, method: str, params: Mapping[str, Any], deadline: Deadline, *, within_s: float | None = None
    ) -> dict[str, Any]:
        """Send a request and wait for the answer.

        Args:
            method: the request.
            params: its parameters.
            deadline: the limits of the turn.
            within_s: the time for this answer alone; None for no such limit.

        Raises:
            SilentError: there is none within that time.
            RequestError: the agent answers with an error.
            ConnectionError: it has ended.
            OutOfTimeError: a limit was reached.
            Interrupted: a signal was noted.
        """
        answer = self.begin(method, params)
        try:
            async with asyncio.timeout(within_s):
                return await self.wait(answer, deadline)
        except TimeoutError as error:
            raise SilentError(f"it does not answer {method} within {within_s:g} s") from error

    def begin(self, method: str, params: Mapping[str, Any]) -> asyncio.Task[Any]:
        """Send a request, for `wait`."""
        answer = asyncio.ensure_future(self._connection.send_request(method, dict(params)))
        # One that nobody waits for any more may fail unheard.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        return answer

    async def wait(self, answer: asyncio.Task[Any], deadline: Deadline) -> dict[str, Any]:
        """Wait for the answer to a request; see `ask`. When a limit is reached, it can be waited for again."""
        while not answer.done():
            await asyncio.wait({answer, self.wire.failed}, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            if self.wire.failed.done():
                answer.cancel()
                self.wire.failed.result()
            if not answer.done():
                deadline.look(self.wire.last_output_at)
        result = answer.result()
        return result if isinstance(result, dict) else {}

    async def settles(self, answer: asyncio.Task[Any], grace_s: float) -> bool:
        """Whether the answer to a request comes after all, within a grace period."""
        try:
            await self.wait(answer, Deadline(grace_s))
        except (OutOfTimeError, ConnectionError):
            return False
        except RequestError:
            return True
        return True

    async def tell(self, method: str, params: Mapping[str, Any]) -> None:
        """Send a notification, to an agent that may have ended or not read what was sent before."""
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_TELL_S):
                await self._connection.send_notification(method, dict(params))

    async def hear_out(self) -> None:
        """Wait a moment for what some agents say of a turn after its end."""
        await asyncio.sleep(_LAST_WORDS_S)

    async def hear_end(self) -> None:
        """Wait a moment for the end of an agent that has closed its pipes, and for what it says of it."""
        until = time.monotonic() + _END_S
        while self.program.poll() is None and time.monotonic() < until:
            await asyncio.sleep(_LOOK_S / 10)
        await self.hear_out()

    async def _hear(self, method: str, params: Any, is_notification: bool) -> dict[str, Any]:
        listener, told = self.listener, params if isinstance(params, dict) else {}
        try:
            if method == "session/update":
                if listener and told.get("sessionId") == self.session and isinstance(told.get("update"), dict):
                    listener.update(told["update"])
            elif method == "session/request_permission" and not is_notification:
                call = told.get("toolCall")
                outcome = {"outcome": "cancelled"}
                if listener and isinstance(call, dict):
                    outcome = listener.permission(call, told.get("options"))
                return {"outcome": outcome}
        except BaseException as error:  # noqa: BLE001 - it is raised where the turn is waited for
            self.wire.fail(error)
        if not is_notification:
            raise RequestError.method_not_found(method)
        return {}
