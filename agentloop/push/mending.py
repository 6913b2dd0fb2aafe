"""A run that makes a failing commit pass: in a worktree of its own, its commits then brought to the pushed branch."""

from collections.abc import Callable

from agentloop.errors import PublishError
from agentloop.job import Job
from agentloop.push.learning import Landing, Run, raise_if_cut_off
from agentloop.push.places import Place
from agentloop.repo import OwnWorktree
from agentloop.state import RunState


def mend(job: Job, place: Place, where: Landing, run: Run, say: Callable[[str], None]) -> RunState:
    """Run the loop on a commit and let the branch go on to what it came to.

    The person's files are touched as by `git merge --ff-only`: what they changed stays, or nothing is done.

    Args:
        job: says how.
        place: the worktree of the commit.
        where: what is pushed.
        run: takes the run to its end.
        say: shows a line.

    Returns:
        How the run ended.

    Raises:
        PublishError: the branch has moved, or files are in the way; the run's own branch is kept.
        UsageError, AgentUnusableError, RepoError, RunError: the run cannot begin or go on.
        Interrupted: it was cut off by a signal.
    """
    with place.entered():
        state = run(job.model_copy(update={"worktree": str(place.repo.root), "own_worktree": True}), place.repo)
    raise_if_cut_off(state)
    brought = state.brought_back
    if not state.ended or state.ended.exit_code or not brought or not brought.branch:
        return state
    tip = place.home.branches.tip(brought.branch) or brought.commit  # the skill's commit follows that of the work
    try:
        if where.branch:
            where.repo.branches.forward(where.branch, place.commit, tip, f"go on to {brought.branch}")
        else:
            where.repo.branches.fast_forward(tip)
    except PublishError as error:
        hint = f"what mends it is on the branch {brought.branch}: git merge {brought.branch}, then push"
        raise PublishError(error.message, hint=hint) from error
    say(f"mended by run {state.run}: {where.branch or 'what is checked out'} has gone on to {tip[:10]}")
    OwnWorktree(place.home.common_dir, place.repo.root, brought.branch).drop_branch(tip)
    return state
