"""A real repository with a real bare remote, the real command line, and real pushes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentloop.hook import installing
from agentloop.hook.rules import rules
from agentloop.hook.ways import Here
from agentloop.records import commit_receipts
from agentloop.records.commit_receipts import CommitReceipt
from agentloop.records.queue import Queue
from agentloop.repo import Repo

PASSES = "sh check.sh passes"


@dataclass(frozen=True)
class Pushing:
    """A working tree, and the bare repository that it is pushed to."""

    root: Path
    remote: Path

    def git(self, *words: str, cwd: Path | None = None) -> str:
        """What git says; it must not fail."""
        done = subprocess.run(["git", *words], cwd=cwd or self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def agentloop(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of agentloop."""
        argv = [sys.executable, "-m", "agentloop", *words]
        return subprocess.run(argv, cwd=cwd or self.root, capture_output=True, text=True, check=False, timeout=60)

    def here(self, cwd: Path | None = None) -> Here:
        """Where its hook is."""
        with Repo.open(cwd or self.root) as repo:
            return installing.here(repo)

    def install(self, via: str = "", cwd: Path | None = None) -> list[str]:
        """Install the hook; says what was done."""
        return installing.install(self.here(cwd), via)[1]

    def push(
        self, *words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, afresh: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a plain `git push -q`.

        Args:
            words: what git is told.
            cwd: where.
            env: variables on top of ours.
            afresh: the hook reads the settings itself; else it finds what they came to, which is quicker.
        """
        place, whole = cwd or self.root, {**os.environ, **(env or {})}
        if not afresh:
            rules(Path(self.git("rev-parse", "--show-toplevel", cwd=place)), whole, self.folder_of(place))
        return subprocess.run(
            ["git", "push", "-q", *words],
            cwd=place,
            env=whole,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def commit(self, name: str = "work", text: str = "", cwd: Path | None = None) -> str:
        """Commit a file with a new text; the commit's id."""
        place = (cwd or self.root) / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text or f"{name} {time.monotonic_ns()}\n")
        self.git("add", "-A", cwd=cwd)
        self.git("commit", "-qm", f"Change {name}", cwd=cwd)
        return self.git("rev-parse", "HEAD", cwd=cwd)

    def configure(self, text: str) -> None:
        """Write the repository's settings, which git ignores here."""
        (self.root / "agentloop.toml").write_text(text)

    def folder_of(self, place: Path) -> Path:
        """The state folder of the repository that a folder lies in."""
        return commit_receipts.folder_of(
            Path(self.git("rev-parse", "--path-format=absolute", "--git-common-dir", cwd=place))
        )

    @property
    def folder(self) -> Path:
        """That of the repository."""
        return self.folder_of(self.root)

    @property
    def queue(self) -> Queue:
        """The queue of the repository."""
        return Queue(self.folder)

    def receipt(self, commit: str, verdict: str = "pass", predicate: str = PASSES) -> None:
        """Say that the tree of a commit was checked."""
        tree = self.git("rev-parse", f"{commit}^{{tree}}")
        receipt = CommitReceipt(tree, predicate, verdict, time.time() - 300, 1.0, "", "/logs/of/it")
        commit_receipts.write(self.folder, receipt)

    def last(self) -> dict[str, Any]:
        """What was kept of the last push."""
        content: dict[str, Any] = json.loads((self.folder / "last-push.json").read_text())
        return content

    def heads(self) -> str:
        """What the remote has."""
        return self.git("for-each-ref", "--format=%(refname) %(objectname)", cwd=self.remote)


def make(folder: Path, name: str = "repo", object_format: str = "sha1") -> Pushing:
    """Make a repository with a commit, a remote and a configured predicate; nothing is pushed, no hook is installed."""
    root, remote = folder / name, folder / f"{name}.git"
    root.mkdir(parents=True)
    pushing = Pushing(root, remote)
    pushing.git("init", "-q", "--bare", f"--object-format={object_format}", str(remote))
    pushing.git("init", "-q", f"--object-format={object_format}")
    pushing.git("remote", "add", "origin", str(remote))
    (root / ".git" / "info" / "exclude").write_text("agentloop.toml\n")
    pushing.configure(f'until = "{PASSES}"\n')
    (root / "check.sh").write_text("test ! -e broken\n")
    pushing.commit()
    return pushing


@pytest.fixture
def pushing(tmp_path: Path) -> Pushing:
    """A repository with the hook, whose first commit is on the remote."""
    made = make(tmp_path)
    made.git("push", "-q", "-u", "origin", "main")
    made.install()
    return made
