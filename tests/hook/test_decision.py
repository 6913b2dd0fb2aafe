"""What is said and done about a push, without a push."""

import dataclasses

import pytest

from agentloop.hook import decision
from agentloop.hook.decision import Ref, Tip
from agentloop.hook.rules import Gate
from agentloop.records.commit_receipts import CommitReceipt

OID, OTHER, ZERO, LONG_ZERO = "a" * 40, "b" * 40, "0" * 40, "0" * 64
MAIN = Ref("refs/heads/main", OID, "refs/heads/main", OTHER)


def receipt(verdict: str, log: str = "") -> CommitReceipt:
    return CommitReceipt("c" * 40, "make test passes", verdict, 100.0, 1.0, "", log)


def test_git_s_lines_are_read_with_names_that_have_spaces() -> None:
    said = f":/fix a bug {OID} refs/heads/main {ZERO}\nno line of git's\n\n(delete) {ZERO} refs/heads/old {OTHER}\n"
    assert decision.refs(said) == [
        Ref(":/fix a bug", OID, "refs/heads/main", ZERO),
        Ref("(delete)", ZERO, "refs/heads/old", OTHER),
    ]


@pytest.mark.parametrize(
    ("ref", "counts"),
    [
        (MAIN, True),
        (dataclasses.replace(MAIN, remote_oid=ZERO), True),
        (dataclasses.replace(MAIN, oid=ZERO), False),
        (dataclasses.replace(MAIN, oid=LONG_ZERO), False),
        (dataclasses.replace(MAIN, remote="refs/tags/v1"), False),
        (dataclasses.replace(MAIN, remote="refs/notes/commits"), False),
        (dataclasses.replace(MAIN, remote_oid=OID), False),
    ],
)
def test_what_is_of_interest(ref: Ref, counts: bool) -> None:
    assert ref.is_of_interest is counts
    assert ref.base == ("" if not ref.remote_oid.strip("0") else ref.remote_oid)


def test_the_pre_commit_framework_tells_by_variables() -> None:
    told = {"PRE_COMMIT_LOCAL_BRANCH": "refs/heads/main", "PRE_COMMIT_REMOTE_BRANCH": "refs/heads/there"}
    assert decision.ref_of_framework(told) == Ref("refs/heads/main", "", "refs/heads/there", "")
    more = {**told, "PRE_COMMIT_FROM_REF": OTHER, "PRE_COMMIT_TO_REF": OID}
    assert decision.ref_of_framework(more) == Ref("refs/heads/main", OID, "refs/heads/there", OTHER)
    assert decision.ref_of_framework({}) is None


@pytest.mark.parametrize(
    ("environment", "is_terminal", "why"),
    [
        ({}, False, ""),
        ({"CI": "false", "AGENTLOOP": "1"}, False, ""),
        ({"CI": "1"}, False, "CI"),
        ({"AGENTLOOP": "0", "CI": "1"}, True, "AGENTLOOP=0"),
        ({"AGENTLOOP_PUSH": "1"}, False, "agentloop push"),
        ({}, True, "a terminal for stdin"),
    ],
)
def test_why_it_is_silent(environment: dict[str, str], is_terminal: bool, why: str) -> None:
    assert decision.silenced_by(environment, is_terminal=is_terminal) == why


@pytest.mark.parametrize(
    ("gate", "verdict", "refused", "checks"),
    [
        ("warn", "", False, False),
        ("warn", "fail", False, False),
        ("block", "", True, False),
        ("block", "fail", True, False),
        ("block", "error", True, False),
        ("block", "pass", False, False),
        ("run", "", False, True),
        ("run", "error", False, True),
        ("run", "fail", True, False),
        ("run", "pass", False, False),
    ],
)
def test_the_gate(gate: Gate, verdict: str, refused: bool, checks: bool) -> None:
    tip = Tip(MAIN, "tree", receipt(verdict) if verdict else None)
    decided = decision.decide([tip], gate, "make test passes", 200.0)
    assert (decided.refused, bool(decided.to_check)) == (refused, checks)
    assert checks or decided.lines


def test_without_a_predicate_nothing_is_refused_and_only_receipts_are_told() -> None:
    decided = decision.decide([Tip(MAIN, "tree"), Tip(MAIN, "tree", receipt("fail"))], "block", "", 200.0)
    assert not decided.refused
    (line,) = decided.lines
    assert "failed" in line


def test_after_a_check_what_failed_is_refused_and_what_did_not_end_is_not() -> None:
    unfinished = Tip(MAIN, "tree", receipt("error"), unfinished="it took too long")
    assert not decision.decide_checked([unfinished], 200.0).refused
    assert decision.decide_checked([unfinished, Tip(MAIN, "tree", receipt("error"))], 200.0).refused
    assert not decision.decide_checked([Tip(MAIN, "tree", receipt("pass"))], 200.0).refused


def test_what_is_shown_is_bounded_and_plain() -> None:
    evil = Tip(
        dataclasses.replace(MAIN, remote="refs/heads/\x1b[31m" + "x" * 500),
        "tree",
        dataclasses.replace(receipt("fail", "/log\x07"), predicate="y\n" * 500),
    )
    (line,) = decision.decide([evil], "warn", "make test passes", 200.0).lines
    assert line.isprintable()
    assert len(line) < 700
