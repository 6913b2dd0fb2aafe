"""The folder in the tree that a session writes its draft to, ignored by git, and taken away afterwards."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STAGING = ".agentloop-draft"


@dataclass(frozen=True, slots=True)
class Staging:
    """Where one run's draft is written.

    Args:
        root: the top of the working tree.
        run: the run's id.
    """

    root: Path
    run: str

    @property
    def folder(self) -> Path:
        """Where the draft's folder is to be made."""
        return self.root / STAGING / self.run

    @property
    def relative(self) -> str:
        """The folder as the prompt names it."""
        return f"{STAGING}/{self.run}"

    @property
    def copies(self) -> Path:
        """Where the copies of existing skills lie."""
        return self.root / STAGING / f"{self.run}-skills"

    @property
    def relative_copies(self) -> str:
        """That folder as the prompt names it."""
        return f"{STAGING}/{self.copies.name}"

    def open(self) -> None:
        """Make the folder, empty."""
        parent = self.root / STAGING
        for path in (parent, self.folder, self.copies, parent / ".gitignore"):
            _take_away_link(path)
        for folder in (self.folder, self.copies):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        (parent / ".gitignore").write_text("*\n", encoding="utf-8")

    def copy(self, name: str, files: Mapping[str, str]) -> None:
        """Put a copy of a skill beside the draft's folder, for an update to be made to.

        Args:
            name: the skill's.
            files: its texts by their path in it.
        """
        for path, text in files.items():
            copy = self.copies / name / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text, encoding="utf-8")

    def close(self) -> None:
        """Take the folder away; the staging folder as a whole when no other run uses it."""
        parent = self.root / STAGING
        for path in (parent, self.folder, self.copies):
            _take_away_link(path)
        for folder in (self.folder, self.copies):
            shutil.rmtree(folder, ignore_errors=True)
        if parent.is_dir() and not any(path.is_dir() for path in parent.iterdir()):
            shutil.rmtree(parent, ignore_errors=True)

    def drafts(self) -> list[Path]:
        """The drafts in it: the folders, a link among them too, so that it is found out."""
        led_astray = self.folder.is_symlink() or (self.root / STAGING).is_symlink()
        if led_astray or not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if path.is_dir() or path.is_symlink())


def _take_away_link(path: Path) -> None:
    """An agent can put a link, or a file, where our folder belongs; it must not lead us to the person's files."""
    if path.is_symlink() or path.is_file():
        path.unlink()
