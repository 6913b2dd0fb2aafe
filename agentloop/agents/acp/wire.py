"""The pipes of an ACP agent as a transport of the acp library: whatever comes, what leaves here is JSON-RPC.

The library reads lines of any length and takes every object for a message that is well formed; an agent is not to be
trusted that far.
"""

import asyncio
import json
import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from agentloop.agents.stream import MAX_LINE_BYTES
from agentloop.process import Live
from agentloop.text.quoting import plain

_CHUNK = 65536
_LOOK_S = 0.25
_MAX_UNSENT = 64
_TAIL_BYTES = 8192


class Wire:
    """One line of JSON a message, both ways.

    Lines that are no message, and ones over the limit, are passed over. An agent that does not take our answers is not
    read any more, so that nothing piles up.

    Args:
        program: the agent; used on the running event loop only.
    """

    def __init__(self, program: Live) -> None:
        self._program = program
        self._loop = asyncio.get_running_loop()
        self._messages: deque[dict[str, Any]] = deque()
        self._line = bytearray()
        self._passing_over = False
        self._sending = asyncio.Lock()
        self._unsent = 0
        self._over = False
        self._tail = bytearray()
        self.last_output_at = time.monotonic()
        self.keep: Callable[[bytes], object] = lambda _chunk: None
        """Gets every line of both directions, and what the agent prints beside the protocol."""
        self.failed: asyncio.Future[None] = self._loop.create_future()
        """Gets the error of whoever could not take what came: the library has nobody to tell it to."""
        self._loop.add_reader(program.stderr, self._take_stderr)

    @property
    def tail(self) -> str:
        """The end of what was printed beside the protocol."""
        return plain(bytes(self._tail).decode("utf-8", errors="replace")).strip()

    async def send(self, message: dict[str, Any]) -> None:
        """Write a message; when the agent takes no more, the end of its messages follows."""
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        self._unsent += 1
        try:
            async with self._sending:
                self._note(line)
                await self._write(memoryview(line))
        finally:
            self._unsent -= 1

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None at the end, which comes with the agent's own when others hold its pipe open."""
        while not self._messages:
            while self._unsent > _MAX_UNSENT and not self._is_over():
                await asyncio.sleep(_LOOK_S)
            chunk = await self._read()
            if not chunk:
                self._note(self._end_line())
                return self._messages.popleft() if self._messages else None
            self.last_output_at = time.monotonic()
            self._take(chunk)
            await asyncio.sleep(0)  # an agent that always has something to say must not be the only one to be heard
        return self._messages.popleft()

    async def close(self) -> None:
        """Let go of the event loop; the end of the messages follows."""
        self._over = True
        self._messages.clear()
        for descriptor in (self._program.stdout, self._program.stderr):
            self._loop.remove_reader(descriptor)
        self._loop.remove_writer(self._program.stdin)

    def fail(self, error: BaseException) -> None:
        """Remember an error for whoever waits."""
        if not self.failed.done():
            self.failed.set_exception(error)

    def _is_over(self) -> bool:
        return self._over or self._program.poll() is not None

    async def _read(self) -> bytes:
        while True:
            try:
                return os.read(self._program.stdout, _CHUNK)
            except BlockingIOError:
                if self._is_over():
                    return b""
            await self._until(self._loop.add_reader, self._loop.remove_reader, self._program.stdout)

    async def _write(self, content: memoryview) -> None:
        while content and not self._is_over():
            try:
                content = content[os.write(self._program.stdin, content) :]
            except BlockingIOError:
                await self._until(self._loop.add_writer, self._loop.remove_writer, self._program.stdin)
            except OSError:
                self._over = True

    async def _until(self, add: Callable[..., None], remove: Callable[[int], bool], descriptor: int) -> None:
        """Wait until a pipe is ready, for a moment at most."""
        ready = asyncio.Event()
        add(descriptor, ready.set)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await ready.wait()
        finally:
            remove(descriptor)

    def _take_stderr(self) -> None:
        chunk = b""
        with suppress(BlockingIOError):
            chunk = os.read(self._program.stderr, _CHUNK)
        if not chunk:
            self._loop.remove_reader(self._program.stderr)
        self._note(chunk)
        self._keep_tail(chunk)

    def _take(self, chunk: bytes) -> None:
        *ended, begun = chunk.split(b"\n")
        whole = bytearray()
        for part in ended:
            self._extend(part)
            whole += self._end_line()
        self._extend(begun)
        self._note(bytes(whole))

    def _extend(self, part: bytes) -> None:
        if not self._passing_over:
            self._line += part
        if len(self._line) > MAX_LINE_BYTES:
            self._note(b"[agentloop: a line of more than %d bytes was passed over]\n" % MAX_LINE_BYTES)
            self._line.clear()
            self._passing_over = True

    def _end_line(self) -> bytes:
        """Take the line that has ended, and return it."""
        line, self._line, self._passing_over = bytes(self._line), bytearray(), False
        if not line.strip():
            return b""
        message = _message(line)
        if message is None:
            self._keep_tail(line + b"\n")
        else:
            self._messages.append(message)
        return line + b"\n"

    def _keep_tail(self, chunk: bytes) -> None:
        self._tail += chunk
        del self._tail[:-_TAIL_BYTES]

    def _note(self, chunk: bytes) -> None:
        try:
            self.keep(chunk)
        except OSError as error:
            self.fail(error)


def _message(line: bytes) -> dict[str, Any] | None:
    """A line as a message that the library can take; None when it is none."""
    if line.lstrip()[:1] != b"{":
        return None
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict):
        return None
    if message.get("method") is not None:
        return message if isinstance(message["method"], str) else None
    if not isinstance(message.get("id"), int | str):
        return None
    error = message.get("error")
    if error is not None and not isinstance(error, dict):
        message["error"] = {"message": str(error)}
    return message
