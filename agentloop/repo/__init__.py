"""Everything we ask of git; nothing else in agentloop knows how to run it.

Nothing here touches the person's index, stash or working files but for the paths it was given.

* runner.py: git, run
* paths.py: what git keeps of a path: in a commit, in the index, in the working tree
* recording.py: a tree made a commit, and a ref moved to it
* committing.py: a commit of given paths, and of nothing else, on the current branch
* branches.py: the same on a branch that is not checked out
* snapshots.py: the whole tree, recorded under `refs/agentloop/`
* standing.py: HEAD, index and stash as they are
* restoring.py: working files brought back to how a snapshot has them
* showing.py: a difference shown by git itself
* worktrees.py: clean worktrees made for a while, ignored files
* hooks.py: where git looks for its hooks
* own.py: a worktree on a branch of its own, whose work is brought back as that branch
* history.py: the commits of a history
* pushing.py: `git push`, tried and done
* repository.py: the rest of what can be asked
"""

from agentloop.repo.committing import Committed
from agentloop.repo.history import Commit
from agentloop.repo.hooks import HooksFolder
from agentloop.repo.own import OwnWorktree
from agentloop.repo.paths import Change, Entry
from agentloop.repo.pushing import push, try_push
from agentloop.repo.repository import Repo
from agentloop.repo.restoring import Restoration
from agentloop.repo.showing import show_difference
from agentloop.repo.snapshots import Snapshot

__all__ = [
    "Change",
    "Commit",
    "Committed",
    "Entry",
    "HooksFolder",
    "OwnWorktree",
    "Repo",
    "Restoration",
    "Snapshot",
    "push",
    "show_difference",
    "try_push",
]
