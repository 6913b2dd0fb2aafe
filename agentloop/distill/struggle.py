"""What was hard in a run: the failed checks, the commands that had to be given otherwise, the work that was undone.

Pure. Without any of it there is nothing that a next session would be spared, and no skill is asked for.
"""

import re
from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from agentloop.state import RunState
from agentloop.state.calls import MAX_CALLS, Call
from agentloop.text.shell import Simple, simple_commands

# Programs whose failure is an answer: nothing was found, it differs, it is not there.
_LOOKING_WORDS = "[ cat cmp diff find fgrep egrep grep ls rg stat test which type head tail wc"
_LOOKING = frozenset(_LOOKING_WORDS.split())
_LAUNCHER_WORDS = "bundle bunx docker env hatch npx pdm pipenv pnpm poetry python python3 sudo timeout uv uvx yarn"
_LAUNCHERS = frozenset(_LAUNCHER_WORDS.split())
_EDITS = re.compile(r"edit|write|patch|replace", re.IGNORECASE)
_MAX_COMMAND_CHARS = 500
_UNDOING = frozenset({"checkout", "restore", "revert", "reset", "stash"})


@dataclass(frozen=True, slots=True)
class Detour:
    """A call of a tool that failed, and what was done instead."""

    failed: Call
    instead: Call

    @property
    def is_another_way(self) -> bool:
        """It was not merely repeated after the work had changed."""
        return self.failed.said != self.instead.said


def reasons(state: RunState) -> tuple[str, ...]:
    """Why the run was hard, a clause each; empty when it was not."""
    found = []
    if state.failed_checks:
        found.append(_count(len(state.failed_checks), "check failed", "checks failed"))
    failed = Counter(call.command for call in state.calls if call.outcome == "failed")
    edits = [call.seq for call in state.calls if not call.command and _EDITS.search(call.name)]
    hard = [detour for detour in detours(state.calls) if _was_hard(detour, failed, edits)]
    if hard:
        found.append(_count(len(hard), "command had to be given otherwise", "commands had to be given otherwise"))
    back = reversals(state)
    if back:
        found.append(_count(len(back), "time work was undone", "times work was undone"))
    return tuple(found)


def detours(calls: Sequence[Call]) -> list[Detour]:
    """The calls of the work that failed, each with the first later one of its kind that succeeded."""
    work = [call for call in calls if call.purpose == "work"]
    found = []
    later: dict[tuple[str, str], tuple[int, Call]] = {}  # by tool and program, the next one that succeeded
    for at, call in reversed([*enumerate(work)]):
        if call.outcome == "succeeded":
            later.update(((call.name, program), (at, call)) for program in ("", *_programs(call)))
        elif call.outcome == "failed" and not _only_looks(call):
            alike = [later.get((call.name, program)) for program in (_programs(call) if call.command else ("",))]
            instead = min((each for each in alike if each), key=lambda each: each[0], default=None)
            if instead:
                found.append(Detour(call, instead[1]))
    return found[::-1]


def reversals(state: RunState) -> list[str]:
    """How work was undone: a tree that had been there before, or git told to take something back."""
    trees = [snapshot.tree for snapshot in state.snapshots]
    again = [
        f"the tree after turn {state.snapshots[at].n} is the one from before"
        for at in range(2, len(trees))
        if trees[at] != trees[at - 1] and trees[at] in trees[: at - 1]
    ]
    told = [
        call.command
        for call in state.calls
        if call.purpose == "work" and call.outcome == "succeeded" and _undoes(call.command)
    ]
    return [*again, *told]


def _was_hard(detour: Detour, failed: Counter[str], edits: Sequence[int]) -> bool:
    """Another way had to be found, or the same one failed again after an attempt to mend it.

    Where files were edited in between, the work was mended, not the command: a test that fails until it is done, and
    that is then run with other flags, is how every session goes.
    """
    if not detour.failed.command:
        return False  # an edit that did not match, a file that was not there: every session has those
    was_edited = bisect(edits, detour.failed.seq) < bisect(edits, detour.instead.seq)
    return (detour.is_another_way and not was_edited) or failed[detour.failed.command] > 1


def _programs(call: Call) -> frozenset[str]:
    """The programs that it runs, also by way of another: `uv run pytest` is another way to give `pytest`."""
    found = set()
    for simple in _simple_commands(call.command):
        found.add(simple.program)
        if simple.program in _LAUNCHERS:
            found.update(PurePosixPath(word).name for word in simple.argv[1:4] if word[:1].isalpha())
    return frozenset(found) - {"cd", "echo", "run", "exec", *_LOOKING}


@lru_cache(maxsize=MAX_CALLS)
def _simple_commands(command: str) -> tuple[Simple, ...]:
    """The decision asks for all of them at each step."""
    return tuple(simple_commands(command[:_MAX_COMMAND_CHARS]))


def _only_looks(call: Call) -> bool:
    return bool(call.command) and not _programs(call)


def _undoes(command: str) -> bool:
    for simple in _simple_commands(command):
        words = [word for word in simple.argv[1:] if not word.startswith("-")]
        if simple.program == "git" and words[:1] and words[0] in _UNDOING:
            is_new_branch = words[0] == "checkout" and "-b" in simple.argv
            looks = words[0] == "stash" and words[1:2] in (["list"], ["show"])
            if not is_new_branch and not looks:
                return True
    return False


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
