"""Which session made a commit: decided by transcripts, times, folders and files."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentloop.agents import registry, traces
from agentloop.agents.store import StoredSession
from agentloop.agents.traces import CommitCall, Trace
from agentloop.job import ByHand, Job
from agentloop.push import behind
from agentloop.push.behind import Traced
from agentloop.records.candidates import Candidate
from agentloop.repo import Commit
from agentloop.state import RunState

AT = 1_000_000.0
COMMIT = Commit("abcdef0" + "1" * 33, AT, AT, ("0" * 40,), "Mend the limits", ("src/ages.py", "docs/ages.md"), ())
MADE = Trace(commits=[CommitCall("git commit -m x", AT, ("abcdef0",))])
TOUCHED = Trace(said=["sed -i s/a/b/ src/ages.py"])


def session(name: str, trace: Trace, began: float = AT - 100, changed: float = AT + 100, **known: Any) -> Traced:
    stored = StoredSession("claude", name, Path("/repo"), began, changed, Path("/store") / name)
    return Traced(Candidate(registry.load("claude"), stored, **known), trace)


def told(*found: Traced, commit: Commit = COMMIT, since: float = AT - 1000) -> tuple[list[str], list[str]]:
    """The sessions that are meant, and those that may be."""
    said = behind.decide([commit], found, since)
    meant, unclear = ([one.candidate.stored.session for one in part] for part in (said.meant, said.unclear))
    return meant, unclear


def test_a_transcript_with_the_commit_leaves_no_doubt() -> None:
    long_ago = session("b", MADE, began=AT - 9e6, changed=AT - 8e6)
    assert told(session("a", TOUCHED), long_ago, session("c", TOUCHED)) == (["b"], [])


@pytest.mark.parametrize(
    ("call", "made"),
    [
        (CommitCall("git commit -qm 'Mend the limits'", AT + 5), True),
        (CommitCall("git commit -qm 'Mend the limits'", AT - 4000), False),
        (CommitCall("git commit -qm 'Mend the limits'", None), True),
        (CommitCall("git commit -qm 'Something else'", AT), False),
        (CommitCall("git commit -m x", AT, ("bcdef01",)), False),
        (CommitCall("git commit -m 'Mend the limits'", AT, ("9999999",)), True),  # rebased since
    ],
)
def test_a_quiet_commit_is_known_by_its_subject_and_its_time(call: CommitCall, made: bool) -> None:
    meant, unclear = told(session("a", Trace([call])))
    assert (meant == ["a"], unclear == ["a"]) == (made, not made)


def test_a_short_subject_proves_nothing() -> None:
    call = CommitCall("git commit -qm wip", AT)
    assert told(session("a", Trace([call])), commit=replace(COMMIT, subject="wip")) == ([], ["a"])


@pytest.mark.parametrize(
    ("began", "changed", "trace", "expected"),
    [
        (-100, 100, TOUCHED, (["a"], [])),
        (-900, -500, TOUCHED, (["a"], [])),  # committed by hand a while after
        (-100, 100, Trace(), ([], ["a"])),
        (-900, -500, Trace(), ([], [])),
        (-9000, -5000, TOUCHED, ([], [])),  # it ended before the commit before
        (500, 900, TOUCHED, ([], [])),  # it began afterwards
        (-100, 100, Trace(said=["cat src/ages.python"]), ([], ["a"])),
    ],
)
def test_without_a_commit_of_its_own_time_and_files_speak(
    began: float, changed: float, trace: Trace, expected: tuple[list[str], list[str]]
) -> None:
    assert told(session("a", trace, AT + began, AT + changed)) == expected


def test_two_that_are_likely_cannot_be_told_apart() -> None:
    assert told(session("a", TOUCHED), session("b", TOUCHED), session("c", Trace())) == ([], ["a", "b"])


def test_a_file_may_be_named_from_where_the_session_worked() -> None:
    one = replace(session("a", Trace(said=["vi ages.py"])), folder="src")
    assert told(one) == (["a"], [])
    assert told(replace(one, folder="docs")) == ([], ["a"])


def test_one_that_was_driven_or_asked_stands_for_its_commits_and_is_asked_no_more() -> None:
    job = Job(until=("true",), agent="claude", worktree="/repo")
    known = RunState(run="r", job=job, last_at=AT + 200)
    over = session("a", MADE, known=known)
    assert told(over, session("b", TOUCHED)) == ([], [])
    assert told(session("a", MADE, changed=AT + 300, known=known)) == (["a"], [])  # gone on with since
    by_hand = replace(known, job=job.model_copy(update={"by_hand": ByHand(session="a")}))
    assert told(session("a", MADE, known=by_hand)) == (["a"], [])  # it was never asked


def called(number: str, name: str = "Bash", **said: str) -> dict[str, Any]:
    return {
        "type": "assistant",
        "message": {"content": [{"type": "tool_use", "id": number, "name": name, "input": said}]},
    }


def ended(number: str, content: Any, *, failed: bool = False) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": number, "is_error": failed, "content": content}
    return {"type": "user", "message": {"content": [result]}}


def test_a_transcript_tells_of_commits_and_files(tmp_path: Path) -> None:
    file = tmp_path / "s.jsonl"
    lines = [
        called("1", command="git add -A && git commit -m 'Mend'"),
        ended("1", "[main (root-commit) abcdef0] Mend"),
        called("2", command="git commit --amend"),
        ended("2", "[main 1234567] no", failed=True),
        called("3", "Edit", file_path="/repo/src/ages.py"),
        called("4", command="git commit -qm x; git log --format=%h"),
        ended("4", [{"type": "text", "text": "deadbeef\nfedcba9"}]),
        called("5", command="git log"),
        ended("5", "fedcba9 Another"),
        called("6", command="git rev-parse HEAD^{commit}"),
        ended("6", "fedcba9"),
    ]
    stamped = [json.dumps({**line, "timestamp": "2026-11-26T00:00:00Z"}) for line in lines]
    file.write_text("\n".join([*stamped[:5], "no json", '["a list"]', *stamped[5:]]))
    adapter = registry.load("claude")
    found = traces.trace(adapter, StoredSession("claude", "s", Path("/repo"), None, AT, file))
    assert [(call.ids, call.at) for call in found.commits] == [
        (("abcdef0",), 1795651200.0),
        (("deadbeef",), 1795651200.0),
    ]
    assert found.mentions("src/ages.py")
    assert not found.mentions("ages")


@pytest.mark.parametrize(
    ("command", "commits"),
    [
        ("cd src && git commit -am x", True),
        ("git -C '/a b' -c user.name=\"A B\" --no-pager commit", True),
        ('["git", "commit", "-m", "x"]', True),
        ("git commit-tree HEAD^{tree}", False),
        ("git log --format='commit %H'", False),
        ("git add commit.py", False),
        ("git add x; echo commit", False),
    ],
)
def test_only_git_commit_commits(command: str, commits: bool, tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text(json.dumps(called("1", command=command)))
    stored = StoredSession("claude", "s", Path("/repo"), None, AT, tmp_path / "s.jsonl")
    assert bool(traces.trace(registry.load("claude"), stored).commits) is commits
