"""How a run ended, or how it stands: as lines for people, and as one JSON object."""

import shlex
from typing import Any

from agentloop import events as ev
from agentloop.render.figures import changed, clock, count, moment, totals
from agentloop.state import RunState, remains, reopening
from agentloop.text.quoting import plain


def summary(state: RunState, *, at_work: bool = False) -> list[str]:
    """The end of a run, as lines for people; how it stands, when a supervisor is at work on it."""
    lines = [running_line(state) if at_work else verdict_line(state)]
    lines.append(f"  {count(len(state.checks), 'attempt')} · {clock(state.elapsed_s)} · {totals(state)}")
    lines += [f"  {line}" for line in _changed_lines(state)]
    if not state.passed and state.work_turns and state.work_turns[-1].text:
        lines += [
            "  the agent's last words:",
            *(f"    {line}" for line in state.work_turns[-1].text.splitlines()[-15:]),
        ]
    lines += [f"  {_sandbox_line(state)}"] if state.last_check and state.last_check.sandbox else []
    lines += [f"  guard: {line}" for line in guard_lines(state)]
    lines += [f"  git: {line}" for line in _git_lines(state)]
    if state.ended and state.ended.outcome == "repository_lost" and not state.task.own_worktree:
        lines.append("  the snapshots lie in the repository: nothing can be taken back until it is as it was")
    lines += [f"  {line}" for line in _work_lines(state)]
    lines += [f"  {line}" for line in skill_lines(state)]
    if can_be_taken_back(state) and not at_work:
        lines.append(f"  take it back: agentloop undo {state.run}")
    lines += [] if at_work else [f"  {line}" for line in _resume_lines(state)]
    lines.append(f"  all of it: agentloop logs {state.run}, agentloop report {state.run}")
    return [plain(line) for line in lines]


def _resume_lines(state: RunState) -> list[str]:
    """How a run is gone on with that nobody works on."""
    if state.can_go_on:
        return [f"go on with it: agentloop resume {state.run}"]
    if state.can_be_mended:
        return [f"once that is mended: {reopening.command(state)}"]
    return [f"go on with it: {reopening.command(state)}"] if state.can_be_reopened else []


def _sandbox_line(state: RunState) -> str:
    """What the checks could write to."""
    match state.last_check and state.last_check.sandbox:
        case "landlock":
            return "checks were kept to the tree, temporary folders and caches (Landlock)"
        case "bwrap":
            return "agent and checks were kept to the tree, temporary folders and caches (bubblewrap)"
        case _ if state.task.sandbox == "none":
            return "checks could write anywhere: --sandbox none"
        case _:
            return "checks could write anywhere: the kernel has no Landlock, or an old one"


def _work_lines(state: RunState) -> list[str]:
    """Where the work of a run in a worktree of its own is, and what can be done with it."""
    brought = state.brought_back
    if not state.task.own_worktree or state.superseded:
        return []
    if brought is None:
        return [f"work: in {state.task.worktree}"]
    if not brought.branch:
        return ["work: nothing was changed, and no branch is left"]
    so_far = "" if state.ended and state.ended.exit_code == 0 else " (as far as it came)"
    lines = [
        f"work: the branch {brought.branch}{so_far}",
        f"look at it: git diff {state.began_on or (state.base or '')[:10]}...{brought.branch}",
        f"merge it: git merge {brought.branch}",
    ]
    if brought.left:
        lines.append(f"in no commit: {', '.join(brought.left[:5])}{', ...' if len(brought.left) > 5 else ''}")
        lines.append(f"so the worktree stays: git worktree remove --force {shlex.quote(state.task.worktree)}")
    return lines


def running_line(state: RunState) -> str:
    """How a run stands that a supervisor is at work on, in one line."""
    return (
        "running"
        if state.waits_until is None
        else f"waiting until {moment(state.waits_until)}: {state.waits[-1].reason}"
    )


def changes(state: RunState) -> ev.Changed | None:
    """What the run has changed in the tree, its skill aside; None when that is unknown."""
    return state.snapshots[-1].changed if state.snapshots else None


def _changed_lines(state: RunState) -> list[str]:
    what = changed(changes(state))
    return [f"{what}; look at it: agentloop diff {state.run}"] if what else []


def can_be_taken_back(state: RunState) -> bool:
    """The run has left something that `undo` knows of."""
    what = changes(state)
    has_work = bool(what and what.files) and state.undone_to[-1:] != (0,)
    return (state.published is not None and not state.taken_back) or has_work


