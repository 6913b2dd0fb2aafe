"""A pushed commit checked where it is alone: in a clean worktree, with no connection open; the receipt of it."""

import dataclasses
import os
import secrets
import shutil
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from agentloop import events as ev
from agentloop import sandbox
from agentloop.job import Job
from agentloop.predicate.language.nodes import Node
from agentloop.predicate.language.wording import render
from agentloop.process import child_environment, watched
from agentloop.push import places
from agentloop.push.places import Place
from agentloop.records import commit_receipts, folders, receipts
from agentloop.records.commit_receipts import CommitReceipt
from agentloop.run.checking import Checks
from agentloop.state import RunState

_MAX_LOGS = 30


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks commits against a predicate.

    Args:
        job: says how it is checked.
        predicate: what must hold.
        on_tick: called with the elapsed seconds while a command runs.
    """

    job: Job
    predicate: Node
    on_tick: Callable[[float], None] | None = None

    def check(self, place: Place, former: str) -> ev.Checked:
        """Check a commit, unless its tree passed before with the same tools; either way there is a receipt of it.

        Args:
            place: where it is checked out.
            former: the commit before it, of what is pushed; empty where there is none.

        Raises:
            Interrupted: a signal was noted; nothing is left running.
            OSError: a log or the receipt cannot be written.
        """
        tag = f"push-{os.getpid()}-{secrets.token_hex(4)}"
        with place.entered():
            tools = receipts.tools_of(self.predicate, place.repo.root, child_environment(tag), self._sandbox)
            known = self.receipt(place, tools)
            if known:
                return ev.Checked(attempt=0, verdict="pass", leaves=(), duration_s=0.0, remembered_from=known.at)
            logs = self._log_folder(place)
            with watched(tag):
                before = self._before(place, former, tag)
                state = dataclasses.replace(self._state(place, former, tag), baseline=before)
                found = Checks(place.repo, self.predicate, self.on_tick).check(state, logs, 0, "attempt")
        self._keep(place, found, tools, str(logs))
        return found

    def _before(self, place: Place, former: str, tag: str) -> ev.Checked | None:
        """What the former commit came to, where the predicate compares something with it."""
        if not former or not Checks(place.repo, self.predicate).needs_start:
            return None
        with places.place(place.home, former) as there, there.entered():
            checks = Checks(there.repo, self.predicate, self.on_tick)
            return checks.check(self._state(there, "", tag), self._log_folder(place), 0, "attempt")

    def receipt(self, place: Place, tools: str) -> CommitReceipt | None:
        """The receipt of a pass that still counts."""
        if self.job.fresh or not receipts.is_of_the_tree(self.predicate):
            return None
        folder = commit_receipts.folder_of(place.home.common_dir)
        known = commit_receipts.read(folder, place.home.tree_of(place.commit), render(self.predicate))
        return known if known and (known.verdict, known.tools) == ("pass", tools) else None

    def carry_over(self, place: Place, commit: str, paths: Collection[str]) -> bool:
        """Let the receipt of a commit be that of a later one, if it differs from it at and below given paths alone.

        Args:
            place: where the former was checked.
            commit: the later one.
            paths: skills, and the links to them.

        Returns:
            Whether it does.

        Raises:
            OSError: the receipt cannot be written.
        """
        home = place.home
        if not all(_is_within(path, paths) for path in home.changed_paths(place.commit, commit)):
            return False
        folder = commit_receipts.folder_of(home.common_dir)
        known = commit_receipts.read(folder, home.tree_of(place.commit), render(self.predicate))
        if known:
            later = dataclasses.replace(known, tree=home.tree_of(commit), at=time.time(), seconds=0.0)
            commit_receipts.write(folder, later)
        return True

    def _keep(self, place: Place, found: ev.Checked, tools: str, log: str) -> None:
        tree = place.home.tree_of(place.commit)
        receipt = CommitReceipt(tree, render(self.predicate), found.verdict, time.time(), found.duration_s, tools, log)
        commit_receipts.write(commit_receipts.folder_of(place.home.common_dir), receipt)

    def _state(self, place: Place, former: str, tag: str) -> RunState:
        """As if a run had come from the former commit to this one."""
        repo = place.repo
        known = [commit for commit in (former, place.commit) if commit]
        snapshots = [ev.Snapshotted(n=n, commit=one, tree=repo.tree_of(one)) for n, one in enumerate(known)]
        # What failed may pass now, for reasons that no tree tells of; of a pass the receipt tells.
        job = self.job.model_copy(update={"worktree": str(repo.root), "fresh": True})
        return RunState(run=tag, job=job, snapshots=tuple(snapshots))

    @property
    def _sandbox(self) -> sandbox.Sandbox:
        return sandbox.chosen(self.job.sandbox, self.job.sandbox_writable)

    def _log_folder(self, place: Place) -> Path:
        """A new folder for logs; the oldest ones go."""
        above = folders.repository_folder(place.home.common_dir) / "push-logs"
        above.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in sorted(above.iterdir())[: -_MAX_LOGS + 1]:
            shutil.rmtree(old, ignore_errors=True)
        logs = above / f"{folders.time_stamp()}-{secrets.token_hex(2)}" / "check"
        logs.mkdir(mode=0o700, parents=True)
        return logs


def _is_within(path: str, places: Collection[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in places)
