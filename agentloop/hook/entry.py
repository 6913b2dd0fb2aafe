"""`agentloop hook pre-push`: git's protocol on stdin, one line on stderr, and back.

Nothing that goes wrong with us fails a push: it is told in a line, and the push goes on.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from agentloop.errors import AgentloopError
from agentloop.hook import asking, decision, lastly
from agentloop.hook.asking import AskingError, Place, Worked
from agentloop.hook.decision import REFUSED, Ref, Tip
from agentloop.hook.rules import Rules, rules
from agentloop.records import commit_receipts
from agentloop.records.commit_receipts import CommitReceipt
from agentloop.records.queue import Queue, QueuedJob
from agentloop.text.quoting import one_line

_MAX_CHARS = 300
_MAX_SAID = 16 * 1024 * 1024
_IN_A_RUN = "AGENTLOOP_RUN"
"""Set in what a run starts: the run sees to its own skill."""
_NOTHING = "silent: it brought nothing but deletions, tags, skills, or what the remote had"
_UNTOUCHED = ("AGENTLOOP=0", "CI")
"""Nothing is even written down."""


def main(arguments: Sequence[str]) -> int:
    """Answer git.

    Args:
        arguments: the remote's name and its address, as git gives them to its pre-push hook.

    Returns:
        0 lets the push go on, `REFUSED` ends it.
    """
    try:
        return _answer(arguments, dict(os.environ))
    except KeyboardInterrupt:
        return REFUSED
    except Exception as error:  # noqa: BLE001 - whatever is wrong with us, the push goes on
        _say([f"agentloop: the hook did nothing: {one_line(str(error), _MAX_CHARS)}"])
        return 0


def _answer(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    framework = decision.ref_of_framework(environment)
    silent = decision.silenced_by(environment, is_terminal=not framework and _is_terminal())
    if silent in _UNTOUCHED:
        return 0
    refs = [framework] if framework else decision.refs(_said() if not silent else "")
    place = asking.place()
    folder = commit_receipts.folder_of(place.common_dir)
    silent = silent or place.under_way
    if silent:
        lastly.keep(folder, lastly.LastPush(time.time(), f"silent: {silent}"))
        return 0
    remote = arguments[0] if arguments else environment.get("PRE_COMMIT_REMOTE_NAME", "")
    push = _Push(place, folder, remote, rules(place.root, environment, folder))
    return push.answer(refs, in_a_run=_IN_A_RUN in environment)


@dataclass(frozen=True, slots=True)
class _Push:
    """A push that is answered."""

    place: Place
    folder: Path
    """The state folder of the repository."""
    remote: str
    rules: Rules

    def answer(self, refs: Sequence[Ref], *, in_a_run: bool) -> int:
        of_interest = [ref for ref in map(self._whole, refs) if ref.is_of_interest]
        one_of_each = {(ref.oid, ref.base): ref for ref in of_interest}  # a first push may bring thousands of branches
        found = {key: self._tip(ref) for key, ref in one_of_each.items()}
        tips = [replace(tip, ref=ref) for ref in of_interest if (tip := found[ref.oid, ref.base])]
        answer, lines = decision.Decision(), []
        if tips:
            answer = self._decided(tips)
            lines = [*(f"agentloop: {problem}" for problem in self.rules.problems), *answer.lines]
            if self.rules.distills and not answer.refused and not in_a_run:
                lines += self._queued([tip.ref for tip in tips])
        _say(lines)
        kept = "refused" if answer.refused else "passed on" if tips else _NOTHING
        lastly.keep(self.folder, lastly.LastPush(time.time(), kept, lines))
        return REFUSED if answer.refused else 0

    def _whole(self, ref: Ref) -> Ref:
        return ref if ref.oid else replace(ref, oid=asking.commit_of(ref.local))

    def _tip(self, ref: Ref) -> Tip | None:
        worked = asking.worked_on(ref.oid, ref.base, self.remote, self.rules.skills_dir)
        return Tip(ref, worked.tree, self._receipt(worked)) if worked else None

    def _receipt(self, worked: Worked) -> CommitReceipt | None:
        trees = dict.fromkeys((worked.tree, worked.tree_before_skills))
        found = (commit_receipts.read(self.folder, tree, self.rules.predicate or None) for tree in trees)
        return next(filter(None, found), None)

    def _decided(self, tips: Sequence[Tip]) -> decision.Decision:
        first = decision.decide(tips, self.rules.gate, self.rules.predicate, time.time())
        if not first.to_check:
            return first
        from agentloop.hook import checking

        where = checking.Where(self.place.root, self.folder, self.rules.predicate, self.rules.timeout_s)
        checked = checking.check(where, first.to_check, lambda line: _say([line]))
        known_now = [checked.get(tip.ref.oid, tip) for tip in tips]
        return decision.decide_checked(known_now, time.time())

    def _queued(self, refs: Sequence[Ref]) -> list[str]:
        """Queue what was pushed; the skills are no reason to fail a push, or to keep it waiting."""
        queue, now, root = Queue(self.folder), time.time(), str(self.place.root)
        jobs = [QueuedJob(root, ref.remote, self.remote, ref.base, ref.oid, (), now) for ref in refs]
        try:
            new = [job for job in {job.id: job for job in jobs}.values() if not queue.has(job)]
            for job in new:
                queue.keep(replace(job, known=asking.known_before(job.tip, job.base, self.remote)))
            if new and self.rules.worker and queue.worker() is None:  # one that is at work takes them, too
                from agentloop.process import start_detached

                start_detached([sys.executable, "-P", "-m", "agentloop", "queue", "run"], self.place.root, queue.log)
        except (OSError, AskingError, AgentloopError) as error:
            return [f"agentloop: no job could be queued: {one_line(str(error), _MAX_CHARS)}"]
        return []


def _is_terminal() -> bool:
    return sys.stdin is None or sys.stdin.isatty()


def _said() -> str:
    """What git says, however many refs there are."""
    return sys.stdin.buffer.read(_MAX_SAID).decode("utf-8", "surrogateescape")


def _say(lines: Sequence[str]) -> None:
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write("".join(f"{line}\n" for line in lines).encode("utf-8", "replace").decode("utf-8"))
            sys.stderr.flush()