def skill_lines(state: RunState) -> list[str]:
    """What became of the skill, and what can be done about it."""
    if state.published:
        return _published_lines(state, state.published)
    if state.rejected:
        return [f"skill rejected: {state.rejected.name}: {state.rejected.reason}"]
    if state.waits_for_review and state.kept_back:
        return [
            f"no skill committed: {state.kept_back.reason}, draft in {state.kept_back.path}",
            f"say what becomes of it: agentloop skills review {state.run}",
        ]
    if state.kept_back:
        return [f"no skill committed: {state.kept_back.reason}"]
    if state.declined:
        return [f"no skill: {state.declined.reason}"]
    return [_not_asked(state)] if state.ended and state.ended.outcome == "reached" and not state.skill_turns else []


def _not_asked(state: RunState) -> str:
    """Why a run that reached its goal asked for no skill."""
    if state.doubtful:
        return "no skill was asked for: nothing is learned from a pass that is in doubt"
    if state.task.distill == "never":
        return "no skill was asked for: --distill never"
    return "no skill was asked for: nothing was hard (--distill always asks all the same)"


def _published_lines(state: RunState, published: ev.SkillPublished) -> list[str]:
    if state.taken_back:
        return [f"skill: {published.name}, taken back"]
    lines = [f"skill: {published.name}, commit {published.commit[:10]}"]
    if published.branch:
        lines = [f"{lines[0]} on the branch {published.branch}", f"look at it: git log -p {published.branch}"]
    return lines


def _git_lines(state: RunState) -> list[str]:
    """What the agent did to HEAD, index and stash; who drove it knows."""
    return [] if state.task.by_hand else remains.notes(state.snapshots)


def guard_lines(state: RunState) -> list[str]:
    """What the guard has to say of the last pass, a line each."""
    lines = [*state.guarded.problems, *state.guarded.notes] if state.guarded else []
    return [*lines, *(["a check passed and failed on one and the same tree: it is flaky"] if state.flaky else [])]


def verdict_line(state: RunState) -> str:
    """How a run ended, in one line."""
    if state.ended:
        return f"{state.ended.outcome.replace('_', ' ')}: {state.ended.reason}"
    signal = f" by {state.interrupted.signal}" if state.interrupted else ""
    return f"interrupted{signal}: nothing is lost"


def _skill(state: RunState) -> dict[str, Any] | None:
    if not state.published:
        return None
    operation = state.draft.operation if state.draft else "create"
    return {**state.published.model_dump(include={"name", "commit", "paths", "branch"}), "operation": operation}


def _model(record: ev.Changed | None) -> dict[str, Any] | None:
    return record.model_dump() if record else None


def result_object(state: RunState, *, at_work: bool = False) -> dict[str, Any]:
    """The end of a run, or how it stands, as one JSON object (schema 1)."""
    open_outcome = "running" if at_work else "interrupted"
    return {
        "schema": ev.SCHEMA,
        "run": state.run,
        "outcome": state.ended.outcome if state.ended else open_outcome,
        "exit_code": state.ended.exit_code if state.ended else None,
        "reason": state.ended.reason if state.ended else "",
        "task": state.task.task,
        "worktree": state.task.worktree,
        "agent": state.task.agent,
        "session": state.session,
        "until": list(state.task.until),
        "attempts": len(state.checks),
        "was_red": bool(state.baseline and state.baseline.verdict != "pass"),
        "verdicts": [check.verdict for check in state.checks],
        "elapsed_s": round(state.elapsed_s, 3),
        "waits_until": state.waits_until,
        "changed": _model(changes(state)),
        "cost_usd": state.cost_usd,
        "cost_is_estimated": state.cost_is_estimated,
        "input_tokens": state.input_tokens,
        "output_tokens": state.output_tokens,
        "guard": state.guarded.model_dump(include={"accepted", "problems", "files", "notes", "replayed"})
        if state.guarded
        else None,
        "git": _git_lines(state),
        "flaky": state.flaky,
        "sandbox": (state.last_check.sandbox or None) if state.last_check else None,
        "attempts_in_parallel": state.task.attempts_in_parallel,
        "work": state.brought_back.model_dump(include={"branch", "commit", "left"}) if state.brought_back else None,
        "skill": _skill(state),
        "skill_declined": state.declined.reason if state.declined else None,
        "skill_rejected": state.rejected.model_dump(include={"name", "reason"}) if state.rejected else None,
        "skill_waits_for_review": state.waits_for_review,
        "skill_kept_back": state.kept_back.model_dump(include={"reason", "path"}) if state.kept_back else None,
    }
