"""Events for people, on stderr: one permanent line each, a live line on a terminal, a heartbeat elsewhere.

The result of a run goes to stdout, as a few lines or as one JSON object.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from agentloop import events as ev
from agentloop.state import RunState

HEARTBEAT_S = 30.0
_MARK = {"pass": "[green]pass[/]", "fail": "[red]fail[/]", "error": "[yellow]error[/]"}


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 - rich calls this while it handles the error, and would end the program


class Renderer:
    """Shows a run's events as they happen.

    Args:
        quiet: show nothing but the end.
        ndjson: write each event to stdout as a line of JSON too.
    """

    def __init__(self, *, quiet: bool = False, ndjson: bool = False) -> None:
        self.console = _Console(stderr=True, highlight=False, soft_wrap=True)
        self._out = _Console(highlight=False, soft_wrap=True)
        self._quiet = quiet
        self._ndjson = ndjson
        self._status: Status | None = None
        self._doing = ""
        self._last_line_at = time.monotonic()

    def event(self, event: ev.Event) -> None:
        """Show one event."""
        with self._as_long_as_somebody_looks():
            self._event(event)

    def _event(self, event: ev.Event) -> None:
        if self._ndjson:
            self._out.file.write(event.model_dump_json() + "\n")
            self._out.file.flush()
        self._doing = _doing(event) or self._doing
        line = "" if self._quiet else describe(event)
        if line:
            self._stop_live()
            self.console.print(line)
            self._last_line_at = time.monotonic()

    def tick(self, elapsed_s: float) -> None:
        """Show that something is still at work."""
        if not self._quiet:
            with self._as_long_as_somebody_looks():
                self._tick(elapsed_s)

    def _tick(self, elapsed_s: float) -> None:
        if self.console.is_terminal:
            text = f"{self._doing} · {clock(elapsed_s)}"
            if self._status is None:
                self._status = self.console.status(text)
                self._status.start()
            self._status.update(text)
        elif time.monotonic() - self._last_line_at >= HEARTBEAT_S:
            self.console.print(f"  ... {self._doing}, {clock(elapsed_s)}")
            self._last_line_at = time.monotonic()

    def close(self) -> None:
        """Take the live line away."""
        with self._as_long_as_somebody_looks():
            self._stop_live()

    @contextmanager
    def _as_long_as_somebody_looks(self) -> Iterator[None]:
        """A run goes on when its reader has gone: all of it is in the journal."""
        try:
            yield
        except OSError:
            self._leave()

    def _leave(self) -> None:
        """Write to nobody from now on, so that not even the interpreter's last flush fails."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                os.dup2(nowhere, stream.fileno())
        os.close(nowhere)

    def result(self, state: RunState, *, as_json: bool) -> None:
        """Write the result of a run to stdout."""
        with self._as_long_as_somebody_looks():
            self._result(state, as_json=as_json)

    def _result(self, state: RunState, *, as_json: bool) -> None:
        self._stop_live()
        if as_json:
            self._out.file.write(json.dumps(result_object(state)) + "\n")
        elif not self._ndjson:
            for line in summary(state):
                self._out.print(line, markup=False)
        self._out.file.flush()

    def _stop_live(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def _doing(event: ev.Event) -> str:
    match event:
        case ev.TurnStarted(purpose="work"):
            return "the agent works"
        case ev.TurnStarted():
            return "the agent writes down what it learned"
        case ev.CheckStarted():
            return "checking"
        case ev.ToolCalled():
            return escape(f"{event.name}: {event.detail}"[:100])
        case _:
            return ""


def describe(event: ev.Event) -> str:
    """One event as a line of rich markup; empty for what is not worth a line."""
    match event:
        case ev.RunStarted():
            until = " and ".join(f"`{source}`" for source in event.job.until)
            line = f"run {event.run} · {event.job.agent} · until {until}"
            if not event.resumable:
                line += "\nthis agent has no session to return to: each turn gets the run's own ledger instead"
            return escape(line)
        case ev.RunResumed():
            left = f", ended {count(len(event.killed), 'left-over program')}" if event.killed else ""
            return f"run resumed{left}"
        case ev.RunInterrupted():
            return f"interrupted by {event.signal}"
        case ev.Checked():
            return _checked(event)
        case ev.Guarded():
            return _guarded(event)
        case ev.RunEnded():
            return ""
        case _:
            return _turn(event) or _skill(event)


def _checked(event: ev.Checked) -> str:
    label = "check before the first turn" if event.attempt == 0 else f"attempt {event.attempt}"
    label += {"attempt": "", "confirm": ", once more", "recheck": ", again after the skill's turn"}[event.role]
    reasons = "; ".join(f"{leaf.source}: {leaf.reason}" for leaf in event.leaves if leaf.verdict != "pass")
    detail = f" · {escape(reasons)}" if reasons else ""
    how = f"{event.duration_s:.1f} s"
    if event.remembered_from:
        how = f"as on {time.strftime('%F %T', time.localtime(event.remembered_from))}, nothing has changed"
    return f"{label}: {_MARK[event.verdict]}{detail} ({how})"


def _guarded(event: ev.Guarded) -> str:
    how = ", the check replayed with the protected files restored" if event.replayed else ""
    word = "[green]honest[/]" if not event.problems else "[yellow]doubtful[/]" if event.accepted else "[red]refused[/]"
    lines = [f"guard: {word}{how} ({event.duration_s:.1f} s)"]
    lines += [escape(f"  - {line}") for line in (*event.problems, *event.notes)]
    return "\n".join(lines)


def _turn(event: ev.Event) -> str:
    match event:
        case ev.TurnStarted():
            what = {
                "work": "prompting the agent",
                "distill": "asking for the skill",
                "repair": "asking for repairs",
            }
            how = "in the same session" if event.session and event.turn > 1 else "in a new session"
            return f"turn {event.turn}: {what[event.purpose]}, {how}"
        case ev.ToolCalled():
            return escape(f"  · {event.name}: {event.detail}" if event.detail else f"  · {event.name}")
        case ev.AgentWaited():
            return escape(f"  · the agent waits: {event.reason}")
        case ev.TurnEnded():
            state = "done" if event.status == "done" else f"{event.status}: {event.error}"
            return escape(f"  {state} after {clock(event.duration_s)} · {_used(event.usage)}")
        case ev.SessionLost():
            return escape(f"the session is lost ({event.reason}): a new one gets the run's ledger")
        case _:
            return ""


def _skill(event: ev.Event) -> str:
    match event:
        case ev.SkillDeclined():
            return escape(f"no skill: {event.reason}")
        case ev.SkillDrafted():
            found = f": {count(len(event.findings), 'finding')}" if event.findings else ", nothing to complain about"
            lines = [f"draft {event.name}{found}", *(f"  - {finding}" for finding in event.findings)]
            return escape("\n".join(lines))
        case ev.SkillKeptBack():
            return escape(f"skill kept back: {event.reason}")
        case ev.SkillPublished():
            said = f"skill committed: {event.paths[0] if event.paths else event.name} ({event.commit[:10]})"
            return escape("\n".join(filter(None, [said, event.note])))
        case ev.SkillsLinked(paths=paths, problem=problem) if paths:
            said = f"skills linked for agents: {', '.join(paths)}"
            return escape("\n".join(filter(None, [said, problem])))
        case ev.SkillsLinked(problem=problem) if problem:
            return escape(f"skills not linked: {problem}")
        case _:
            return ""


def summary(state: RunState, *, at_work: bool = False) -> list[str]:
    """The end of a run, as lines for people; how it stands, when a supervisor is at work on it."""
    lines = ["running" if at_work else _verdict_line(state)]
    lines.append(f"  {count(len(state.checks), 'attempt')} · {clock(state.elapsed_s)} · {_totals(state)}")
    if not state.passed and state.work_turns and state.work_turns[-1].text:
        lines += [
            "  the agent's last words:",
            *(f"    {line}" for line in state.work_turns[-1].text.splitlines()[-15:]),
        ]
    lines += [f"  guard: {line}" for line in _guard_lines(state)]
    if state.published and state.taken_back:
        lines.append(f"  skill: {state.published.name}, taken back")
    elif state.published:
        lines.append(f"  skill: {state.published.name}, commit {state.published.commit[:10]}")
        lines.append(f"  take it back: agentloop undo {state.run}")
    elif state.kept_back:
        where = f", draft in {state.kept_back.path}" if state.kept_back.path else ""
        lines.append(f"  no skill committed: {state.kept_back.reason}{where}")
    elif state.declined:
        lines.append(f"  no skill: {state.declined.reason}")
    if not state.ended and not at_work:
        lines.append(f"  go on with it: agentloop resume {state.run}")
    lines.append(f"  all of it: agentloop logs {state.run}")
    return lines


def _guard_lines(state: RunState) -> list[str]:
    lines = [*state.guarded.problems, *state.guarded.notes] if state.guarded else []
    return [*lines, *(["a check passed and failed on one and the same tree: it is flaky"] if state.flaky else [])]


def _verdict_line(state: RunState) -> str:
    if state.ended:
        return f"{state.ended.outcome.replace('_', ' ')}: {state.ended.reason}"
    signal = f" by {state.interrupted.signal}" if state.interrupted else ""
    return f"interrupted{signal}: nothing is lost"


def result_object(state: RunState, *, at_work: bool = False) -> dict[str, Any]:
    """The end of a run, or how it stands, as one JSON object (schema 1)."""
    open_outcome = "running" if at_work else "interrupted"
    return {
        "schema": ev.SCHEMA,
        "run": state.run,
        "outcome": state.ended.outcome if state.ended else open_outcome,
        "exit_code": state.ended.exit_code if state.ended else None,
        "reason": state.ended.reason if state.ended else "",
        "agent": state.task.agent,
        "session": state.session,
        "until": list(state.task.until),
        "attempts": len(state.checks),
        "was_red": bool(state.baseline and state.baseline.verdict != "pass"),
        "verdicts": [check.verdict for check in state.checks],
        "elapsed_s": round(state.elapsed_s, 3),
        "cost_usd": state.cost_usd,
        "input_tokens": state.input_tokens,
        "output_tokens": state.output_tokens,
        "guard": state.guarded.model_dump(include={"accepted", "problems", "files", "notes", "replayed"})
        if state.guarded
        else None,
        "flaky": state.flaky,
        "skill": state.published.model_dump(include={"name", "commit", "paths"}) if state.published else None,
        "skill_declined": state.declined.reason if state.declined else None,
        "skill_kept_back": state.kept_back.model_dump(include={"reason", "path"}) if state.kept_back else None,
    }


def _used(usage: ev.Usage) -> str:
    return f"{_tokens(usage.input_tokens, usage.output_tokens)} · {_cost(usage.cost_usd)}"


def _totals(state: RunState) -> str:
    return f"{_tokens(state.input_tokens, state.output_tokens)} · {_cost(state.cost_usd)}"


def _tokens(into: int | None, out: int | None) -> str:
    if into is None and out is None:
        return "tokens unknown"
    return f"{'?' if into is None else f'{into:,}'} in, {'?' if out is None else f'{out:,}'} out"


def _cost(cost_usd: float | None) -> str:
    return "cost unknown" if cost_usd is None else f"${cost_usd:.4f}"


def count(number: int, noun: str) -> str:
    """A number of things for people: `1 attempt`, `2 attempts`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def clock(seconds: float) -> str:
    """A duration for people: `8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = int(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
