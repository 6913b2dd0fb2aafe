"""Pushed commits checked while git waits: by a process of its own, which is ended when the time is over."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agentloop import interrupts
from agentloop.hook.decision import REFUSED, Tip
from agentloop.interrupts import Interrupted
from agentloop.process import RUN_TAG, git_free_environment, run_program
from agentloop.records import commit_receipts
from agentloop.text.quoting import one_line

_MAX_CHARS = 300
_MAX_BYTES = 4000


@dataclass(frozen=True, slots=True)
class Where:
    """Where commits are checked, by what, and for how long."""

    root: Path
    """The working tree that is pushed from; what is checked is the commit, in a clean worktree."""
    folder: Path
    """The state folder of the repository."""
    predicate: str
    """As receipts have it."""
    timeout_s: float
    """For all of them together."""


def check(where: Where, tips: Sequence[Tip], say: Callable[[str], None]) -> Mapping[str, Tip]:
    """Check commits, and say that the remote waits.

    Returns:
        By the commit's id, what is known of each now.

    Raises:
        SystemExit: a signal arrived; the push ends.
    """
    ends_at = time.monotonic() + where.timeout_s
    checked: dict[str, Tip] = {}
    for tip in tips:
        if tip.ref.oid in checked:
            continue
        left_s = ends_at - time.monotonic()
        say(f"agentloop: checking {tip.ref.shown}, at most {max(left_s, 0):.0f} s; the remote is connected and waits")
        checked[tip.ref.oid] = _checked(where, tip, left_s)
    return checked


def _checked(where: Where, tip: Tip, left_s: float) -> Tip:
    over = f"the check did not end within {where.timeout_s:g} s (hook.timeout); agentloop push takes its time"
    if left_s <= 0:
        return replace(tip, unfinished=over)
    began, printed = time.time(), bytearray()
    env = {name: value for name, value in git_free_environment().items() if name != RUN_TAG}
    argv = [
        sys.executable,
        "-P",
        "-m",
        "agentloop",
        "hook",
        "check",
        tip.ref.oid,
        *([tip.ref.base] if tip.ref.base else []),
    ]
    try:
        with interrupts.noted():
            exited = run_program(argv, cwd=where.root, env=env, timeout_s=left_s, on_stdout=printed.extend)
    except Interrupted as interrupted:
        raise SystemExit(REFUSED) from interrupted
    receipt = commit_receipts.read(where.folder, tip.tree, where.predicate)
    if receipt and (receipt.at >= began or receipt.verdict == "pass"):
        return replace(tip, receipt=receipt)
    words = one_line(bytes(printed[-_MAX_BYTES:]).decode("utf-8", "replace"), _MAX_CHARS)
    return replace(tip, unfinished=over if exited.ended_by == "timeout" else words or "the check said nothing")
