"""What follows a success: the draft looked at, committed and linked; each step comes to an event."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentloop import distill, publish
from agentloop import events as ev
from agentloop.agents import registry
from agentloop.errors import AgentloopError, RunError
from agentloop.redact import redact
from agentloop.repo import Repo
from agentloop.state import RunState


@dataclass(frozen=True, slots=True)
class Learning:
    """The skill of a run.

    Args:
        repo: the run's repository.
        staging: where the session writes its draft.
        kept: where the draft's copy is kept.
    """

    repo: Repo
    staging: distill.Staging
    kept: Path

    def inspect(self, state: RunState) -> ev.Event:
        """Look at what the session drafted."""
        skills = self.repo.root / state.task.skills_dir
        evidence = distill.Evidence(state, self.repo)
        return distill.Inspection(state, self.staging, skills, evidence).inspect(self.kept)

    def publish(self, state: RunState) -> ev.Event:
        """Commit the draft, unless that was done before a death.

        Raises:
            PublishError: it cannot be committed now.
        """
        if state.draft is None:
            raise ValueError("there is no draft to publish")
        path, skills_dir = Path(state.draft.path), state.task.skills_dir
        published = publish.find_published(self.repo, _trailer(state), path.name, skills_dir, state.base)
        if published is None:
            published = publish.publish_skill(self.repo, path, skills_dir, _message(state, path.name))
        self.staging.close()
        return published

    def link(self, state: RunState) -> ev.Event:
        """Link the skills where agents read them.

        Raises:
            PublishError: the links cannot be committed.
        """
        readers = registry.skill_folders()
        linked = publish.link_skills(self.repo, state.task.skills_dir, _trailer(state), state.base, readers=readers)
        return linked or ev.SkillsLinked(paths=())


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
    trailers = [_trailer(state), f"Agentloop-Agent: {state.task.agent}"]
    trailers += [f"Agentloop-Until: {' '.join(source.split())}" for source in state.task.until]
    trailers.append(f"Agentloop-Attempts: {len(state.checks)}")
    body = "What the run had to find out before its predicate held."
    return redact(f"Add skill {name}\n\n{body}\n\n" + "\n".join(trailers) + "\n")


def _trailer(state: RunState) -> str:
    return f"Agentloop-Run: {state.run}"
