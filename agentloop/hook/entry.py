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

from agentloop.hook import asking, decision, lastly, settings
from agentloop.hook.asking import Place
from agentloop.hook.decision import Ref, Tip
from agentloop.hook.settings import HookSettings
from agentloop.records import commit_receipts
from agentloop.records.queue import Queue, QueuedJob
from agentloop.text.quoting import one_line

_MAX_CHARS = 300
_MAX_SAID = 16 * 1024 * 1024
_IN_A_RUN = "AGENTLOOP_RUN"
"""Set in what a run starts: the run sees to its own skill."""
_UNTOUCHED = ("AGENTLOOP=0", "CI")
"""Nothing is even written down."""


def main(arguments: Sequence[str]) -> int:
    """Answer git.

    Args:
        arguments: the remote's name and its address, as git gives them to its pre-push hook.

    Returns:
        0 lets the push go on, 1 ends it.
    """
    try:
        return _answer(arguments, dict(os.environ))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with us, the push goes on
        with suppress(OSError):
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
    push = _Push(place, folder, remote, settings.load(place.root, environment))
    return push.answer(refs, in_a_run=_IN_A_RUN in environment)


@dataclass(frozen=True, slots=True)
class _Push:
    """A push that is answered."""

    place: Place
    folder: Path
    """The state folder of the repository."""
    remote: str
    told: HookSettings

    def answer(self, refs: Sequence[Ref], *, in_a_run: bool) -> int:
        tips = [tip for ref in refs if (tip := self._tip(ref))]
        answer = self._decided(tips)
        lines = [*(f"agentloop: {problem}" for problem in self.told.problems), *answer.lines] if tips else []
        if not answer.refused and self.told.predicate and not in_a_run:
            lines += self._queued(tips)
        _say(lines)
        silent = "" if tips else "silent: nothing but what the remote has, skills, tags or deletions"
        kept = silent or ("refused" if answer.refused else "passed on")
        lastly.keep(self.folder, lastly.LastPush(time.time(), kept, lines))
        return int(answer.refused)

    def _tip(self, ref: Ref) -> Tip | None:
        """What is known of a pushed commit; None when there is nothing to know."""
        if not ref.oid:
            ref = replace(ref, oid=asking.commit_of(ref.local))
        if not ref.is_of_interest:
            return None
        worked = asking.worked_on(ref.oid, ref.base, self.remote, self.told.skills_dir)
        if worked is None:
            return None
        predicate = self.told.predicate or None
        found = [
            commit_receipts.read(self.folder, tree, predicate) for tree in (worked.tree, worked.tree_before_skills)
        ]
        return Tip(ref, found[0] or found[1])

    def _decided(self, tips: Sequence[Tip]) -> decision.Decision:
        told = self.told
        first = decision.decide(tips, told.gate, told.predicate, time.time())
        if not first.to_check:
            return first
        from agentloop.hook.checking import check

        checked = check(self.place.root, self.place.common_dir, first.to_check, told, _say)
        now_known = [checked.get(tip.ref.oid, tip) for tip in tips]
        refusing = any(tip.receipt and tip.receipt.verdict != "pass" for tip in now_known)
        return decision.decide(now_known, "block" if refusing else "warn", told.predicate, time.time())

    def _queued(self, tips: Sequence[Tip]) -> list[str]:
        """Queue what was pushed; the skills are no reason to fail a push, or to keep it waiting."""
        queue, now, root = Queue(self.folder), time.time(), str(self.place.root)
        jobs = [QueuedJob(root, tip.ref.remote, self.remote, tip.ref.base, tip.ref.oid, now) for tip in tips]
        try:
            added = [job for job in jobs if queue.put(job)]
            if added and self.told.worker:
                from agentloop.process import start_detached

                start_detached([sys.executable, "-m", "agentloop", "queue", "run"], self.place.root, queue.log)
        except OSError as error:
            return [f"agentloop: no job could be queued: {error.strerror}"]
        return []


def _is_terminal() -> bool:
    return sys.stdin is None or sys.stdin.isatty()


def _said() -> str:
    """What git says, however many refs there are."""
    return sys.stdin.buffer.read(_MAX_SAID).decode("utf-8", "surrogateescape")


def _say(lines: Sequence[str]) -> None:
    if sys.stderr is not None:
        sys.stderr.write("".join(f"{line}\n" for line in lines).encode("utf-8", "replace").decode("utf-8"))
        sys.stderr.flush()
