"""A program and its screen: what it prints is drawn, what is typed is written without ever blocking."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pexpect import EOF, TIMEOUT
from pexpect.fdpexpect import fdspawn

from agentloop.agents.terminal.screen import Screen
from agentloop.agents.terminal.settling import Look
from agentloop.process import Walls
from agentloop.process.pty import Doing, TerminalProgram

ROWS, COLUMNS = 50, 200
_CHUNK = 65536
_FRAME_CHUNKS = 64
_RETRY_S = 0.01
_SAMPLE_S = 0.5
_PROBE_S = 0.1
_WORK_SHARE = 0.05
_MAX_WORDS_CHARS = 1500
_ENDING_S = 0.5


class Live:
    """A program that runs in a terminal.

    Args:
        argv: the program and its arguments; no shell.
        cwd: where it runs.
        env: its whole environment.
        still: what of a screen's text has to change for the screen to have changed.
        walls: what it is kept within.

    Raises:
        CannotStartError: it is missing or cannot be executed.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        still: Callable[[str], str],
        walls: Walls | None = None,
    ) -> None:
        self.program = TerminalProgram(argv, cwd=cwd, env=env, rows=ROWS, columns=COLUMNS, walls=walls)
        self.screen = Screen(ROWS, COLUMNS, self.type)
        self.on_output: Callable[[bytes], object] = len
        """Gets what it prints, as it comes."""
        self._line: fdspawn[bytes] = fdspawn(self.program.fd, use_poll=True)
        self._still = still
        self._to_type = bytearray()
        self._text = self._shown = ""
        self._changed_at = self._worked_at = self._sampled_at = self._probed_at = time.monotonic()
        self._cpu_s = 0.0
        self._doing = Doing()
        self._is_reader = False

    @property
    def text(self) -> str:
        """What the screen shows."""
        return self._text

    @property
    def words(self) -> str:
        """The end of what the screen shows, without empty lines, for a message."""
        return re.sub(r"\n\s*\n", "\n", self._text).strip()[-_MAX_WORDS_CHARS:]

    @property
    def quiet_s(self) -> float:
        """Since the screen has changed, or something was typed."""
        return time.monotonic() - self._changed_at

    @property
    def has_taken_all(self) -> bool:
        """Nothing is left to be typed."""
        return not self._to_type

    def type(self, keys: bytes) -> None:
        """Have something typed, behind what is still to be typed; what was seen before is of no use after it."""
        self._to_type += keys
        self._changed_at = self._probed_at = time.monotonic()
        self._doing = Doing()

    def pump(self, timeout_s: float) -> bool:
        """Type, read and draw what there is; False when the program has ended.

        Args:
            timeout_s: how long to wait for it to print something.
        """
        self._write()
        frame: list[bytes] = []
        ended = False
        try:
            # What is to be typed waits for the program to take something: it is tried again soon.
            frame.append(self._read(min(timeout_s, _RETRY_S) if self._to_type else timeout_s))
            while len(frame) < _FRAME_CHUNKS:
                frame.append(self._read(0))
        except TIMEOUT:
            # What it left behind may hold the terminal open.
            ended = not frame and self.program.code is not None
        except EOF:
            ended = True
            self.program.wait(_ENDING_S)
        if frame:
            self._draw(b"".join(frame))
        return not ended

    def look(self) -> Look:
        """What can be seen of it now."""
        now = time.monotonic()
        self._sample(now)
        quiet_s = self.quiet_s
        return Look(
            text=self._text,
            quiet_s=quiet_s,
            rest_s=min(quiet_s, now - self._worked_at),
            behind_a_job=self.program.is_behind_a_job,
            doing=self._probe(now),
            is_reader=self._is_reader,
        )

    def end(self, grace_s: float) -> tuple[str, ...]:
        """End it with all that it started; returns what was left besides itself."""
        return self.program.end(grace_s)

    def _read(self, timeout_s: float) -> bytes:
        read: bytes = self._line.read_nonblocking(_CHUNK, timeout_s)
        return read

    def _write(self) -> None:
        try:
            while self._to_type:
                del self._to_type[: self._line.send(bytes(self._to_type[:_CHUNK]))]
        except BlockingIOError:
            return
        except OSError:  # it has ended; what it said is still to be read
            self._to_type.clear()

    def _draw(self, frame: bytes) -> None:
        self.on_output(frame)
        self.screen.feed(frame)
        self._text = "\n".join(self.screen.lines)
        shown = self._still(self._text)
        if shown != self._shown:
            self._shown, self._changed_at = shown, time.monotonic()
            self._doing = Doing()

    def _sample(self, now: float) -> None:
        window_s = now - self._sampled_at
        if window_s < _SAMPLE_S:
            return
        before_s, self._cpu_s, self._sampled_at = self._cpu_s, self.program.cpu_s(), now
        if self._cpu_s - before_s > _WORK_SHARE * window_s:
            self._worked_at = now

    def _probe(self, now: float) -> Doing:
        if self.has_taken_all and now - self._probed_at >= _PROBE_S:
            self._probed_at, self._doing = now, self.program.doing()
            self._is_reader = self._is_reader or self._doing.reads
        return self._doing
