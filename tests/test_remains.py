"""What a run leaves in git, and the way back: from what was recorded alone."""

import pytest

from agentloop import events as ev
from agentloop.events.standing import Standing
from agentloop.state import remains

BEFORE = Standing(head="a" * 40, branch="main", index="i" * 40, stash=("s" * 40,))
STAGED = BEFORE.model_copy(update={"staged": "x"})
HEAD, INDEX, STASH = "a" * 12, "i" * 12, "s" * 12


def taken(*standings: Standing | None) -> list[ev.Snapshotted]:
    return [ev.Snapshotted(n=n, commit="c", tree="t", standing=standing) for n, standing in enumerate(standings)]


@pytest.mark.parametrize(
    ("before", "change", "words", "commands"),
    [
        (BEFORE, {}, [], []),
        (BEFORE, {"index": "j" * 40}, [], []),
        (BEFORE, {"head": "b" * 40}, ["since turn 2: git log"], [f"git reset -q {HEAD}"]),
        (
            STAGED,
            {"branch": "it's", "staged": ""},
            ["is at it's", f"not staged any more, since turn 2; the index had the tree {INDEX}"],
            ["git symbolic-ref HEAD refs/heads/main", f"git reset -q {HEAD}", f"git read-tree {INDEX}"],
        ),
        (STAGED, {"staged": "y"}, ["was changed, since turn 2"], [f"git read-tree {INDEX}"]),
        (BEFORE, {"staged": "y"}, ["changes are staged since turn 2"], ["git reset -q"]),
        (
            BEFORE,
            {"stash": ()},
            [f"dropped in turn 2, to have it back: git stash store {STASH}"],
            ["git update-ref -d refs/stash", f"git stash store {STASH}"],
        ),
        (BEFORE, {"stash": ("n" * 40, "s" * 40)}, ["1 new stash"], []),
        (BEFORE, {"locked": True}, ["index.lock was left behind"], []),
        (
            BEFORE.model_copy(update={"branch": ""}),
            {"branch": "side"},
            ["(detached)"],
            [f"git update-ref --no-deref HEAD {HEAD}", "git reset -q"],
        ),
        (
            BEFORE.model_copy(update={"head": ""}),
            {"head": "b" * 40},
            ["no commit"],
            ["git update-ref -d HEAD", f"git read-tree {INDEX}"],
        ),
    ],
)
def test_what_is_otherwise_is_told_with_the_way_back(
    before: Standing, change: dict[str, object], words: list[str], commands: list[str]
) -> None:
    after = before.model_copy(update=change)
    notes = remains.notes(taken(before, before, after))
    assert len(notes) == len(words)
    assert all(expected in note for expected, note in zip(words, notes, strict=True))
    assert remains.way_back(before, after, after) == commands
    assert remains.way_back(before, after, before) == []


def test_what_was_not_recorded_is_not_told() -> None:
    assert remains.notes([]) == remains.notes(taken(None, BEFORE)) == []


def test_what_the_person_did_since_is_left_to_them() -> None:
    staged_since = BEFORE.model_copy(update={"staged": "z", "head": "d" * 40})
    assert remains.way_back(BEFORE, BEFORE, staged_since) == []
    left = BEFORE.model_copy(update={"staged": "y"})
    assert remains.way_back(BEFORE, left, staged_since) == []
