"""A push: the commits checked, the sessions behind them asked, and then `git push` with the same arguments."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from agentloop import events as ev
from agentloop import interrupts
from agentloop.agents.spec import Adapter
from agentloop.errors import AgentloopError, RepoError
from agentloop.job import Job
from agentloop.predicate import evidence
from agentloop.predicate.language.nodes import Node
from agentloop.predicate.language.wording import render
from agentloop.push import behind, learning, mending, refs
from agentloop.push.behind import Behind, Found
from agentloop.push.checking import Checker
from agentloop.push.learning import Run
from agentloop.push.places import Place, place
from agentloop.push.refs import PushedRef
from agentloop.repo import Repo, push
from agentloop.text.quoting import one_line

Say = Callable[[str], None]
Choose = Callable[[Sequence[Behind]], Sequence[Behind]]
_EXIT_CODES = {"pass": 0, "fail": 1, "error": 2}
_SHORT = 10
_NOBODY = "nobody"
"""The agent of a check."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What a push is told.

    Args:
        arguments: those of `git push`.
        predicate: what must hold of each commit.
        job: makes the job for an agent's name; empty: for the one that is configured.
        adapters: the agents whose sessions are looked at; none when no skill is wanted.
        fixes: a run is to mend what fails.
        fixing: the command line that would, for people.
        asks: git may ask the person.
    """

    arguments: Sequence[str]
    predicate: Node
    job: Callable[[str], Job]
    adapters: Sequence[Adapter]
    fixes: bool
    fixing: str
    asks: bool


@dataclass(frozen=True, slots=True)
class Hands:
    """What a push does things with.

    Args:
        run: takes a run to its end and shows it.
        say: shows how far it is; nobody hears it when git is told to be quiet.
        tell: shows what a person has to know.
        tick: called with the elapsed seconds while a command of a check runs.
        choose: lets a person choose among sessions; None: nobody is there.
    """

    run: Run
    say: Say
    tell: Say
    tick: Callable[[float], None]
    choose: Choose | None


@dataclass(frozen=True, slots=True)
class _Checked:
    """A ref whose commit was checked; the worktree is still there when there are sessions that may be asked."""

    ref: PushedRef
    place: Place
    found: Found


@dataclass(slots=True)
class Push:
    """One push.

    Args:
        repo: the working tree that the person stands in.
        orders: what it is told.
        hands: what it does things with.
    """

    repo: Repo
    orders: Orders
    hands: Hands
    _asked: set[str] = field(default_factory=set)
    """The sessions that were."""
    _checked: set[str] = field(default_factory=set)
    """The commits that passed, and those that brought nothing but skills to one."""

    def perform(self, told: Sequence[PushedRef]) -> int:
        """Check, distill, push.

        Args:
            told: all that git says that it would do.

        Returns:
            The exit code of `git push`; that of the check, or of the run that was to mend it, when nothing was pushed.

        Raises:
            AgentloopError: nothing was pushed.
            Interrupted: a signal was noted; likewise.
        """
        checker = Checker(self.orders.job(_NOBODY), self.orders.predicate, self.hands.tick)
        with ExitStack() as kept:
            checked = []
            for ref in self._in_order(told):
                code, one = self._check(checker, ref, kept)
                if code:
                    return code
                checked.append(one)
            for one in checked:
                self._carry_over(checker, one, self._learn(one))
        moved = next((ref.source for ref in refs.with_work(told) if self._is_unchecked(ref, told)), "")
        if moved:
            self.hands.tell(f"nothing was pushed: {one_line(moved, 200)} was moved meanwhile; push it again")
            return 1
        interrupts.raise_if_interrupted()
        return push(self.orders.arguments, asks=self.orders.asks)

    def _in_order(self, told: Sequence[PushedRef]) -> Iterator[PushedRef]:
        """What is to be checked: each commit once that is not over there already, what is checked out first."""
        for ref in sorted(
            refs.with_work(told),
            key=lambda ref: not (ref.is_head or self.repo.branches.is_current(ref.branch)),
        ):
            if self._is_unchecked(ref, told):
                yield ref

    def _is_unchecked(self, ref: PushedRef, told: Sequence[PushedRef]) -> bool:
        """It stands on a commit that was neither checked nor is over there."""
        commit = self._commit(ref)
        known = [name for name in map(self.repo.commit_at, refs.over_there(told)) if name]
        return commit not in self._checked and not self.repo.leads_to(commit, known)

    def _commit(self, ref: PushedRef) -> str:
        """The commit that it stands on.

        Raises:
            RepoError: it was taken away meanwhile, or is named as only `git push` understands it (`:/words`).
        """
        commit = self.repo.commit_at(ref.source)
        if commit is None:
            named = one_line(ref.source, 200)
            raise RepoError(
                f"{named} is no name of a commit: nothing was pushed", hint="name a branch, or a commit by its id"
            )
        return commit

    def _check(self, checker: Checker, ref: PushedRef, kept: ExitStack) -> tuple[int, _Checked]:
        """Check a commit, mend it where that is wanted; the exit code, and what is known."""
        mended = False
        while True:
            with ExitStack() as own:
                there = own.enter_context(place(self.repo, self._commit(ref)))
                former = self.repo.commit_at(ref.former) or "" if ref.former else ""
                self.hands.say(f"checking {self._named(ref, there)}: {render(self.orders.predicate)}")
                outcome = checker.check(there, former)
                self.hands.say(_verdict(outcome))
                if outcome.verdict == "pass":
                    self._checked.add(there.commit)
                    one = _Checked(ref, there, self._sessions(ref, there.commit, former))
                    if one.found.meant or one.found.unclear:
                        kept.enter_context(own.pop_all())
                    return 0, one
                one = _Checked(ref, there, Found())
                if mended or not self.orders.fixes:
                    self._refuse(outcome)
                    return _EXIT_CODES[outcome.verdict], one
                code = self._mend(one)
                if code:
                    return code, one
                mended = True

    def _sessions(self, ref: PushedRef, commit: str, former: str) -> Found:
        if not self.orders.adapters:
            return Found()
        where = learning.landing(self.repo, ref)
        worked_in = where.repo if where else self.repo
        try:
            return behind.look_for(worked_in, self.orders.adapters, commit, former)
        except (AgentloopError, OSError) as error:
            self.hands.say(f"the sessions behind the commits are not known: {error}")
            return Found()

    def _named(self, ref: PushedRef, there: Place) -> str:
        return one_line(f"{ref.branch or ref.source} ({there.commit[:_SHORT]})", 200)

    def _refuse(self, outcome: ev.Checked) -> None:
        """Say what failed, and what can be done."""
        words = shlex.join(["git", "push", *self.orders.arguments])
        self.hands.tell(evidence.feedback(outcome, None))
        self.hands.tell("nothing was pushed")
        if not self.orders.fixes:
            self.hands.tell(f"  to have it mended and pushed: {self.orders.fixing}")
        self.hands.tell(f"  to push it all the same: {words}")

    def _mend(self, one: _Checked) -> int:
        where = learning.landing(self.repo, one.ref)
        if where is None:
            self.hands.tell("nothing was pushed: it can be mended only on a branch")
            return 1
        state = mending.mend(self.orders.job(""), one.place, where, self.hands.run, self.hands.say)
        code = state.ended.exit_code if state.ended else 1
        if code:
            self.hands.tell("nothing was pushed")
        return code

    def _learn(self, one: _Checked) -> list[str]:
        """Ask the sessions behind a ref; whatever goes wrong in it, the push goes on.

        Returns:
            The folders of skills and the links that were committed.
        """
        sessions = [*one.found.meant, *self._chosen(one.found.unclear)]
        new = [each for each in sessions if each.candidate.stored.session not in self._asked]
        if not new:
            return []
        where = learning.landing(self.repo, one.ref)
        if where is None or where.tip != one.place.commit:
            self.hands.say(f"no session is asked for a skill: {one.ref.source} is no branch that it could go to")
            return []
        paths: list[str] = []
        for each in new:
            self._asked.add(each.candidate.stored.session)
            self.hands.say(f"{described(each)}; {each.why}")
            asked = learning.distill(
                self.orders.job(each.candidate.adapter.name), one.place, where, each, self.hands.run
            )
            paths += asked.paths
            if asked.problem:
                self.hands.say(f"no skill: {asked.problem}")
        return paths

    def _carry_over(self, checker: Checker, one: _Checked, paths: Sequence[str]) -> None:
        """What has nothing but skills on top of what was checked counts as checked."""
        tip = self._commit(one.ref)
        if tip != one.place.commit and checker.carry_over(one.place, tip, paths):
            self._checked.add(tip)

    def _chosen(self, unclear: Sequence[Behind]) -> Sequence[Behind]:
        left = [each for each in unclear if each.candidate.stored.session not in self._asked]
        if not left:
            return ()
        if self.hands.choose is None:
            count = f"{len(left)} sessions" if len(left) > 1 else "a session"
            self.hands.say(
                f"{count} may have made these commits and cannot be told from others: none is asked for a skill "
                "(agentloop distill --list)"
            )
            return ()
        return self.hands.choose(left)


def described(one: Behind) -> str:
    """A session in one line."""
    stored, number = one.candidate.stored, len(one.commits)
    commits = "1 commit" if number == 1 else f"{number} commits"
    return one_line(f"session {stored.session} of {one.candidate.adapter.called}: {commits}", 300)


def _verdict(outcome: ev.Checked) -> str:
    if outcome.remembered_from is not None:
        return f"{outcome.verdict}, as before: neither the tree nor the tools have changed"
    return f"{outcome.verdict} after {outcome.duration_s:.1f} s"
