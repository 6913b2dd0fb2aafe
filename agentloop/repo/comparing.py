"""What changes, as a patch for people."""

import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

from agentloop.repo.runner import Git

_PATCH = ("--no-color", "--no-ext-diff", "--no-textconv")


def commits(git: Git, old: str, new: str, *, max_chars: int) -> str:
    """The difference of two commits or trees; see `Repo.diff`."""
    return _cut(git.ask("diff", *_PATCH, old, new), max_chars)


def folder(git: Git, commit: str, path: str, new: Path, files: Collection[str], *, max_chars: int) -> str:
    """The difference of a folder in a commit and one on disk; see `Repo.diff_of_folder`."""
    with tempfile.TemporaryDirectory(prefix="agentloop-") as place:
        root = Path(place)
        env = {"GIT_INDEX_FILE": str(root / "index")}
        git.ask("read-tree", f"{commit}:{path}", env=env)
        git.ask("checkout-index", "-q", "-a", f"--prefix={root}/before/", env=env)
        for name in files:
            target = root / "after" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(new / name, target, follow_symlinks=False)
        words = ("diff", "--no-index", "--no-prefix", *_PATCH, "--", "before", "after")
        return _cut(git.ask("-c", "core.quotePath=false", "-C", str(root), *words, fine=(0, 1)), max_chars)


def _cut(text: str, max_chars: int) -> str:
    if len(text) <= max_chars:
        return text
    return f"{text[:max_chars]}\n[... {len(text) - max_chars} characters left out ...]"
