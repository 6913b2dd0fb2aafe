"""The headless driver: a process a turn, in one session."""

import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentloop.agents import commandline
from agentloop.agents.failures import kind_of, short
from agentloop.agents.session import Turn
from agentloop.agents.spec import Adapter
from agentloop.agents.store import newest_session
from agentloop.agents.stream import StreamReader
from agentloop.config import state_folder
from agentloop.events import AgentWaited, Counters, Event, SessionLost, TurnStatus
from agentloop.process import Exited, Walls, child_environment, run_program
from agentloop.process.logfile import LogFile
from agentloop.text.quoting import plain

_MAX_ARGUMENT_BYTES = 100_000
_MAX_RESULT_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class HeadlessSession:
    """A session of an agent that is run once a turn.

    Args:
        adapter: the agent.
        program: the program to run.
        extra: the words about permissions and the model, and the user's own.
        environment: variables that it gets beside the adapter's.
        run: the run's id, which marks its processes.
        cwd: the working tree.
        id: the session to return to; None begins one.
        counters: the session's totals so far.
        begun: there is a session to return to, perhaps without a name.
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

    @property
    def resumable(self) -> bool:
        """The agent has sessions that can be returned to."""
        return self.adapter.resumable

    @property
    def remembers(self) -> bool:
        """The next prompt goes to the session that got the last one."""
        return self.resumable and (self.id is not None or (self.begun and not self.adapter.names_session))

    @property
    def forks(self) -> bool:
        """The agent can go on in a copy of the session."""
        return bool(self.adapter.fork)

    def send(
        self,
        prompt: str,
        *,
        fork: bool = False,
        log: Path,
        timeout_s: float,
        idle_timeout_s: float,
        emit: Callable[[Event], object],
        on_tick: Callable[[float], None] | None = None,
    ) -> Turn:
        """Run the agent with a prompt until it ends."""
        resuming = self.remembers
        forking = fork and resuming and self.forks
        if not resuming:
            self.id = str(uuid.uuid4()) if self.adapter.session == "chosen" else None
        known = self.id if resuming and not forking else None
        patterns = self.adapter.stream.patterns
        waits = _Waits(emit)
        reader = StreamReader(self.adapter.stream, waits, known)
        stderr_reader = StreamReader(self.adapter.stream, waits, known)
        errors = _Tail()
        with (
            tempfile.TemporaryDirectory(prefix="agentloop-prompt-") as folder,
            log.open("wb") as file,
            LogFile(file) as output,
        ):
            template = self.adapter.start
            if resuming:
                template = self.adapter.fork if forking else self.adapter.resume
            results = Path(folder) / "results"
            results.mkdir()
            argv, stdin = self._command(template, prompt, Path(folder), results)

            def on_stdout(chunk: bytes) -> None:
                output.write(chunk)
                reader.feed(chunk)

            def on_stderr(chunk: bytes) -> None:
                output.write(chunk)
                errors.write(chunk)
                if patterns.waiting or (patterns.session and reader.session is None):
                    stderr_reader.feed(chunk)

            exited = run_program(
                argv,
                cwd=self.cwd,
                env=child_environment(self.run, **self.adapter.environment, **self.environment),
                stdin=stdin,
                timeout_s=timeout_s,
                idle_timeout_s=idle_timeout_s,
                on_stdout=on_stdout,
                on_stderr=on_stderr,
                on_tick=on_tick,
                walls=self.walls,
            )
            reader.close()
            for document in sorted(results.glob("*.json")):
                reader.take_document(_read(document))
        stderr_reader.close()
        reader.session = reader.session or stderr_reader.session
        if patterns.session and not (reader.session or self.id):
            emit(SessionLost(session="", reason="nothing that it printed names its session"))
        return self._turn(reader, exited, errors.text(), waits.reason if exited.ended_by != "itself" else "")

    @property
    def _session_file(self) -> Path:
        """Where an agent that is told a file for its session keeps it."""
        return state_folder() / "sessions" / self.adapter.name / (self.id or "session")

    def close(self) -> None:
        """Nothing is kept running between turns."""

    def _command(self, template: Sequence[str], prompt: str, folder: Path, results: Path) -> tuple[list[str], bytes]:
        line = " ".join(template)
        words = prompt
        file = folder / "prompt.md"
        most = self.adapter.max_prompt_bytes or (_MAX_ARGUMENT_BYTES if "{prompt}" in line else None)
        too_long = most is not None and len(prompt.encode()) > most
        if "{prompt_file}" in line or too_long:
            file.write_text(prompt, encoding="utf-8")
        if too_long:
            words = f"Read your instructions from the file {file} and follow them."
        values = {
            "program": self.program,
            "session": self.id or "",
            "prompt": words,
            "prompt_file": str(file),
            "cwd": str(self.cwd),
            "python": sys.executable,
            "result_file": str(results / "result.json"),
            "result_folder": str(results),
            "session_file": str(self._session_file),
        }
        if "{session_file}" in line:
            self._session_file.parent.mkdir(parents=True, exist_ok=True)
        return commandline.filled(template, values, self.extra), b"" if "{prompt" in line else words.encode()

    def _turn(self, reader: StreamReader, exited: Exited, stderr: str, waiting: str) -> Turn:
        self.id = reader.session or self.id or self._stored_session(exited)
        usage, self.counters = reader.usage(self.counters)
        status, error = self._outcome(reader, exited, stderr, waiting)
        self.begun = self.begun or status != "failed"
        words = reader.error or waiting or f"{stderr}\n{reader.tail}"
        kind, resets = None, None
        if status == "failed":
            kind, resets = kind_of(self.adapter, words, reader.status, reader.reset)
        return Turn(
            status=status,
            text=reader.text,
            session=self.id,
            usage=usage,
            counters=self.counters,
            tool_calls=reader.tool_calls,
            exit_code=exited.code,
            error=error,
            error_class=kind,
            reset_at=resets,
            denied=reader.denied,
            duration_s=exited.duration_s,
            killed=exited.killed,
            model=reader.model,
        )

    def _stored_session(self, exited: Exited) -> str | None:
        """The session as the agent kept it, of one that names it late or never."""
        wanted = self.adapter.session == "reported" and self.adapter.names_session
        return newest_session(self.adapter, self.cwd, time.time() - exited.duration_s) if wanted else None

    def _outcome(self, reader: StreamReader, exited: Exited, stderr: str, waiting: str) -> tuple[TurnStatus, str]:
        if exited.ended_by != "itself":
            how = "it was silent for too long" if exited.ended_by == "idle" else "it took too long"
            if waiting:
                return "failed", short(f"{how} while it waited: {waiting}")
            return ("idle" if exited.ended_by == "idle" else "timed_out"), how
        if reader.error:
            return "failed", short(reader.error)
        ending = f"exit code {exited.code}" if exited.signal is None else f"signal {exited.signal}"
        if not reader.finished:
            words = stderr or reader.tail or "it printed nothing"
            return "failed", short(f"{ending} without an end of its turn: {words}")
        if exited.code != 0 and not reader.says_end:
            return "failed", short(f"{ending}: {stderr or reader.tail or 'it printed nothing'}")
        return "done", ""


class _Waits:
    """Passes events on, and remembers what the agent has waited for since anything else happened."""

    def __init__(self, emit: Callable[[Event], object]) -> None:
        self._emit = emit
        self.reason = ""

    def __call__(self, event: Event) -> None:
        self.reason = event.reason if isinstance(event, AgentWaited) else ""
        self._emit(event)


class _Tail:
    """The end of a stream."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def write(self, chunk: bytes) -> None:
        self._kept += chunk
        del self._kept[:-8192]

    def text(self) -> str:
        return plain(bytes(self._kept).decode("utf-8", errors="replace")).strip()


def _read(path: Path) -> bytes:
    """A file of bounded length; nothing for one that was not written."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_RESULT_BYTES)
    except OSError:
        return b""
