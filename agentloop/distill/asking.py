"""The prompts that ask a session for the skill, made from the run's state and the skills that exist."""

from collections.abc import Mapping, Sequence

from agentloop import events as ev
from agentloop import prompts
from agentloop.distill.existing import Existing
from agentloop.distill.ledger import check_lines, failures, ledger
from agentloop.distill.staging import Staging
from agentloop.repo import Repo
from agentloop.skills.rejections import Rejected
from agentloop.skills.similarity import nearest
from agentloop.state import RunState
from agentloop.text.quoting import fenced, one_line, shorten
from agentloop.text.redact import redact

NEAREST = 3
_MAX_SKILL_CHARS = 8000
_MAX_NAMES = 60
_MAX_NAME_CHARS = 100
_MAX_REJECTED = 10
_MAX_CHANGE_CHARS = 12_000


def distill_prompt(
    state: RunState, repo: Repo, staging: Staging, rejected: Sequence[Rejected] = (), *, remembers: bool = True
) -> str:
    """The prompt that asks the session for the skill, with the run's evidence.

    Copies of the skills that it shows are put into the staging folder, for an update to be made to.

    Args:
        state: the run's state.
        repo: its repository.
        staging: where the draft is to be written.
        rejected: the drafts that a person rejected.
        remembers: the session did the work; else it is told what the work was.
    """
    existing = Existing(repo, state.task)
    texts = existing.texts
    loaded = [one for one in state.loaded if one.name in texts]
    near = _nearest(state, texts, {one.name for one in loaded})
    for name in [*(one.name for one in loaded), *near]:
        staging.copy(name, existing.files(name))
    check = state.checks[-1]
    newcomer = "" if remembers else prompts.render("newcomer", task=_task(state), change=_change(state, repo))
    return newcomer + prompts.render(
        "distill",
        success="; ".join(
            f"`{one_line(leaf.source, 300)}`: {one_line(redact(leaf.reason), 300)}" for leaf in check.leaves
        ),
        attempts=_count(len(state.checks), "attempt"),
        ledger=ledger(state, repo),
        loaded=_loaded(state, loaded, texts),
        existing=_existing(texts, near, {one.name for one in loaded}),
        rejected=_rejected(rejected),
        draft_folder=staging.relative,
        copies=staging.relative_copies,
        checks=check_lines(check.leaves),
    )


def repair_prompt(
    state: RunState, repo: Repo, staging: Staging, problems: Sequence[str], *, remembers: bool = True
) -> str:
    """The prompt that sends the findings back; see `distill_prompt`."""
    newcomer = ""
    if not remembers:
        newcomer = prompts.render("newcomer", task=_task(state), change=_change(state, repo))
        newcomer += prompts.render("record", ledger=ledger(state, repo))
    return newcomer + prompts.render(
        "repair",
        findings="\n".join(f"- {problem}" for problem in problems),
        draft_folder=staging.relative,
        checks=check_lines(state.checks[-1].leaves),
    )


def _task(state: RunState) -> str:
    return state.task.task or "Make the checks hold."


def _change(state: RunState, repo: Repo) -> str:
    """What the run changed in the tree."""
    diff = repo.diff(state.snapshots[0].commit, state.snapshots[-1].commit, max_chars=_MAX_CHANGE_CHARS)
    return fenced(redact(diff) or "(nothing)", "diff")


def _nearest(state: RunState, texts: Mapping[str, str], loaded: set[str]) -> list[str]:
    """The skills that are about what failed here."""
    others = {name: text for name, text in texts.items() if name not in loaded}
    outputs = [leaf.output for check in state.checks for leaf in check.leaves if leaf.verdict != "pass"]
    ranked = nearest(" ".join([state.task.task, *outputs]), others)
    return [name for name, _score in ranked[:NEAREST]]


def _loaded(state: RunState, loaded: Sequence[ev.SkillLoaded], texts: Mapping[str, str]) -> str:
    """The skills that the session had loaded, each beside the checks that failed after it."""
    if not loaded:
        return "(this session had loaded none)"
    parts = []
    for skill in loaded:
        after = [check for check in state.failed_checks if check.seq > skill.seq]
        failed = failures(after) if after else "No check failed after it was loaded."
        title = f"#### {_named(skill.name)}: loaded, and then {_count(len(after), 'failed check')}"
        parts += [title, _whole(texts[skill.name]), failed]
    return "\n\n".join(parts)


def _existing(texts: Mapping[str, str], near: Sequence[str], loaded: set[str]) -> str:
    """The nearest existing skills in full, and the names of the others."""
    parts = [f"#### {_named(name)}\n\n{_whole(texts[name])}" for name in near]
    others = [_named(name) for name in texts if name not in {*near, *loaded}]
    if others:
        left_out = f", and {len(others) - _MAX_NAMES} more" if len(others) > _MAX_NAMES else ""
        parts.append(f"Others, by name: {', '.join(others[:_MAX_NAMES])}{left_out}")
    return "\n\n".join(parts) or "(there are none yet)"


def _named(name: str) -> str:
    return one_line(name, _MAX_NAME_CHARS)


def _whole(text: str) -> str:
    return fenced(shorten(redact(text), _MAX_SKILL_CHARS), "markdown")


def _rejected(rejected: Sequence[Rejected]) -> str:
    lines = [f"- `{_named(one.name)}`: {one_line(redact(one.reason), 300)}" for one in rejected[:_MAX_REJECTED]]
    return "\n".join(lines) or "(none was)"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
