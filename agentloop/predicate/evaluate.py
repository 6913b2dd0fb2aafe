"""Running a predicate: one verdict, of three values, with what each command printed."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentloop.errors import CannotStartError
from agentloop.events import Leaf, VerdictValue
from agentloop.logfile import LogFile
from agentloop.predicate import evidence
from agentloop.predicate.grammar import CommandPasses
from agentloop.predicate.report import Recorder, TestReport
from agentloop.process import Exited, run_program

_KEPT_BYTES = 64 * 1024
_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_PYTEST_ERRORS = {3: "pytest failed internally", 4: "pytest could not be used as asked", 5: "no tests ran"}


def evaluate(
    predicate: Sequence[CommandPasses],
    *,
    cwd: Path,
    env: Mapping[str, str],
    logs: Path,
    timeout_s: float,
    on_tick: Callable[[float], None] | None = None,
) -> tuple[VerdictValue, tuple[Leaf, ...]]:
    """Run every command, in order, and say what they came to together.

    All are run, also after one failed, so that the evidence is whole.
    """
    leaves = tuple(
        _run(command, cwd=cwd, env=env, log=logs / f"{number}.log", timeout_s=timeout_s, on_tick=on_tick)
        for number, command in enumerate(predicate, 1)
    )
    return combine([leaf.verdict for leaf in leaves]), leaves


def combine(verdicts: Sequence[VerdictValue]) -> VerdictValue:
    """All of them (Kleene): a failure decides, then an error, and only passes alone are a pass."""
    if "fail" in verdicts:
        return "fail"
    return "error" if "error" in verdicts else "pass"


@dataclass(slots=True)
class _Output:
    """The output on its way to the log, its beginning and end kept in memory."""

    log: LogFile
    recorder: Recorder
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    written: int = 0

    def __call__(self, chunk: bytes) -> None:
        self.log.write(chunk)
        self.recorder.feed(chunk)
        self.written += len(chunk)
        room = _KEPT_BYTES - len(self.head)
        self.head += chunk[:room] if room > 0 else b""
        self.tail += chunk[max(0, room) :]
        del self.tail[:-_KEPT_BYTES]

    def text(self) -> str:
        cut = self.written - len(self.head) - len(self.tail)
        middle = f"\n[... {cut} bytes left out ...]\n".encode() if cut else b""
        return (bytes(self.head) + middle + bytes(self.tail)).decode("utf-8", errors="replace")


def _run(
    command: CommandPasses,
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Path,
    timeout_s: float,
    on_tick: Callable[[float], None] | None,
) -> Leaf:
    recorder = Recorder(log.parent, int(log.stem), cwd)
    env = {**env, **recorder.environment(env)}
    with log.open("wb") as file, LogFile(file) as log_file:
        output = _Output(log_file, recorder)
        try:
            exited = run_program(command.argv, cwd=cwd, env=env, timeout_s=timeout_s, on_stdout=output, on_tick=on_tick)
        except CannotStartError as error:
            return Leaf(
                source=command.source, command=command.command, verdict="error", reason=error.message, missing=True
            )
    verdict, reason = _judge(command, exited)
    report = recorder.finish(command.command)
    return Leaf(
        source=command.source,
        command=command.command,
        verdict=verdict,
        reason=reason,
        exit_code=exited.code,
        duration_s=exited.duration_s,
        output="" if verdict == "pass" else evidence.excerpt(output.text()),
        log=str(log),
        missing=exited.code in (_NOT_FOUND, _NOT_EXECUTABLE),
        tests=report.counts if report else None,
        report=_saved(report, log.with_suffix(".tests.json")) if report else "",
    )


def _saved(report: TestReport, path: Path) -> str:
    report.save(path)
    return str(path)


def _judge(command: CommandPasses, exited: Exited) -> tuple[VerdictValue, str]:
    if exited.ended_by != "itself":
        return "error", f"did not end within {exited.duration_s:.0f} s"
    if exited.signal is not None:
        return "error", f"ended by {signal.Signals(exited.signal).name}"
    if exited.code == 0:
        return "pass", "exited 0"
    if exited.code == _NOT_FOUND:
        return "error", f"command not found (exit 127): {command.command}"
    if exited.code == _NOT_EXECUTABLE:
        return "error", f"command cannot be executed (exit 126): {command.command}"
    if _is_pytest(command) and exited.code in _PYTEST_ERRORS:
        return "error", f"{_PYTEST_ERRORS[exited.code]} (exit {exited.code})"
    return "fail", f"exited {exited.code}"


def _is_pytest(command: CommandPasses) -> bool:
    words = [os.path.basename(word) for word in command.command.split()[:3]]  # noqa: PTH119 - words, not paths
    return bool(words) and (words[0] in ("pytest", "py.test") or words[1:3] == ["-m", "pytest"])
