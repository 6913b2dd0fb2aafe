"""The run's own record, in Markdown: each failed check, what failed in the agent's hands, and what changed after it.

Evidence for a session, made from the folded state and the snapshots; redacted, fenced as data, and of bounded length.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from agentloop import events as ev
from agentloop.distill import struggle
from agentloop.predicate import evidence
from agentloop.repo import Repo
from agentloop.state import RunState
from agentloop.text.quoting import fenced, one_line, shorten
from agentloop.text.redact import redact

_MAX_LEDGER_CHARS = 24_000
_MAX_DIFF_CHARS = 3000
_MAX_ERROR_CHARS = 1500
_MAX_CONDITIONS = 6
_MAX_FAILING = 12
_MAX_DETOURS = 6
_MAX_COMMAND_CHARS = 300
_MAX_WORDS_CHARS = 200
_PASS_VERBS = (" passes", " pass", " succeeds")


def ledger(state: RunState, repo: Repo | None = None) -> str:
    """Each attempt's check and, with a repository, what changed after one that failed."""
    detours = struggle.detours(state.calls)

    def attempt(at: int) -> str:
        return redact("\n\n".join(_attempt(state, at, repo, detours)))

    return _joined(len(state.checks), attempt, _MAX_LEDGER_CHARS) or "(no attempt was checked yet)"


def check_lines(leaves: Sequence[ev.Leaf]) -> str:
    """The lines by which a prompt names the conditions of the predicate: a command that has to succeed as it is run."""
    return "\n".join(f"Check: `{leaf.command if _has_to_succeed(leaf) else leaf.source}`" for leaf in leaves)


def _has_to_succeed(leaf: ev.Leaf) -> bool:
    source = leaf.source.strip()
    is_bare = source.strip("\"'") == leaf.command
    return leaf.kind == "command" and not source.startswith("not ") and (is_bare or source.endswith(_PASS_VERBS))


def failures(checks: Sequence[ev.Checked]) -> str:
    """Failed checks in short: what failed by name, and the first error."""
    return _joined(len(checks), lambda at: redact("\n\n".join(_check(checks[at]))), _MAX_LEDGER_CHARS // 4)


def _joined(count: int, part: Callable[[int], str], max_chars: int) -> str:
    """The first attempt and the last ones that fit in, each whole: a cut within a fence would turn data into words.

    What does not fit in is not made either: git is asked for each, and a run may have a thousand.
    """
    if not count:
        return ""
    first = part(0)
    kept: list[str] = []
    left = max_chars - len(first)
    for at in range(count - 1, 0, -1):
        text = part(at)
        left -= len(text)
        if left < 0:
            break
        kept.insert(0, text)
    gone = count - 1 - len(kept)
    between = [f"({gone} attempt{'s' * (gone > 1)} left out)"] if gone else []
    return "\n\n".join([first, *between, *kept])


def _attempt(state: RunState, at: int, repo: Repo | None, detours: Sequence[struggle.Detour]) -> Iterator[str]:
    check = state.checks[at]
    began = state.checks[at - 1].seq if at else -1
    yield from _check(check)
    yield from _detours([detour for detour in detours if began < detour.failed.seq < check.seq])
    if state.task.by_hand and repo:
        yield from _change(state, state.snapshots[0], repo, "What changed since the session began:")
    elif check.verdict != "pass" and repo:
        is_last = at + 1 < len(state.checks) and state.checks[at + 1].verdict == "pass"
        yield from _change(state, check, repo, "What turned it green:" if is_last else "What changed after it:")


def _check(check: ev.Checked) -> Iterator[str]:
    lines = [f"### Attempt {check.attempt}: {check.verdict}"]
    told = [leaf for leaf in check.leaves if leaf.verdict != "pass"] or check.leaves
    for leaf in told[:_MAX_CONDITIONS]:
        lines.append(f"- `{one_line(leaf.source, _MAX_WORDS_CHARS)}`: {one_line(leaf.reason, _MAX_WORDS_CHARS)}")
        names = evidence.failing_tests(leaf)
        lines += [f"  - `{one_line(name, _MAX_WORDS_CHARS)}`" for name in names[:_MAX_FAILING]]
        lines += [f"  - and {len(names) - _MAX_FAILING} more"] if len(names) > _MAX_FAILING else []
    yield "\n".join(lines)
    first = next((leaf for leaf in told if leaf.verdict != "pass" and leaf.output), None)
    if first:
        yield fenced(shorten(redact(evidence.first_error(first)), _MAX_ERROR_CHARS))


def _detours(found: Sequence[struggle.Detour]) -> Iterator[str]:
    """What the agent itself ran in vain in an attempt."""
    if not found:
        return
    lines = ["What failed in your own hands, and what you did instead:", ""]
    for detour in found[:_MAX_DETOURS]:
        instead = _code(detour.instead.said) if detour.is_another_way else "the same, later"
        said = one_line(detour.failed.output.strip().rpartition("\n")[2], _MAX_WORDS_CHARS)
        words = f" ({said})" if said else ""
        lines.append(f"- {_code(detour.failed.said)} failed{words}; instead: {instead}")
    yield "\n".join(lines)


def _change(state: RunState, since: ev.Checked | ev.Snapshotted, repo: Repo, title: str) -> Iterator[str]:
    """The difference between the tree that a check saw, or a snapshot recorded, and the one after the next turn."""
    at = bisect_right(state.snapshots, since.seq, key=lambda snapshot: snapshot.seq)
    if not 0 < at < len(state.snapshots):
        return
    seen, later = state.snapshots[at - 1], state.snapshots[at]
    if seen.tree == later.tree:
        yield "Nothing changed after it."
        return
    yield title
    yield fenced(_diff(repo, seen.commit, later.commit), "diff")


@lru_cache(maxsize=_MAX_LEDGER_CHARS // 100)
def _diff(repo: Repo, old: str, new: str) -> str:
    """Commits do not change, and where each turn gets the ledger, git would be asked for all of it each time."""
    return redact(repo.diff(old, new, max_chars=_MAX_DIFF_CHARS))


def _code(text: str) -> str:
    return f"`{one_line(text, _MAX_COMMAND_CHARS).replace('`', chr(39))}`"
