"""Where git looks for its hooks, and who says so."""

from dataclasses import dataclass
from pathlib import Path

from agentloop.repo.runner import Git


@dataclass(frozen=True, slots=True)
class HooksFolder:
    """The folder that git runs hooks from."""

    path: Path
    told: str = ""
    """`core.hooksPath`; empty where it is not set."""
    scope: str = ""
    """Whose setting that is: `local`, `worktree`, `global`, `system` or `command`."""

    @property
    def is_shared(self) -> bool:
        """Other repositories have the same one."""
        return self.scope in ("global", "system")


def folder(git: Git) -> HooksFolder:
    """Find it; in a linked worktree it is the repository's, in a submodule the submodule's own."""
    scope, _tab, told = git.find("config", "--show-scope", "--get", "core.hooksPath").partition("\t")
    return HooksFolder(git.path("hooks"), told, scope)
