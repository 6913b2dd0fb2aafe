"""What follows a success: the draft looked at, committed and linked; each step comes to an event.

What it takes to distill is imported when a run comes to it: most of what a start would cost otherwise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentloop import events as ev
from agentloop.agents import registry
from agentloop.distill.staging import Staging
from agentloop.errors import AgentloopError, RunError
from agentloop.repo import Repo
from agentloop.skills import publish, rejections
from agentloop.skills.format import FILE
from agentloop.state import RunState
from agentloop.text.redact import redact

Answer = ev.SkillAccepted | ev.SkillRejected | ev.SkillKeptBack
Ask = Callable[[RunState], Answer]
"""Shows the draft to a person and comes to the answer; it may change the draft's files."""


@dataclass(frozen=True, slots=True)
class Learning:
    """The skill of a run.

    Args:
        repo: the run's repository.
        staging: where the session writes its draft.
        kept: where the draft's copy is kept.
        home: the working tree that it goes to; mostly the run's own.
    """

    repo: Repo
    staging: Staging
    kept: Path
    home: Repo

    def rejected(self) -> list[rejections.Rejected]:
        """The drafts of this repository that people rejected, newest first."""
        return rejections.rejected(self.repo.common_dir)

    def prompt(self, state: RunState, *, remembers: bool) -> str:
        """The prompt that asks for the skill; an empty folder for the draft is made.

        Args:
            state: the run's state.
            remembers: the session that is asked knows what was done.
        """
        from agentloop.distill.asking import distill_prompt

        self.staging.open()
        return distill_prompt(state, self.repo, self.staging, self.rejected(), remembers=remembers)

    def repair_prompt(self, state: RunState, problems: Sequence[str], *, remembers: bool) -> str:
        """The prompt that sends the findings back; see `prompt`."""
        from agentloop.distill.asking import repair_prompt

        return repair_prompt(state, self.repo, self.staging, problems, remembers=remembers)

    def inspect(self, state: RunState) -> ev.Event:
        """Look at what the session drafted."""
        from agentloop.distill.draft import Inspection
        from agentloop.distill.grounds import Evidence

        evidence = Evidence(state, self.repo)
        return Inspection(state, self.staging, evidence, self.rejected()).inspect(self.kept)

    def ask(self, state: RunState, ask: Ask | None) -> ev.Event:
        """Ask a person about the draft; None: there is nobody.

        Raises:
            Interrupted: a signal was noted; nothing was decided.
        """
        if ask is None:
            return kept_back(state, "nobody could be asked without a terminal")
        answer = ask(state)
        match answer:
            case ev.SkillAccepted():  # edited, perhaps, by somebody who was cut off before
                self.sign(state)
            case ev.SkillRejected(reason=reason):
                rejections.remember(self.repo.common_dir, state.run, draft_of(state), reason)
        return answer

    def sign(self, state: RunState) -> None:
        """Write into a draft that a person changed where it comes from.

        Raises:
            SkillFormatError: it cannot be read.
        """
        from agentloop.distill.draft import sign
        from agentloop.distill.existing import Existing

        path = draft_of(state)
        former = Existing(self.repo, state.task).files(path.name)
        sign(path, former.get(FILE, ""), state, None)

    def publish(self, state: RunState) -> ev.SkillPublished:
        """Commit the draft, unless that was done before a death.

        Raises:
            PublishError: it cannot be committed now.
        """
        path, job = draft_of(state), state.task
        published = publish.find_published(
            self.home, _trailer(state), path.name, job.skills_dir, _since(state), job.skills_branch
        )
        if published is None:
            message = _message(state, path.name)
            published = publish.publish_skill(self.home, path, job.skills_dir, message, job.skills_branch, state.base)
        self.staging.close()
        return published

    def link(self, state: RunState) -> ev.Event:
        """Link the skills where agents read them.

        Raises:
            PublishError: the links cannot be committed.
        """
        linked = publish.link_skills(
            self.home, state.task.skills_dir, _trailer(state), _since(state), readers=registry.skill_folders()
        )
        return linked or ev.SkillsLinked(paths=())


def draft_of(state: RunState) -> Path:
    """The draft's copy in the run's folder.

    Raises:
        ValueError: there is none.
    """
    if state.draft is None:
        raise ValueError(f"run {state.run} has no draft")
    return Path(state.draft.path)


def kept_back(state: RunState, reason: str) -> ev.Event:
    """The draft stays where it is; of a skill that was committed already, the links are what is missing."""
    if state.published:
        return ev.SkillsLinked(paths=(), problem=reason)
    return ev.SkillKeptBack(reason=reason, path=state.draft.path if state.draft else "")


def unless_it_fails(state: RunState, step: Callable[[], object]) -> ev.Event | None:
    """Do a step; whatever goes wrong in it, the success stands.

    Returns:
        What the failure comes to; None when there was none.

    Raises:
        RunError: the journal itself cannot be written.
    """
    try:
        step()
    except RunError:
        raise
    except AgentloopError as error:
        return kept_back(state, with_hint(error))
    except OSError as error:
        return kept_back(state, f"{error.strerror}: {error.filename}" if error.strerror else str(error))
    return None


def with_hint(error: AgentloopError) -> str:
    """The message of an error and what to do next, in one line."""
    return f"{error.message} ({error.hint})" if error.hint else error.message


def _message(state: RunState, name: str) -> str:
    body = "What the run had to find out before its predicate held."
    verb = "Update" if state.draft and state.draft.operation == "update" else "Add"
    return redact(f"{verb} skill {name}\n\n{body}\n\n{trailers(state)}\n")


def trailers(state: RunState) -> str:
    """The lines that end the message of a run's commit."""
    lines = [_trailer(state), f"Agentloop-Agent: {state.task.agent}"]
    lines += [f"Agentloop-Until: {' '.join(source.split())}" for source in state.task.until]
    return "\n".join([*lines, f"Agentloop-Attempts: {len(state.checks)}"])


def _since(state: RunState) -> str | None:
    """The commit after which our own are: the commit of the work has the same trailer, and may be about skills too."""
    return state.brought_back.commit if state.brought_back else state.base


def _trailer(state: RunState) -> str:
    return f"Agentloop-Run: {state.run}"
