"""A turn of work: run the check, rank the lines, try edits within the budget, keep the best one."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentloop.offline import words
from agentloop.offline.edits import Candidate
from agentloop.offline.lessons import Lesson, fitting, read_lessons
from agentloop.offline.localize import traceback_lines
from agentloop.offline.session import Hypothesis, Session
from agentloop.offline.trials import Agenda, Trial
from agentloop.offline.validate import Outcome, Suite

BUDGET = 12
"""Candidates a turn."""

Emit = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Gain:
    """An edit that made strictly fewer tests fail, and how all tests came out with it."""

    trial: Trial
    files: dict[str, bytes]
    outcome: Outcome


class Repair:
    """One turn in a repository.

    Args:
        root: the repository.
        session: what earlier turns found out.
        emit: takes an event's type and fields.
        budget: how many candidates may be tried.
    """

    def __init__(self, root: Path, session: Session, emit: Emit, budget: int = BUDGET) -> None:
        self.root = root
        self.session = session
        self.emit = emit
        self.budget = budget
        self.suite = Suite(root, session.checks)
        self.count = 0

    def work(self) -> str:
        """Do the turn, and say in plain words what it came to."""
        self.session.turns += 1
        for check in self.suite.checks:
            self.emit("tool", name="test", detail=check)
        before = self.suite.observe()
        text = self._without_failures(before) or self._search(before)
        self.session.save()
        self.emit("usage", candidates=self.count, tests=self.suite.runs)
        return text

    def _without_failures(self, before: Outcome) -> str:
        """What to say when there is nothing to search for; empty when tests fail."""
        if before.failing:
            return ""
        if all(ran.code == 0 for ran in self.suite.check()):
            return words.nothing_to_do(self.suite.checks)
        return words.no_failing_tests(self.suite.checks, bool(before.tests))

    def _search(self, before: Outcome) -> str:
        self._remember_symptoms(before)
        agenda = Agenda(self.root, self.session, before)
        fresh = agenda.fresh(self._lessons(before, agenda.suspects()))
        if not fresh:
            return words.exhausted(self.session.hypotheses(), len(before.failing))
        self.suite.set_pace()
        gains, tried = self._try(fresh, before)
        best = min(gains, key=lambda gain: len(gain.outcome.failing), default=None)
        diff = self._keep(best) if best else ""
        after = len(best.outcome.failing) if best else None
        return words.turn_report(tried, len(before.failing), after, diff, len(fresh))

    def _remember_symptoms(self, before: Outcome) -> None:
        if self.session.tests:
            return
        self.session.tests = sorted(before.failing)
        self.session.symptoms = [before.texts.get(test, "") for test in self.session.tests][:10]

    def _lessons(self, before: Outcome, suspects: list[Candidate]) -> list[Lesson]:
        """The skills that fit what fails."""
        lessons = fitting(read_lessons(self.root), self._failure_text(before, suspects))
        for lesson in lessons:
            self.emit("tool", name="read", detail=lesson.path)
        self.session.skills = [lesson.name for lesson in lessons]
        return lessons

    def _failure_text(self, before: Outcome, suspects: list[Candidate]) -> str:
        texts = [before.texts.get(test, "") for test in sorted(before.failing)]
        top = suspects[0].score if suspects else 0.0
        places = {f"{one.path} {one.function}" for one in suspects if one.score == top}
        files = [path for path, _line in traceback_lines(texts, self.root)]
        return "\n".join([*sorted(before.failing), *texts, *sorted(places), *files])

    def _try(self, fresh: list[Trial], before: Outcome) -> tuple[list[Gain], list[Hypothesis]]:
        """Try candidates until the budget is used up, or one makes all tests pass."""
        gains: list[Gain] = []
        tried: list[Hypothesis] = []
        for trial in fresh:
            if self.count >= self.budget:
                break
            if not trial.makes_sense(self.root):
                continue
            self.count += 1
            self.emit("tool", name="try", detail=str(trial.candidate))
            files = trial.files(self.root)
            with self.session.trying(self.root, files):
                outcome = self.suite.trial(before)
            tried.append(self._note(trial, outcome))
            if outcome is not None:
                gains.append(Gain(trial, files, outcome))
                if not outcome.failing:
                    break
        return gains, tried

    def _note(self, trial: Trial, outcome: Outcome | None) -> Hypothesis:
        candidate = trial.candidate
        hypothesis = Hypothesis(
            operator=candidate.operator,
            path=candidate.path,
            line=candidate.line,
            function=candidate.function,
            old=candidate.old,
            new=candidate.new,
            statement=candidate.statement,
            turn=self.session.turns,
            failing=len(outcome.failing) if outcome else None,
        )
        self.session.note(trial.key, hypothesis)
        self.session.save()
        return hypothesis

    def _keep(self, gain: Gain) -> str:
        """Write the best edit into the tree, and say it as a small diff."""
        before = {path: (self.root / path).read_bytes() for path in gain.files}
        self.emit("tool", name="edit", detail=str(gain.trial.candidate))
        instead = bool(gain.trial.base)
        self.session.keep(self.root, gain.trial.candidate.path, gain.files, gain.trial.key, instead=instead)
        if not gain.outcome.failing:
            self.session.solved = all(ran.code == 0 for ran in self.suite.check())
        return "\n".join(_diff(path, before[path], gain.files[path]) for path in gain.files)


def _diff(path: str, before: bytes, after: bytes) -> str:
    old, new = (text.decode("utf-8", "replace").splitlines() for text in (before, after))
    return "\n".join(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm="", n=1))
