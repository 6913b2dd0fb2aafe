"""What a run has changed, file by file: its first snapshot held against a later one."""

from agentloop import events as ev
from agentloop.errors import RepoError
from agentloop.repo import Repo
from agentloop.state import RunState


def since_start(repo: Repo, state: RunState, tree: str) -> ev.Changed | None:
    """How much a tree differs from the run's first snapshot; None before there is one, or where git cannot tell."""
    if not state.snapshots:
        return None
    try:
        lines = repo.line_changes(state.snapshots[0].tree, tree)
    except RepoError:
        return None
    return ev.Changed(
        files=len(lines),
        insertions=sum(came for came, _went in lines.values()),
        deletions=sum(went for _came, went in lines.values()),
    )


def of_run(repo: Repo, state: RunState) -> dict[str, tuple[int, int]]:
    """The files that a run has changed, with the lines that came and went; none when its snapshots are gone."""
    if len(state.snapshots) < 2:
        return {}
    try:
        return repo.line_changes(state.snapshots[0].tree, state.snapshots[-1].tree)
    except RepoError:
        return {}
