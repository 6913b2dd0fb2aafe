"""Is a pass honest? The baseline taken before the first turn, and the examination of a pass against it."""

import shlex
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentloop import events as ev
from agentloop.errors import RepoError
from agentloop.guard import compare, watch
from agentloop.guard.protected import Changes, Protection, named_scripts, what_counts
from agentloop.guard.replay import Replay, RunCheck
from agentloop.predicate.reports.report import TestReport
from agentloop.repo import Repo
from agentloop.state import RunState

_SHOWN = 12
_EDITED = "the check passes only with edited checks: with these files as they were at the start it does not"


def take_baseline(repo: Repo, state: RunState) -> ev.GuardBegan:
    """Note what a pass will be held against, beside the first snapshot and the first check."""
    leaves = state.baseline.leaves if state.baseline else ()
    protection = _protection(state, repo.tree_at(state.snapshots[0].commit))
    return ev.GuardBegan(
        hooks=watch.hooks(repo, protection),
        tools=watch.tools(leaf.tool for leaf in leaves),
    )


@dataclass(frozen=True, slots=True)
class Examination:
    """The examination of one pass.

    Args:
        repo: the run's repository.
        state: the run's state, whose last check passed.
        folder: for worktrees and logs of replays, outside of the tree.
        run_check: runs the predicate.
    """

    repo: Repo
    state: RunState
    folder: Path
    run_check: RunCheck

    def examine(self) -> ev.Guarded:
        """Say whether the pass is honest.

        Raises:
            Interrupted: a signal was noted.
            OSError: a log cannot be written.
        """
        began = time.monotonic()
        base, now = self.state.snapshots[0].commit, self.state.snapshots[-1].commit
        before, after = self.repo.tree_at(base), self.repo.tree_at(now)
        protection = _protection(self.state, before)
        changes = protection.changes(before, after, lambda path: self._same(base, now, path))
        hidden = self._hidden(protection)
        problems = self._tools(before) + self._reports(self._leaves(), protection)
        notes: list[str] = []
        replayed = bool(changes or hidden or self._speaks_of_other_tests())
        if replayed and not problems:
            found = self._replay(now, changes, protection, hidden)
            problems += found.problems
            notes += found.notes
        return ev.Guarded(
            attempt=self.state.checks[-1].attempt,
            accepted=not problems or self.state.task.guard == "warn",
            problems=tuple(problems),
            files=(*changes.files, *hidden)[:_SHOWN] if problems else (),
            notes=tuple(notes),
            replayed=replayed,
            duration_s=time.monotonic() - began,
        )

    def _same(self, base: str, now: str, path: str) -> bool:
        texts = [what_counts(path, self.repo.file_at(commit, path)) for commit in (base, now)]
        return bool(texts[0] == texts[1])

    def _hidden(self, protection: Protection) -> tuple[str, ...]:
        """What git ignores, hooks into a runner, and is not as it was."""
        before: Mapping[str, str] = self.state.guard_began.hooks if self.state.guard_began else {}
        now = watch.hooks(self.repo, protection)
        return tuple(sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path)))

    def _leaves(self) -> Sequence[ev.Leaf]:
        return self.state.checks[-1].leaves

    def _baseline_leaves(self) -> Mapping[str, ev.Leaf]:
        return {leaf.source: leaf for leaf in (self.state.baseline.leaves if self.state.baseline else ())}

    def _tools(self, recorded: Collection[str]) -> list[str]:
        """Other programs than at the start; one that git records is among the protected files."""
        root = self.repo.root
        baseline = self._baseline_leaves()
        digests = self.state.guard_began.tools if self.state.guard_began else {}
        problems = []
        for leaf in self._leaves():
            before = baseline[leaf.source].tool if leaf.source in baseline else ""
            if before and leaf.tool != before:
                problems.append(f"`{leaf.command}` now runs {leaf.tool or 'nothing'}, it ran {before}")
            elif watch.is_among(before, root, recorded):
                continue
            elif before and digests.get(before, "") != watch.tools([before]).get(before):
                problems.append(f"the program {before} is not what it was at the start")
        return problems

    def _reports(self, leaves: Iterable[ev.Leaf], protection: Protection) -> list[str]:
        baseline = self._baseline_leaves()
        freed = self._freed(protection)
        problems = []
        for leaf in leaves:
            before = baseline.get(leaf.source)
            if leaf.kind == "command" and leaf.verdict == "pass" and before:
                problems += compare.lost_tests(_report(before), _report(leaf), freed)
        return list(dict.fromkeys(problems))

    def _freed(self, protection: Protection) -> list[str]:
        """The files that the task is about, as they were called at the start."""
        paths = self.repo.tree_at(self.state.snapshots[0].commit) if self.state.task.may_edit else ()
        return [path for path in paths if protection.may_change(path)]

    def _speaks_of_other_tests(self) -> bool:
        baseline = self._baseline_leaves()
        pairs = ((baseline.get(leaf.source), leaf) for leaf in self._leaves())
        return any(compare.speaks_of_other_tests(_report(before), _report(leaf)) for before, leaf in pairs if before)

    def _replay(self, now: str, changes: Changes, protection: Protection, hidden: tuple[str, ...]) -> "_Found":
        replay = Replay(self.repo, self.state.snapshots[0].commit, self.folder, self.run_check)
        files = _names((*changes.files, *hidden))
        try:
            verdict, leaves = replay.run(now, changes)
            if verdict == "pass":
                problems = self._reports(leaves, protection)
                note = f"protected files changed ({files}); the check passes with them as they were, too"
                return _Found(problems, [] if problems else [note] * bool(files))
            control, _leaves = replay.run(now, None) if changes else ("pass", ())
        except RepoError as error:
            return _Found([f"the check cannot be replayed ({error.message}): put these files back: {files}"], [])
        if not files:
            return _Found([], ["the report speaks of other tests than at the start, and a replay did not pass"])
        if control == "pass":
            return _Found([f"{_EDITED}: {files}"], [])
        return _Found([f"the check cannot be run in a clean worktree: put these files back as they were: {files}"], [])


@dataclass(frozen=True, slots=True)
class _Found:
    problems: list[str]
    notes: list[str]


def _protection(state: RunState, paths: Iterable[str]) -> Protection:
    job = state.task
    commands = [_argv(leaf.command) for leaf in (state.baseline.leaves if state.baseline else ()) if leaf.command]
    return Protection(named_scripts(commands, paths), job.protect, job.may_edit)


def _argv(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _report(leaf: ev.Leaf) -> TestReport | None:
    if not leaf.report:
        return None
    try:
        return TestReport.load(Path(leaf.report))
    except (OSError, ValueError):
        return None


def _names(files: Sequence[str]) -> str:
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    return ", ".join(files[:_SHOWN]) + more
