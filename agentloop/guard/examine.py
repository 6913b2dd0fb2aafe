"""Is a pass honest? The baseline taken before the first turn, and the examination of a pass against it."""

import shlex
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentloop import events as ev
from agentloop.errors import RepoError
from agentloop.guard import compare, record
from agentloop.guard.protected import Changes, Protection, has_build_files, named_scripts, scripts_in
from agentloop.guard.record import Record
from agentloop.guard.replay import Replay, RunCheck
from agentloop.predicate import commands
from agentloop.predicate.language.nodes import Command, Node, leaves
from agentloop.predicate.reports.report import TestReport
from agentloop.process import child_environment
from agentloop.repo import Repo
from agentloop.state import RunState

_SHOWN = 12
_EDITED = "the check passes only with edited checks: with these files as they were at the start it does not"
_BUILD_FILES = ("Makefile", "GNUmakefile", "makefile", "justfile", "package.json")


def take_baseline(repo: Repo, state: RunState, predicate: Node, path: Path) -> ev.GuardBegan:
    """Record what a pass will be held against, beside the first snapshot and the first check.

    Args:
        repo: the run's repository.
        state: the run's state.
        predicate: for its commands, when none of them has been run yet.
        path: the file to be written.

    Raises:
        OSError: the record cannot be written.
        RepoError: the commit that the work began with cannot be looked at.
    """
    ran = _ran(state) if state.baseline else _will_run(repo, state, predicate)
    base = state.snapshots[0].commit
    paths = repo.tree_at(base)
    named = named_scripts([_argv(command) for command, _tool in ran if command], paths)
    for name in _BUILD_FILES:
        if name in paths:
            named |= scripts_in(_text(repo.root / name), paths)
    tools = record.tool_digests([tool for _command, tool in ran])
    protection = _protection(state, named, builds=has_build_files(paths))
    is_over = state.task.by_hand is not None and state.task.by_hand.session
    if is_over:
        record.take_of(repo, base, protection, tools, path.with_suffix(".tree")).save(path)
    else:
        record.take(repo, protection, tools).save(path)
    return ev.GuardBegan(record=str(path))


def _ran(state: RunState) -> list[tuple[str, str]]:
    """The commands of the first check, each with its program."""
    return [(leaf.command, leaf.tool) for leaf in (state.baseline.leaves if state.baseline else ())]


def _will_run(repo: Repo, state: RunState, predicate: Node) -> list[tuple[str, str]]:
    env = child_environment(state.run)
    told = [node for node in leaves(predicate) if isinstance(node, Command)]
    told += [Command((spec.command,), shell=True) for spec in state.task.metrics.values()]
    return [(node.command, commands.tool(node, repo.root, env)) for node in told]


