"""The prompts by which a run asks for work, made from its state."""

from collections.abc import Mapping

from agentloop import prompts
from agentloop.distill.ledger import check_lines, ledger
from agentloop.events import Checked
from agentloop.predicate import evidence
from agentloop.repo import Repo
from agentloop.state import RunState, steps
from agentloop.text.quoting import one_line

_MAX_PROBLEM_CHARS = 600


def work_prompt(state: RunState, step: steps.Prompt, repo: Repo, *, remembers: bool) -> str:
    """The prompt of a turn that works on the task.

    Args:
        state: the run's state.
        step: which prompt is wanted.
        repo: the run's repository, for what changed between attempts.
        remembers: the session knows what was before; else it is told by the run's own ledger.
    """
    check = state.last_check
    values = {
        "task": state.task.task or "Make the checks below hold.",
        "checks": check_lines(check.leaves if check else ()),
        "feedback": evidence.feedback(check, _before(state)) if check else "",
        "attempt": str(step.attempt),
        "max_attempts": str(state.task.limits.max_attempts),
    }
    notice = prompts.render("stuck", repeated=str(step.repeated)) if step.repeated else ""
    return notice + _work_prompt(state, step, repo, values, remembers=remembers)


def _work_prompt(state: RunState, step: steps.Prompt, repo: Repo, values: Mapping[str, str], *, remembers: bool) -> str:
    if step.kind == "dishonest" and state.guarded:
        problems = "\n".join(f"- {one_line(problem, _MAX_PROBLEM_CHARS)}" for problem in state.guarded.problems)
        files = ", ".join(f"`{path}`" for path in state.guarded.files) or "what the list above names"
        return prompts.render("dishonest", **values, problems=problems, files=files)
    if step.kind != "task" and not remembers:
        return prompts.render("ledger", **values, ledger=ledger(state, repo))
    return prompts.render(step.kind, **values, reason=_cut_reason(state))


def _before(state: RunState) -> Checked | None:
    """The check to compare the last one with: the newest before it whose tests ran; else the newest."""
    earlier = [check for check in (state.baseline, *state.checks) if check][:-1]
    return next((check for check in reversed(earlier) if evidence.ran_tests(check)), earlier[-1] if earlier else None)


def _cut_reason(state: RunState) -> str:
    if state.cut_purpose or not state.work_turns:
        return "it was interrupted from outside"
    turn = state.work_turns[-1]
    words = {"timed_out": "it took longer than a turn may take", "idle": "it fell silent"}
    return words.get(turn.status, turn.error or "it failed")
