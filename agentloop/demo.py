"""The demonstration: the whole job on a small project, then a sibling defect without and with what was learned.

Nothing is canned: the project is made with a real defect, the agent is run by the same supervisor as any other, and
the figures are read from the journals of the three runs.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentloop import events as ev
from agentloop.job import Job, Limits
from agentloop.offline import sample
from agentloop.render import Renderer
from agentloop.repo import Repo
from agentloop.run import supervisor
from agentloop.state import RunState

CHECK = "python3 -m unittest -q passes"
_TASK = "The tests of this project fail. Find the defect in the source and mend it; leave the tests as they are."
_MAX_ATTEMPTS = 12


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run took."""

    label: str
    reached: bool
    attempts: int
    edits: int
    """Candidate edits that the agent tried; for other agents, their tool calls."""
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What the demonstration came to."""

    folder: Path
    learned: RunState
    skill: str
    """The committed SKILL.md; empty when none was."""
    figures: tuple[Figures, ...]


def demonstrate(agent: str, seed: int, folder: Path | None, renderer: Renderer) -> Demonstration:
    """Run the demonstration.

    Args:
        agent: the name of the agent.
        seed: which defects are planted.
        folder: where the projects are made; a temporary folder when None.
        renderer: shows the runs.
    """
    root = folder or Path(tempfile.mkdtemp(prefix="agentloop-demo-"))
    first = root / "project"
    say = _headings(renderer)
    defect = sample.make_sample(first, seed)
    say(f"1. A project with a real defect ({defect}), and the agent {agent}")
    learned, learning = _run(first, agent, "main job", renderer)
    skill = _committed_skill(first, learned)
    figures = [learning]
    if learned.published and skill:
        say("2. A sibling defect, a fresh session, no skill")
        figures.append(_sibling(root / "without", agent, seed, None, "sibling, without the skill", renderer))
        say("3. The same sibling defect, a fresh session, with the skill")
        figures.append(_sibling(root / "with", agent, seed, first, "sibling, with the skill", renderer))
    return Demonstration(root, learned, skill, tuple(figures))


def _headings(renderer: Renderer) -> Callable[[str], None]:
    def say(text: str) -> None:
        renderer.console.print(f"\n{text}", style="bold", markup=False)

    return say


def _committed_skill(project: Path, state: RunState) -> str:
    if state.published is None:
        return ""
    path = next(path for path in state.published.paths if path.endswith("SKILL.md"))
    with Repo.open(project) as repo:
        return repo.file_at(state.published.commit, path)


def _sibling(project: Path, agent: str, seed: int, learned: Path | None, label: str, renderer: Renderer) -> Figures:
    sample.make_sibling(project, seed)
    if learned:
        for name in ("skills", ".agents", ".claude"):
            shutil.copytree(learned / name, project / name, symlinks=True)
    _state, figures = _run(project, agent, label, renderer, distill="never")
    return figures


def _run(project: Path, agent: str, label: str, renderer: Renderer, distill: str = "auto") -> tuple[RunState, Figures]:
    tools: list[str] = []

    def show(event: ev.Event) -> None:
        if isinstance(event, ev.ToolCalled):
            tools.append(event.name)
        renderer.event(event)

    with Repo.create(project, "A small project with a defect") as repo:
        job = Job.model_validate(
            {
                "task": _TASK,
                "until": (CHECK,),
                "agent": agent,
                "worktree": str(repo.root),
                "distill": distill,
                # The embedded agent's search goes on from turn to turn, and mostly without a change.
                "limits": Limits(max_attempts=_MAX_ATTEMPTS, stuck_after=_MAX_ATTEMPTS),
            }
        )
        state = supervisor.start(job, repo, show, renderer.tick)
    if state.interrupted:
        raise KeyboardInterrupt
    edits = tools.count("try") or len(tools)
    return state, Figures(label, state.passed, len(state.checks), edits, state.elapsed_s)
