"""A run as Markdown: for a pull request, a ticket, or the summary of a CI job."""

import re
from collections.abc import Mapping

from agentloop.render.board import verdict
from agentloop.render.figures import changed, clock, count, totals
from agentloop.render.summary import changes, guard_lines, running_line, skill_lines, verdict_line
from agentloop.state import RunState
from agentloop.text.quoting import fenced, one_line, plain

MAX_FILES = 100
MAX_ATTEMPTS = 200
_MAX_TASK_CHARS = 4000
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|#~!&@])")


def report(state: RunState, files: Mapping[str, tuple[int, int]], *, at_work: bool = False) -> str:
    """The whole of a run as Markdown, bounded; whatever others wrote is quoted in it.

    Args:
        state: the run's state.
        files: the files that it changed, with the lines that came and went; none when that is not known.
        at_work: a supervisor works on it now.
    """
    outcome = running_line(state) if at_work else verdict_line(state)
    parts = [
        f"## agentloop: {_quoted(outcome)}",
        _facts(state),
        *(["### Task", fenced(plain(state.task.task)[:_MAX_TASK_CHARS])] if state.task.task else []),
        *_attempts(state),
        *_changed(state, files),
        *_items("Guard", guard_lines(state)),
        *_items("Skill", skill_lines(state)),
    ]
    return "\n\n".join(parts) + "\n"


def _facts(state: RunState) -> str:
    rows = {
        "run": state.run,
        "until": " and ".join(state.task.until),
        "agent": " ".join(filter(None, [state.task.agent, state.task.model])),
        "began at": state.base[:10] if state.base else "",
        "took": f"{count(len(state.checks), 'attempt')}, {clock(state.elapsed_s)}",
        "used": totals(state),
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {key} | {_quoted(value)} |" for key, value in rows.items() if value)])


def _attempts(state: RunState) -> list[str]:
    """The verdicts, the first check's too."""
    checks = [*([state.baseline] if state.baseline else []), *state.checks]
    if not checks:
        return []
    rows = [f"| {check.attempt or 'start'} | {_quoted(verdict(check))} |" for check in checks[-MAX_ATTEMPTS:]]
    left_out = len(checks) - len(rows)
    before = [f"The first {count(left_out, 'check')} of {len(checks)} are left out."] if left_out else []
    return ["### Attempts", *before, "\n".join(["| attempt | verdict |", "|---|---|", *rows])]


def _changed(state: RunState, files: Mapping[str, tuple[int, int]]) -> list[str]:
    what = changed(changes(state))
    if not what:
        return []
    named = [*files.items()][:MAX_FILES]
    rows = [f"| {_quoted(path)} | +{came} | -{went} |" for path, (came, went) in named]
    table = ["\n".join(["| file | | |", "|---|---|---|", *rows])] if rows else []
    more = [f"and {count(len(files) - len(rows), 'more file')}"] if len(files) > len(rows) else []
    return ["### Changes", f"{what}: `agentloop diff {state.run}`", *table, *more]


def _items(heading: str, lines: list[str]) -> list[str]:
    return [f"### {heading}", "\n".join(f"- {_quoted(line)}" for line in lines)] if lines else []


def _quoted(text: str) -> str:
    """One line in which nothing is markup: no link, no picture, no mention, no end of a table's cell."""
    return _MARKUP.sub(r"\\\1", one_line(text, 500)).replace("\\@", "&#64;")
