"""What was hard in a run: the failed checks, the commands that had to be given otherwise, the work that was undone.

Pure. Without any of it there is nothing that a next session would be spared, and no skill is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agentloop.calls import Call
from agentloop.shell import simple_commands
from agentloop.state import RunState

# Programs whose failure is an answer: nothing was found, it differs, it is not there.
_LOOKING_WORDS = "[ cat cmp diff find fgrep egrep grep ls rg stat test which type head tail wc"
_LOOKING = frozenset(_LOOKING_WORDS.split())
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
    hard = [detour for detour in detours(state.calls) if _was_hard(detour, state.calls)]
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
    for at, call in enumerate(work):
        if call.outcome == "failed" and not _only_looks(call):
            better = (later for later in work[at + 1 :] if later.outcome == "succeeded" and _alike(call, later))
            instead = next(better, None)
            if instead:
                found.append(Detour(call, instead))
    return found


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


def _was_hard(detour: Detour, calls: Sequence[Call]) -> bool:
    """Another way had to be found, or the same one failed again after an attempt to mend it."""
    if not detour.failed.command:
        return False  # an edit that did not match, a file that was not there: every session has those
    same = [call for call in calls if call.command == detour.failed.command and call.outcome == "failed"]
    return detour.is_another_way or len(same) > 1


def _alike(one: Call, other: Call) -> bool:
    return one.name == other.name and bool(_programs(one) & _programs(other) or not one.command)


def _programs(call: Call) -> frozenset[str]:
    return frozenset(simple.program for simple in simple_commands(call.command)) - {"cd", "echo", *_LOOKING}


def _only_looks(call: Call) -> bool:
    return bool(call.command) and not _programs(call)


def _undoes(command: str) -> bool:
    for simple in simple_commands(command):
        words = [word for word in simple.argv[1:] if not word.startswith("-")]
        if simple.program == "git" and words[:1] and words[0] in _UNDOING:
            is_new_branch = words[0] == "checkout" and "-b" in simple.argv
            looks = words[0] == "stash" and words[1:2] in (["list"], ["show"])
            if not is_new_branch and not looks:
                return True
    return False


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
