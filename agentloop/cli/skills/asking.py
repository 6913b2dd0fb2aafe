"""A draft shown to the person at the terminal, and the person's answer to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from agentloop import events as ev
from agentloop import person
from agentloop.errors import UsageError
from agentloop.render import count, size
from agentloop.repo import Repo
from agentloop.run import learning
from agentloop.skills import contents
from agentloop.skills.format import FILE
from agentloop.state import RunState
from agentloop.text.quoting import one_line, visible

if TYPE_CHECKING:
    from agentloop.run.review import Proposal

_CHOICES = {"a": "accept", "e": "edit", "r": "reject"}
MAX_REASON_CHARS = 1000
# What somebody else wrote stands behind a bar, so that it cannot pass for our own words.
_BAR = "  | "


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person said of a draft."""

    what: str
    """`accept`, `reject`, or one of the ways out."""
    reason: str = ""
    edited: bool = False


def in_run(repo: Repo, before: Callable[[], None]) -> learning.Ask | None:
    """How a run asks a person about its draft; None when nobody is at the terminal.

    Args:
        repo: the run's repository.
        before: takes the live display away.
    """
    if not person.is_there():
        return None

    def ask(state: RunState) -> learning.Answer:
        before()
        person.forget_typed()
        decision = talk(repo, state, {"l": "later"})
        name = learning.draft_of(state).name
        match decision.what:
            case "accept":
                return ev.SkillAccepted(name=name, edited=decision.edited)
            case "reject":
                return ev.SkillRejected(name=name, reason=decision.reason)
            case _:
                return ev.SkillKeptBack(reason="put off", path=str(learning.draft_of(state)))

    return ask


def consent(before: Callable[[], None]) -> Callable[[RunState], bool] | None:
    """How the person whose work it was is asked whether its session is to be asked; None when nobody is there.

    Args:
        before: takes the live display away.
    """
    if not person.is_there():
        return None

    def ask(_state: RunState) -> bool:
        before()
        person.forget_typed()
        said = person.answer("Distill a skill from this session? [Y/n] ")
        return said is not None and said.lower() in ("", "y", "yes")

    return ask


def talk(repo: Repo, state: RunState, ways_out: Mapping[str, str]) -> Decision:
    """Show a run's draft and ask until there is an answer; edits are shown and asked about again.

    Args:
        repo: the repository.
        state: the run's state.
        ways_out: further answers by their letter; the last one is also what ctrl-D means.

    Raises:
        PublishError: the draft is gone.
        Interrupted: a signal was noted.
    """
    from agentloop.run import review  # most runs come to no draft

    edited = False
    proposal = review.propose(repo, state)
    show(proposal)
    while True:
        match _choice({**_CHOICES, **ways_out}):
            case "accept":
                if not proposal.errors:
                    return Decision("accept", edited=edited)
                _say(f"not yet: {count(len(proposal.errors), 'finding')} to be mended first, by edit")
            case "edit":
                if _edit(state):
                    edited = True
                    proposal = review.propose(repo, state)
                    show(proposal)
            case "reject":
                reason = one_line(person.answer("Why? ") or "", MAX_REASON_CHARS)
                if reason:
                    return Decision("reject", reason)
                _say("a reason is wanted: it is shown to the session that would propose it again")
            case way_out:
                return Decision(way_out, edited=edited)


def show(proposal: "Proposal") -> None:
    """Show a draft: its text, its other files, what it changes, and what is wrong with it."""
    _say(f"\n{line(proposal.name, 100)}/{FILE}:")
    _say(_barred(proposal.text.rstrip() or "(it cannot be read)"))
    others = [_listed(file) for file in proposal.files if file.name != FILE]
    if others:
        _say("other files:")
        _say(_barred("\n".join(others)))
    if len(proposal.files) == contents.MAX_FILES:
        _say("  and perhaps more")
    if proposal.diff:
        _say("what it changes of the skill that is there:")
        _say(_barred(proposal.diff.rstrip()))
    for finding in proposal.findings:
        _say(f"{finding.severity}: {line(str(finding))}")


def line(text: str, max_chars: int = 500) -> str:
    """What somebody else wrote as one line, with nothing hidden in it."""
    return one_line(visible(text), max_chars)


def _listed(file: contents.File) -> str:
    name = line(file.name, 200)
    match file.kind:
        case "link":
            return f"{name} -> {line(file.target, 200)} (a link, not followed)"
        case "other":
            return f"{name} (no ordinary file)"
        case _:
            return f"{name} ({size(file.size_bytes)})"


def _barred(text: str) -> str:
    return "\n".join(f"{_BAR}{each}" for each in visible(text).split("\n"))


def _choice(choices: Mapping[str, str]) -> str:
    *others, last = (f"[{letter}]{word[1:]}" for letter, word in choices.items())
    question = f"{', '.join(others)} or {last}? "
    while True:
        said = person.answer(question)
        if said is None:
            _say("")
            return [*choices.values()][-1]
        for letter, word in choices.items():
            if said.lower() in (letter, word):
                return word


def _edit(state: RunState) -> bool:
    from agentloop.run import review

    try:
        changed = review.edit(state)
    except UsageError as error:
        _say(learning.with_hint(error))
        return False
    if not changed:
        _say("nothing was changed (an editor with a window has to be told to wait, such as: code --wait)")
    return changed


def _say(text: str) -> None:
    click.echo(text, err=True)
