"""A session with an agent in a terminal, as the loop sees it."""

import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from agentloop.agents.commandline import filled
from agentloop.agents.failures import kind_of
from agentloop.agents.session import Turn
from agentloop.agents.spec import Adapter
from agentloop.agents.stream import StreamReader
from agentloop.agents.terminal.live import Live
from agentloop.agents.terminal.settling import still
from agentloop.agents.terminal.transcript import said
from agentloop.agents.terminal.watching import CutOff, Watch
from agentloop.agents.terminal_spec import Terminal
from agentloop.events import Counters, Event, SessionOpened, TurnStatus
from agentloop.process import Walls, child_environment
from agentloop.process.logfile import LogFile
from agentloop.text.quoting import plain

_GRACE_S = 2.0
_EXIT_S = 5.0
_TERM = "xterm-256color"
_READING = "Read your instructions from the file {} and follow them."
_MAX_ERROR_CHARS = 2000
Emit = Callable[[Event], object]


@dataclass(frozen=True, slots=True)
class _Taken:
    """What came of a turn, as far as the screen says it."""

    status: TurnStatus
    text: str
    error: str = ""
    code: int | None = None
    """The exit code of an agent that ended, negative for a signal; None for one that ran on."""


@dataclass(slots=True)
class TerminalSession:
    """A session of an agent that is kept running in a terminal.

    Args:
        adapter: the agent, as it is in a terminal (`Adapter.in_terminal`).
        program: the program to run.
        extra: the words about permissions and the model, and the user's own.
        run: the run's id, which marks its processes.
        cwd: the working tree.
        id: the session to return to; None begins one.
        counters: the session's totals so far.
        begun: there is a session to return to, perhaps without a name.
        environment: variables that it gets beside the adapter's.
        walls: what it is kept within.
    """

    adapter: Adapter
    program: str
    extra: tuple[str, ...]
    run: str
    cwd: Path
    id: str | None = None
    counters: Counters = field(default_factory=Counters)
    begun: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    walls: Walls | None = None
    _live: Live | None = None

    @property
    def resumable(self) -> bool:
        """The next prompt goes to the agent that runs, whether or not it can return to a session after its end."""
        return True

    @property
    def remembers(self) -> bool:
        """The next prompt goes to the session that got the last one."""
        return self._is_live or self._can_return

    @property
    def forks(self) -> bool:
        """There is no copy of a program that runs."""
        return False

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
        """Type the prompt, and wait until the agent is done with it; start the agent when it does not run.

        Raises:
            CannotStartError: the program is missing or cannot be executed.
            Interrupted: a signal was noted meanwhile; the agent was ended.
        """
        began = time.monotonic()
        with log.open("wb") as file, LogFile(file) as output:
            live = self._start() if not self._live or not self._is_live else self._live
            try:
                live.on_output = output.write
                watch = Watch(live, self._terminal, timeout_s, idle_timeout_s, on_tick)
                taken = self._take(live, watch, prompt, emit)
                killed = self._end() if taken.error else ()
            except BaseException:
                self._end()
                raise
            live.on_output = len
        return self._turn(taken, emit, killed, time.monotonic() - began)

    def close(self) -> None:
        """End the agent, in good order where the adapter says how; the session itself stays."""
        if self._live is None:
            return
        watch = Watch(self._live, self._terminal, _EXIT_S, _EXIT_S)
        try:
            if self._terminal.exit:
                with suppress(CutOff):
                    watch.type_keys(self._terminal.exit)
                    watch.until_ended()
        finally:
            self._end()

    @property
    def _terminal(self) -> Terminal:
        return self.adapter.terminal or Terminal(start=self.adapter.start)

    @property
    def _is_live(self) -> bool:
        return self._live is not None and self._live.program.code is None

    @property
    def _can_return(self) -> bool:
        """There is a session that the agent could be started in again."""
        adapter = self.adapter
        return adapter.resumable and (self.id is not None or (self.begun and not adapter.names_session))

    def _start(self) -> Live:
        self._end()  # it may have died since
        returning = self._can_return
        if not returning:
            self.id = str(uuid.uuid4()) if self.adapter.session == "chosen" else None
        template = self.adapter.resume if returning else self.adapter.start
        values = {"program": self.program, "session": self.id or "", "cwd": str(self.cwd), "python": sys.executable}
        argv = filled(template, values, self.extra)
        env = {**child_environment(self.run, **self.adapter.environment, **self.environment), "TERM": _TERM}
        self._live = Live(argv, cwd=self.cwd, env=env, still=partial(still, self._terminal), walls=self.walls)
        return self._live

    def _end(self) -> tuple[str, ...]:
        live, self._live = self._live, None
        return live.end(_GRACE_S) if live else ()

    def _take(self, live: Live, watch: Watch, prompt: str, emit: Emit) -> _Taken:
        """Have a prompt carried out."""
        try:
            watch.until_ready()
        except CutOff as cut_off:
            # It never took the prompt, so that nothing was tried.
            error = f"it does not come to take a prompt: {cut_off.message}"
            return _Taken("failed", live.words, error, live.program.code)
        if self.id and not self.begun:
            emit(SessionOpened(session=self.id))
        before = live.screen.lines
        live.screen.forget_scrolled()
        status: TurnStatus = "done"
        error = ""
        try:
            with tempfile.TemporaryDirectory(prefix="agentloop-prompt-") as folder:
                file = Path(folder) / "prompt.md"
                file.write_text(prompt, encoding="utf-8")
                watch.type_prompt(prompt, _READING.format(file))
                watch.until_ready()
        except CutOff as cut_off:
            status, error = cut_off.status, cut_off.message
        return _Taken(
            status, said(before, [*live.screen.scrolled, *live.screen.lines], prompt), error, live.program.code
        )

    def _turn(self, taken: _Taken, emit: Emit, killed: tuple[str, ...], duration_s: float) -> Turn:
        reader = StreamReader(self.adapter.stream, emit, self.id)
        reader.feed(taken.text.encode())
        reader.close()
        self.id = reader.session or self.id
        usage, self.counters = reader.usage(self.counters)
        status: TurnStatus = "failed" if reader.error else taken.status
        self.begun = self.begun or status != "failed"
        error = reader.error or taken.error
        if taken.code is not None:
            error = f"{error} ({_ending(taken.code)}): {reader.tail or 'it showed nothing'}"
        kind, resets = kind_of(self.adapter, error, reader.status, reader.reset) if status == "failed" else (None, None)
        return Turn(
            status=status,
            text=reader.text,
            session=self.id,
            usage=usage,
            counters=self.counters,
            tool_calls=0,
            exit_code=taken.code if taken.code is not None and taken.code >= 0 else None,
            error=plain(error)[:_MAX_ERROR_CHARS],
            error_class=kind,
            reset_at=resets,
            duration_s=duration_s,
            killed=killed,
        )


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