@dataclass(slots=True)
class _Found:
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    replayed: bool = False


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
            OSError: a log or the record cannot be read or written.
            ValueError: the record is none.
        """
        began = time.monotonic()
        before = Record.load(Path(self.state.guard_began.record if self.state.guard_began else ""))
        protection = _protection(self.state, before.named, builds=has_build_files(before.files))
        after = record.look(self.repo.root, protection, before.skipped)
        changes = protection.changes(before.files, after)
        found = _Found(self._tools(before) + self._environment(before) + self._reports(self._leaves(), before.freed))
        try:
            found.problems += self._stand_ins(before, protection)
            if not found.problems and (changes or self._speaks_of_other_tests()):
                self._replay(before, changes, found)
        except RepoError as error:
            files = _names(changes.files or changes.new_tests)
            found.problems.append(f"the check cannot be replayed ({error.message}); not as at the start: {files}")
        return ev.Guarded(
            attempt=self.state.checks[-1].attempt,
            accepted=not found.problems or self.state.task.guard == "warn",
            problems=tuple(found.problems),
            files=changes.files[:_SHOWN] if found.problems else (),
            notes=tuple(found.notes),
            replayed=found.replayed,
            duration_s=time.monotonic() - began,
        )

    def _leaves(self) -> Sequence[ev.Leaf]:
        return self.state.checks[-1].leaves

    def _baseline_leaves(self) -> Mapping[str, ev.Leaf]:
        return {leaf.source: leaf for leaf in (self.state.baseline.leaves if self.state.baseline else ())}

    def _tools(self, before: Record) -> list[str]:
        """Other programs than at the start; one that lies in the tree is protected, or it is the work."""
        baseline = self._baseline_leaves()
        problems = []
        for leaf in self._leaves():
            tool = baseline[leaf.source].tool if leaf.source in baseline else ""
            if tool and leaf.tool != tool:
                problems.append(f"`{leaf.command}` now runs {leaf.tool or 'nothing'}, it ran {tool}")
            elif tool and not self._is_work(tool) and before.tools.get(tool) != record.tool_digests([tool])[tool]:
                problems.append(f"the program {tool} is not what it was at the start")
        return problems

    def _is_work(self, tool: str) -> bool:
        path = Path(tool)
        inside = path.is_relative_to(self.repo.root)
        return inside and not set(path.relative_to(self.repo.root).parts) & record.LINKED

    def _environment(self, before: Record) -> list[str]:
        """What hooks into Python in the environments that were there, and was not installed as part of a package."""
        now = record.site_hooks(self.repo.root)
        changed = [
            path
            for path, digest in now.items()
            if before.site.get(path) != digest and f"{path.partition('/')[0]}/" in before.environments
        ]
        return [
            f"{path} hooks into every check and belongs to no package: put it back, or remove it"
            for path in changed
            if not record.was_installed(self.repo.root, path)
        ]

    def _stand_ins(self, before: Record, protection: Protection) -> list[str]:
        """New files that git ignores, in place of a module that it records: a commit would not have them."""
        recorded = self.repo.tree_at(self.state.snapshots[-1].commit)
        problems = []
        for path in self.repo.ignored():
            module = _module(path)
            stands_for = {f"{module}.py", f"{module}/__init__.py"} & recorded.keys() if module else set()
            if stands_for and path not in before.ignored and not protection.may_change(path) and self._is_module(path):
                problems.append(f"{path} is ignored by git and stands in place of {min(stands_for)}: remove it")
        return problems

    def _is_module(self, path: str) -> bool:
        """Of a folder and a module of one name Python takes the folder only when it is a package."""
        return not path.endswith("/") or any((self.repo.root / path).glob("__init__.*"))

    def _reports(self, leaves: Iterable[ev.Leaf], freed: Collection[str]) -> list[str]:
        baseline = self._baseline_leaves()
        problems = []
        for leaf in leaves:
            before = baseline.get(leaf.source)
            if leaf.kind == "command" and leaf.verdict == "pass" and before:
                problems += compare.lost_tests(_report(before), _report(leaf), freed, exited_0=leaf.exit_code == 0)
        return list(dict.fromkeys(problems))

    def _speaks_of_other_tests(self) -> bool:
        baseline = self._baseline_leaves()
        pairs = ((baseline.get(leaf.source), leaf) for leaf in self._leaves())
        return any(compare.speaks_of_other_tests(_report(before), _report(leaf)) for before, leaf in pairs if before)

    def _had_tests(self) -> bool:
        return any(leaf.tests and leaf.tests != ev.TestCounts() for leaf in self._baseline_leaves().values())

    def _replay(self, before: Record, changes: Changes, found: _Found) -> None:
        """Run the check where only what counts was put back, and say what that shows."""
        found.replayed = True
        base, now = self.state.snapshots[0].commit, self.state.snapshots[-1].commit
        if not self._had_tests():  # the first tests of all are the work itself
            changes = Changes(changes.changed, changes.planted)
        replay = Replay(self.repo, base, before, self.folder, self.run_check)
        files = _names(changes.files or changes.new_tests)
        verdict, leaves = replay.run(now, changes)
        if verdict != "pass":
            control, _leaves = replay.run(now, None) if changes else ("pass", ())
            found.problems += _what_failed(changes, files, control)
            found.notes += [] if changes else ["the report speaks of other tests, and a replay did not pass"]
            return
        found.problems += self._reports(leaves, before.freed) + self._not_apart(changes)
        if changes.files and not found.problems:
            found.notes.append(f"protected files changed ({files}); the check passes with them as they were, too")

    def _not_apart(self, changes: Changes) -> list[str]:
        """A planted file that the replay imported from this tree all the same, as an editable install does."""
        folders = record.paths_into(self.repo.root)
        still_there = [
            path for path in changes.planted if any((self.repo.root / path).parent == folder for folder in folders)
        ]
        if not still_there:
            return []
        return [f"the check cannot be replayed apart from this tree; remove these files: {_names(still_there)}"]


def _module(path: str) -> str:
    """The path of the Python module that an ignored file or folder could be, without its ending; empty for none."""
    folder, name = path.rstrip("/").rpartition("/")[::2]
    stem, _dot, ending = name.partition(".")
    if path.endswith("/"):
        stem = "" if ending else stem
    elif not name.endswith((".py", ".so", ".pyd", ".pyc")):
        stem = ""
    return f"{folder}/{stem}" if stem and folder else stem


def _what_failed(changes: Changes, files: str, control: ev.VerdictValue) -> list[str]:
    if not changes:
        return []
    if not changes.files:
        return [f"the tests of the start pass only beside the new ones: {files}"] if control == "pass" else []
    if control == "pass":
        return [f"{_EDITED}: {files}"]
    return [f"the check cannot be run in a clean worktree: put these files back as they were: {files}"]


def _protection(state: RunState, named: frozenset[str], *, builds: bool) -> Protection:
    return Protection(named, state.task.protect, state.task.may_edit, builds)


def _argv(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


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
