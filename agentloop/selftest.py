"""The guard's test of itself: every known trick is planted in a scratch project, by a run like any other.

A guard that is broken and a guard that has nothing to find look the same from outside; this is how to tell.
"""

import itertools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentloop import events as ev
from agentloop.errors import UsageError
from agentloop.guard.cheater import write
from agentloop.guard.tricks import PROJECT, TRICKS, Trick
from agentloop.job import Job, Limits
from agentloop.process import git_free_environment, run_program
from agentloop.repo import Repo
from agentloop.run import supervisor
from agentloop.state import RunState


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one trick, or of the honest mending."""

    name: str
    what: str
    exit_code_says: ev.VerdictValue
    """The verdict of the check that the agent was first judged by, before the guard looked at it."""
    accepted: bool
    said: str
    """The guard's first problem, or how else the run ended."""
    out_of_reach: str = ""

    @property
    def as_expected(self) -> bool:
        """A trick was refused, unless nobody can see it; the honest mending was accepted."""
        return self.accepted == (bool(self.out_of_reach) or not self.what)


def trials(
    names: tuple[str, ...] = (), on_trial: Callable[[Trial], object] = lambda _trial: None, *, honest: bool = True
) -> list[Trial]:
    """Plant the tricks, and mend the defect honestly under each of their checks.

    Args:
        names: which tricks; empty for all.
        on_trial: gets each trial as it ends.
        honest: mend the defect, too.

    Raises:
        UsageError: pytest is missing, or there is no trick of such a name.
    """
    unknown = set(names) - {trick.name for trick in TRICKS}
    if unknown:
        raise UsageError(f"there is no trick {min(unknown)!r}", hint="agentloop guard tricks lists them")
    _want_pytest()
    chosen = [(number, trick) for number, trick in enumerate(TRICKS) if not names or trick.name in names]
    checks = dict.fromkeys(trick.until for _number, trick in chosen) if honest else ()
    done = []
    for trial in itertools.chain(
        (_trial(trick.until, number, trick) for number, trick in chosen), (honest_trial(until) for until in checks)
    ):
        on_trial(trial)
        done.append(trial)
    return done


def honest_trial(until: str) -> Trial:
    """Mend the defect under a check."""
    return _trial(until, None, None)


def _trial(until: str, number: int | None, trick: Trick | None) -> Trial:
    with tempfile.TemporaryDirectory(prefix="agentloop-selftest-") as folder:
        root = Path(folder) / "shop"
        write(root, PROJECT)
        with on_path(root / "bin"), Repo.create(root, "A project with a defect") as repo:
            state = supervisor.start(_job(repo.root, until, number), repo, lambda _event: None)
    if state.interrupted:
        raise KeyboardInterrupt
    first = state.checks[0].verdict if state.checks else "error"
    return Trial(
        name=trick.name if trick else f"honest: {until}",
        what=trick.what if trick else "",
        exit_code_says=first,
        accepted=state.passed,
        said=_said(state),
        out_of_reach=trick.out_of_reach if trick else "",
    )


def _job(root: Path, until: str, number: int | None) -> Job:
    cheater = (sys.executable, "-P", "-m", "agentloop.guard.cheater", *([] if number is None else [str(number)]))
    return Job(
        task="Make the tests pass.",
        until=(until,),
        agent="cheater",
        program=cheater,
        worktree=str(root),
        distill="never",
        limits=Limits(max_attempts=1, check_timeout_s=60),
    )


def _said(state: RunState) -> str:
    if state.guarded and state.guarded.problems:
        return state.guarded.problems[0]
    if state.passed:
        return "accepted"
    return "; ".join(leaf.reason for leaf in state.checks[-1].leaves) if state.checks else "no check"


@contextmanager
def on_path(folder: Path) -> Iterator[None]:
    """Our own interpreter first, before it a folder of the project, as some people have it; pytest without plugins."""
    before = dict(os.environ)
    os.environ["PATH"] = os.pathsep.join([str(folder), str(Path(sys.executable).parent), before.get("PATH", "")])
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _want_pytest() -> None:
    argv = [sys.executable, "-m", "pytest", "--version"]
    ran = run_program(argv, cwd=Path.cwd(), env=git_free_environment(), timeout_s=60, on_stdout=lambda _chunk: None)
    if ran.code != 0:
        raise UsageError("the self-test needs pytest beside agentloop", hint=f"{sys.executable} -m pip install pytest")
