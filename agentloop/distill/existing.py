"""The skills that exist where a draft is to go: what it must not repeat, and what it may update."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from agentloop.errors import UsageError
from agentloop.job import Job
from agentloop.repo import Repo
from agentloop.skills import frontmatter, library
from agentloop.skills.findings.files import texts_in
from agentloop.skills.format import FILE, SkillFormatError
from agentloop.skills.reading import as_text
from agentloop.text.quoting import plain


@dataclass(frozen=True)
class Existing:
    """The skills of the working tree, and of the branch that skills go to; of one that is in both, the branch's.

    Args:
        repo: the repository.
        job: says where skills are, and where they go.
    """

    repo: Repo
    job: Job

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """The SKILL.md of each by the skill's name, in order of name."""
        here = {folder.name: library.text(folder) for folder in self._folders}
        found = {**here, **{name: files[FILE] for name, files in self._on_branch.items()}}
        return {name: plain(found[name]) for name in sorted(found)}

    @cached_property
    def descriptions(self) -> Mapping[str, str]:
        """What agents list of each."""
        return {name: _description(text) for name, text in self.texts.items()}

    def files(self, name: str) -> Mapping[str, str]:
        """The texts of a skill's files by their path in it; none when there is no such skill.

        Where the branch does not exist yet, it is the skill of the working tree, which a branch would begin with.
        """
        if name in self._on_branch:
            return self._on_branch[name]
        folder = self._top / self.job.skills_dir / name
        return texts_in(folder) if folder in self._folders else {}

    @property
    def _top(self) -> Path:
        """The tree that a skill is committed in; of a push, that is not the one of the pushed commit."""
        is_pushed = self.job.by_hand and self.job.home and not self.job.skills_branch
        return Path(self.job.home) if is_pushed else self.repo.root

    @cached_property
    def _folders(self) -> list[Path]:
        root = self._top / self.job.skills_dir
        try:
            return library.folders(root) if root.resolve().is_relative_to(self._top.resolve()) else []
        except (UsageError, OSError, RuntimeError):
            return []  # the folder cannot be listed, or is a link round in circles: nothing is known of it

    @cached_property
    def _on_branch(self) -> dict[str, dict[str, str]]:
        tip = self.repo.branches.tip(self.job.skills_branch) if self.job.skills_branch else None
        texts = self.repo.texts_at(tip, self.job.skills_dir) if tip else {}
        found: dict[str, dict[str, str]] = {}
        for path, text in texts.items():
            name, _slash, inside = path.partition("/")
            found.setdefault(name, {})[inside] = text
        return {name: files for name, files in found.items() if FILE in files}


def _description(text: str) -> str:
    try:
        return as_text(frontmatter.read(text).content.get("description", ""))
    except SkillFormatError:
        return ""  # no agent lists it
