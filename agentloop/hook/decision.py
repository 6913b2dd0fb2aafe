"""What the hook says and does about a push: from what git said, the environment and the receipts. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentloop.hook.rules import Gate
from agentloop.records.commit_receipts import CommitReceipt
from agentloop.text.ages import ago
from agentloop.text.quoting import one_line, visible

REFUSED = 77
"""The exit code of a push that is refused: neither Python nor a shell has it for what they cannot run."""
_HEADS = "refs/heads/"
_HEX = frozenset("0123456789abcdef")
_MAX_LINES = 5
_MAX_CHARS = 120


@dataclass(frozen=True, slots=True)
class Ref:
    """One line of what git tells its pre-push hooks."""

    local: str
    """The name on this side, as it was typed: it may have spaces in it."""
    oid: str
    remote: str
    """The full name on the other side."""
    remote_oid: str
    """What the remote has there; zeros for nothing."""

    @property
    def is_of_interest(self) -> bool:
        """It puts a commit on a branch: no deletion, no tag, no note."""
        return bool(self.oid.strip("0")) and self.remote.startswith(_HEADS) and self.oid != self.remote_oid

    @property
    def base(self) -> str:
        """What the remote has; empty for nothing."""
        return self.remote_oid if self.remote_oid.strip("0") else ""

    @property
    def shown(self) -> str:
        """The branch and the commit, for people."""
        return f"{one_line(visible(self.remote.removeprefix(_HEADS)), _MAX_CHARS)} ({self.oid[:10]})"


@dataclass(frozen=True, slots=True)
class Tip:
    """A pushed commit that somebody has worked on."""

    ref: Ref
    tree: str
    receipt: CommitReceipt | None = None
    """Of its tree, by the predicate in force."""
    unfinished: str = ""
    """Why a check that was begun just now came to nothing."""

    @property
    def verdict(self) -> str:
        """What it came to; empty when it was not checked, or that led to nothing."""
        return self.receipt.verdict if self.receipt and self.receipt.verdict != "error" else ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is said and done."""

    lines: tuple[str, ...] = ()
    """For people, on stderr."""
    refused: bool = False
    """The push ends here."""
    to_check: tuple[Tip, ...] = ()
    """What is to be checked now, before anything else is decided."""


def refs(said: str) -> list[Ref]:
    """Read what git says on stdin; a line of another shape is passed over."""
    lines = (line.rsplit(" ", 3) for line in said.splitlines())
    return [Ref(*words) for words in lines if len(words) == 4 and set(words[1] + words[3]) <= _HEX]


def ref_of_framework(environment: Mapping[str, str]) -> Ref | None:
    """What the pre-commit framework tells instead, of the first ref alone; None when it is not there.

    Its commit may be empty: it is then the one that the local name stands for.
    """
    local, remote = environment.get("PRE_COMMIT_LOCAL_BRANCH"), environment.get("PRE_COMMIT_REMOTE_BRANCH")
    if not local or not remote:
        return None
    oid = environment.get("PRE_COMMIT_TO_REF", "")
    return Ref(local, oid, remote, environment.get("PRE_COMMIT_FROM_REF", ""))


def silenced_by(environment: Mapping[str, str], *, is_terminal: bool) -> str:
    """Why the hook is silent whatever is pushed; empty when it is not.

    Args:
        environment: of the hook.
        is_terminal: stdin is one, so that nobody says what is pushed.
    """
    if environment.get("AGENTLOOP") == "0":
        return "AGENTLOOP=0"
    if environment.get("AGENTLOOP_PUSH"):
        return "agentloop push"
    if environment.get("CI", "").lower() not in ("", "0", "false"):
        return "CI"
    return "a terminal for stdin" if is_terminal else ""


def decide(tips: Sequence[Tip], gate: Gate, predicate: str, now: float) -> Decision:
    """Decide about the commits of a push.

    Args:
        tips: the pushed commits that somebody has worked on.
        gate: what becomes of one that is not known to pass.
        predicate: what has to hold; empty when the project has none.
        now: Unix time in seconds.
    """
    unknown = [tip for tip in tips if not tip.verdict]
    if gate == "run" and unknown and predicate:
        return Decision(to_check=tuple(unknown))
    is_bad = bool(predicate) and any(tip.verdict != "pass" for tip in tips)
    lines = _cut([_line(tip, now) for tip in tips if tip.receipt or predicate])
    return _refused(lines) if is_bad and gate != "warn" else Decision(tuple(lines))


def decide_checked(tips: Sequence[Tip], now: float) -> Decision:
    """Decide about the commits of a push after they were checked; one whose check was not finished goes on.

    Args:
        tips: the pushed commits, with what is known of them now.
        now: Unix time in seconds.
    """
    lines = _cut([_line(tip, now) for tip in tips])
    is_bad = any(tip.receipt and tip.receipt.verdict != "pass" for tip in tips if not tip.unfinished)
    return _refused(lines) if is_bad else Decision(tuple(lines))


def _refused(lines: Sequence[str]) -> Decision:
    return Decision((*lines, *_REFUSED), refused=True)


_REFUSED = (
    "agentloop: not pushed (hook.gate); agentloop push checks first and pushes what holds",
    "agentloop: to push all the same: AGENTLOOP=0 git push ...",
)


def _line(tip: Tip, now: float) -> str:
    receipt = tip.receipt
    if tip.unfinished:
        return f"agentloop: {tip.ref.shown} goes on unchecked: {tip.unfinished}"
    if receipt is None:
        return f"agentloop: {tip.ref.shown} has not been checked: agentloop push checks before it pushes"
    what = f"`{one_line(receipt.predicate, _MAX_CHARS)}`"
    if receipt.verdict == "pass":
        return f"agentloop: {tip.ref.shown} passed {what} {ago(now - receipt.at)}"
    did = "failed" if receipt.verdict == "fail" else "could not be checked by"
    log = f"; log: {one_line(receipt.log, 2 * _MAX_CHARS)}" if receipt.log else ""
    return f"agentloop: {tip.ref.shown} {did} {what} {ago(now - receipt.at)}{log}"


def _cut(lines: list[str]) -> list[str]:
    left = len(lines) - _MAX_LINES
    return [*lines[:_MAX_LINES], f"agentloop: and {left} more"] if left > 0 else lines
