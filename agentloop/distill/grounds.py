"""What a run knows that its skill is held against: gathered from the state, the repository and the tests."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from agentloop.agents import opening
from agentloop.guard.protected import Protection
from agentloop.predicate import evidence
from agentloop.repo import Repo
from agentloop.skills.findings.grounding import Grounds
from agentloop.skills.findings.leak import Solution
from agentloop.state import RunState

_MAX_PATCH_CHARS = 400_000
_MAX_TESTS = 20
_MAX_TEST_CHARS = 200_000
_MAX_DISK_LOOKS = 200
_MAX_NAMED = 5
_TARGET = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:[ \t]+[\w ]+)?:(?!=)", re.MULTILINE)
_RECIPE = re.compile(r"^([a-z][\w-]*)[^\n:=]*:(?!=)", re.MULTILINE)
_PATH = re.compile(r"[\w./-]+\.\w+")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of one run.

    Args:
        state: its state, after the success.
        repo: its repository.
    """

    state: RunState
    repo: Repo

    def grounds(self, draft: Path, former: Mapping[str, str]) -> Grounds:
        """What the draft's commands, scripts and paths are held against.

        Args:
            draft: its folder.
            former: the texts of the skill that it updates, by their path in it.
        """
        paths = frozenset(self._tree())
        ran = [call for call in self.state.calls if call.command]
        reported = any(call.outcome != "unknown" for call in ran)
        fine = ("succeeded",) if reported else ("unknown",)
        succeeded = [call.command for call in ran if call.outcome in fine]
        checked = [leaf.command for leaf in self.state.checks[-1].leaves if leaf.verdict == "pass" and leaf.command]
        grounds = Grounds(
            succeeded=(*succeeded, *checked),
            failed=tuple(call.command for call in ran if call.outcome == "failed"),
            targets=frozenset(targets(self.repo.root, paths)),
            paths=paths,
        )
        return replace(grounds, ran_here=self._ran_here(draft, grounds), former=former)

    def solution(self) -> Solution:
        """What the draft must not give away."""
        first, last = self.state.snapshots[0], self.state.snapshots[-1]
        patch = self.repo.diff(first.commit, last.commit, max_chars=_MAX_PATCH_CHARS)
        return Solution(patch=patch, tests=tuple(self._failed_tests()), is_known=self._is_known)

    def skills_touched(self) -> list[str]:
        """The files of skills that the turns about the skill changed in the tree itself."""
        first = self.state.skill_turns[0].turn
        before = [snapshot for snapshot in self.state.snapshots if snapshot.n < first]
        after = self.state.snapshots[-1]
        if not before or before[-1].tree == after.tree:
            return []
        changed = self.repo.changed_paths(before[-1].commit, after.commit)
        return [
            path for path in changed if path.startswith(f"{self.state.task.skills_dir}/") or path.endswith("/SKILL.md")
        ][:_MAX_NAMED]

    def agent_version(self) -> str:
        """The version of the agent's program; empty when it does not say."""
        return opening.version(self.state.task, self.state.run)

    def _tree(self) -> Iterator[str]:
        """The files of the tree, and the ignored ones that the run used: installed tools among them."""
        yield from self.repo.tree_at(self.state.snapshots[-1].commit)
        words = {word for call in self.state.calls for word in call.command.split() if _PATH.fullmatch(word)}
        for word in sorted(words)[:_MAX_DISK_LOOKS]:
            if not word.startswith("/") and ".." not in word and (self.repo.root / word).is_file():
                yield word.removeprefix("./")

    def _ran_here(self, draft: Path, grounds: Grounds) -> frozenset[str]:
        """The scripts of the draft that ran with success, as they stand: from the draft, or a file just like it."""
        found = set()
        for path in draft.rglob("*"):
            if path.is_file() and not path.is_symlink():
                name = path.relative_to(draft).as_posix()
                if any(self._is_same(word, path, draft) for argv in grounds.done for word in argv[:3]):
                    found.add(name)
        return frozenset(found)

    def _is_same(self, word: str, script: Path, draft: Path) -> bool:
        """The word names that script, from the repository's top, or from the draft or a folder of it."""
        if PurePosixPath(word).name != script.name:
            return False
        here = (draft / word, script.parent / word)
        ran = [path for path in (self.repo.root / word, *here) if _is_file(path)][:1]
        try:
            return any(path.read_bytes() == script.read_bytes() for path in ran)
        except OSError:
            return False

    def _failed_tests(self) -> Iterator[str]:
        """The texts of the test files that had failures; of all protected tests that the outputs name."""
        protection = Protection()
        leaves = [leaf for check in (self.state.baseline, *self.state.checks) if check for leaf in check.leaves]
        named = [word for leaf in leaves for word in (*evidence.failing_tests(leaf), leaf.output)]
        paths = dict.fromkeys(path for text in named for path in _PATH.findall(text.replace("::", " ")))
        known = self.repo.tree_at(self.state.snapshots[-1].commit)
        tests = [path for path in paths if path in known and protection.holds(path)]
        for path in tests[:_MAX_TESTS]:
            text = self.repo.file_at(self.state.snapshots[-1].commit, path)
            yield text[:_MAX_TEST_CHARS]

    def _is_known(self, value: str) -> bool:
        """The value stands in a file of the base that is no test."""
        protection = Protection()
        found = self.repo.files_with(self.state.snapshots[0].commit, value)
        return any(not protection.holds(path) for path in found)


def targets(root: Path, paths: frozenset[str]) -> Iterator[str]:
    """The command lines that a repository offers: of make, just, npm and its kin, and its own entry points.

    Args:
        root: its top.
        paths: its files.
    """
    for path in paths:
        name = PurePosixPath(path).name
        if name in ("Makefile", "makefile", "GNUmakefile"):
            yield from (f"make {target}" for target in _TARGET.findall(_read(root / path)))
        elif name in ("justfile", ".justfile", "Justfile"):
            yield from (f"just {recipe}" for recipe in _RECIPE.findall(_read(root / path)))
        elif name == "package.json":
            yield from _scripts(_read(root / path))
        elif name == "pyproject.toml":
            yield from _entry_points(_read(root / path))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file() and not path.is_symlink()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _scripts(text: str) -> Iterator[str]:
    try:
        scripts: Any = json.loads(text).get("scripts", {})
    except (ValueError, AttributeError, RecursionError):
        return
    for name in scripts if isinstance(scripts, dict) else ():
        for runner in ("npm", "pnpm", "yarn", "bun"):
            yield f"{runner} run {name}"
            yield f"{runner} {name}"


def _entry_points(text: str) -> Iterator[str]:
    try:
        project: Any = tomllib.loads(text).get("project", {})
    except (tomllib.TOMLDecodeError, AttributeError, RecursionError):
        return
    scripts = project.get("scripts", {}) if isinstance(project, dict) else {}
    yield from scripts if isinstance(scripts, dict) else ()


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_TEST_CHARS)
    except OSError:
        return ""
