"""Running one command of a predicate, and what its end means."""

import errno
import os
import re
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

from agentloop import sandbox
from agentloop.errors import CannotStartError
from agentloop.events import Leaf, TestCounts
from agentloop.predicate import evidence
from agentloop.predicate.context import Context, Finding, Ran
from agentloop.predicate.language.nodes import Command
from agentloop.predicate.reports.report import Recorder
from agentloop.predicate.search import SearchError, search
from agentloop.process import Exited, Walls, run_program
from agentloop.process.logfile import Ends, LogFile
from agentloop.text.quoting import plain

_KEPT_BYTES = 64 * 1024
_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_PYTEST_ERRORS = {
    2: "pytest was interrupted, or could not collect the tests",
    3: "pytest failed internally",
    4: "pytest could not be used as asked",
    5: "no tests ran",
}
_PYTEST = re.compile(
    r"\s*(?:env\s+)?(?:\w+=\S*\s+)*"
    r"(?:(?:\S*/)?(?:uv|poetry|pipenv|hatch|pdm|rye)\s+run\s+(?:-\S+\s+)*)?"
    r"(?:(?:\S*/)?python[\d.]*\s+(?:-\S+\s+)*?-m\s+|(?:\S*/)?coverage\s+run\s+(?:-\S+\s+)*?-m\s+)?"
    r"(?:\S*/)?(?:pytest|py\.test)(?:\s|$)"
)
_LAST_COMMAND = re.compile(r"&&|;|\n")
_SHELL_SIGNALS = {128 + number: number.name for number in signal.Signals if number < 32}


def run(node: Command, number: int, context: Context) -> Ran:
    """Run a command to its end and say what it came to.

    Raises:
        Interrupted: a signal was noted; the command and all that it started are ended.
        OSError: the log cannot be written.
    """
    log = _new_log(context, number)
    context.reports.mkdir(exist_ok=True)
    recorder = Recorder(context.reports, number, context.cwd)
    env = {**context.env, **recorder.environment(context.env)}
    known = {"source": node.source, "command": node.command, "tool": tool(node, context.cwd, context.env)}
    with log.open("wb") as file, LogFile(file) as log_file:
        output = Ends(_KEPT_BYTES)

        def on_output(chunk: bytes) -> None:
            log_file.write(chunk)
            recorder.feed(chunk)
            output.write(chunk)

        try:
            exited = run_program(
                node.program,
                cwd=context.cwd,
                env=env,
                timeout_s=context.timeout_s,
                on_stdout=on_output,
                on_tick=context.on_tick,
                walls=context.walls,
            )
        except CannotStartError as error:
            recorder.finish(node.command)
            reason = f"{error.message} (did you mean {node.near}?)" if node.near else error.message
            return Ran(Leaf(**known, verdict="error", reason=reason, missing=True), "")
    text = plain(output.text(between="\n"))
    verdict, reason = _finding(node, exited, text, context)
    report = recorder.finish(node.command)
    report_path = context.logs / f"{number}.tests.json"
    if verdict != "pass":
        reason = _with_denial(reason, text, context)
    if report:
        report.save(report_path)
        if node.verb == "passes" and verdict == "pass" and report.counts == TestCounts():
            verdict, reason = "error", f"no tests ran ({reason})"
    leaf = Leaf(
        **known,
        verdict=verdict,
        reason=reason,
        exit_code=exited.code,
        duration_s=exited.duration_s,
        output=evidence.excerpt(output.text()),
        log=str(log),
        missing=exited.code in (_NOT_FOUND, _NOT_EXECUTABLE),
        tests=report.counts if report else None,
        report=str(report_path) if report else "",
    )
    return Ran(leaf, text)


def _new_log(context: Context, number: int) -> Path:
    """The file for an output: never one that an earlier command has made a link, to have us write to elsewhere.

    Raises:
        OSError: the folder has become a link.
    """
    if Path(os.path.realpath(context.logs)) != context.logs:
        raise OSError(errno.ELOOP, "the folder of the logs was replaced by a link", str(context.logs))
    for name in (f"{number}.log", f"{number}.tests.json", f"{number}.tests.failed.txt"):
        (context.logs / name).unlink(missing_ok=True)
    return context.logs / f"{number}.log"


def _with_denial(reason: str, output: str, context: Context) -> str:
    path = sandbox.denied(output, context.walls)
    return f"{reason} (the sandbox? see sandbox_writable, --sandbox none: {path})" if path else reason


def _finding(node: Command, exited: Exited, text: str, context: Context) -> Finding:
    problem = _problem(node, exited, context.walls)
    if problem:
        return "error", problem
    ended = f"exited {exited.code}"
    match node.verb:
        case "passes":
            return ("pass" if exited.code == 0 else "fail"), ended
        case "fails":
            return ("fail" if exited.code == 0 else "pass"), ended
        case "exits":
            return ("pass", ended) if exited.code == node.code else ("fail", f"{ended}, {node.code} is wanted")
        case "prints":
            return _prints(node, text, context) if exited.code == 0 else ("fail", ended)


def _prints(node: Command, text: str, context: Context) -> Finding:
    pattern = node.pattern
    if pattern is None:
        raise ValueError("prints without a pattern")
    try:
        if pattern.is_regex:
            found = search(pattern.text, text, cwd=context.cwd, env=context.env) is not None
        else:
            found = pattern.text in text
    except SearchError as error:
        return "error", str(error)
    shown = f"/{pattern.text}/" if pattern.is_regex else repr(pattern.text)
    return ("pass", f"printed {shown}") if found else ("fail", f"did not print {shown}")


def _problem(node: Command, exited: Exited, walls: Walls | None) -> str:
    """Why the end says nothing about what was asked; empty when it does."""
    code = exited.code
    if exited.ended_by != "itself":
        return f"did not end within {exited.duration_s:.0f} s"
    if exited.signal is not None:
        return f"ended by {_SHELL_SIGNALS.get(128 + exited.signal, f'signal {exited.signal}')}"
    if code == _NOT_FOUND:
        return f"command not found (exit 127): {node.command}"
    if code == _NOT_EXECUTABLE:
        return f"command cannot be executed (exit 126): {node.command}"
    if code is None or (node.verb == "exits" and code == node.code):
        return ""
    if (node.shell or (walls and walls.hides_signals)) and code in _SHELL_SIGNALS:
        return f"ended by {_SHELL_SIGNALS[code]} (exit {code})"
    if code in _PYTEST_ERRORS and _PYTEST.match(_LAST_COMMAND.split(node.command)[-1] if node.shell else node.command):
        return f"{_PYTEST_ERRORS[code]} (exit {code})"
    return ""


def tool(node: Command, cwd: Path, env: Mapping[str, str]) -> str:
    """The program that the first word stands for, of a shell's line the first word too; empty when there is none."""
    words = node.argv[0].split() if node.shell else node.argv
    if not words:
        return ""
    if os.sep in words[0]:
        path = Path(cwd, words[0])
        return str(path) if path.is_file() else ""
    return shutil.which(words[0], path=env.get("PATH", os.defpath)) or ""
