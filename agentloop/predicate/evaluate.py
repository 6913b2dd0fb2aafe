"""Evaluating a predicate: one verdict of three values, with the evidence for each condition.

Every condition is looked at, also after the verdict is settled, so that the evidence is whole: first what is run and
looked up, then the metrics, which read what was run, at last models and people, who are asked only when it matters.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agentloop import interrupts
from agentloop.events import Leaf, LeafKind, VerdictValue
from agentloop.predicate import commands, judge, kleene, metrics, probes
from agentloop.predicate.context import Context, Finding, Ran, Record
from agentloop.predicate.language.nodes import (
    And,
    Approved,
    Command,
    FileIs,
    Judge,
    LeafNode,
    Metric,
    Node,
    Not,
    Or,
    Times,
    UrlIs,
    Within,
    leaves,
)

__all__ = ["NOT_ASKED", "Context", "Evaluation", "Result", "evaluate"]

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_PAUSE_GROWTH = 1.5
_MEASURED, _JUDGED = 1, 2
_PHASES: Mapping[type[Node], int] = {Command: 0, FileIs: 0, UrlIs: 0, Metric: _MEASURED, Judge: _JUDGED, Approved: 3}
_KINDS: Mapping[type[Node], LeafKind] = {
    Command: "command",
    FileIs: "file",
    UrlIs: "url",
    Metric: "metric",
    Judge: "judge",
    Approved: "approved",
}
NOT_ASKED = "not asked: the verdict does not depend on it"
"""The reason of what did not have to be asked; in the data it is an error like any that is not known."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a part of the tree came to; of something that was repeated, the run that decided."""

    node: Node
    verdict: VerdictValue
    reason: str
    duration_s: float = 0.0
    leaf: Leaf | None = None
    children: "tuple[Result, ...]" = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a predicate came to."""

    verdict: VerdictValue
    leaves: tuple[Leaf, ...]
    """Each condition once, from left to right; one under `not` has the opposite verdict and says so."""
    metrics: Mapping[str, float]
    """Everything that was measured."""
    tree: Result


def evaluate(node: Node, context: Context) -> Evaluation:
    """Evaluate a predicate once.

    Raises:
        Interrupted: a signal was noted; nothing is left running.
        OSError: a log cannot be written.
    """
    numbers = {id(leaf): number for number, leaf in enumerate(leaves(node), 1)}
    check = _Check(numbers, metrics.new_record())
    tree = check.evaluate(node, context)
    return Evaluation(tree.verdict, tuple(_flat(tree, negated=False)), check.record.metrics, tree)


@dataclass(frozen=True, slots=True)
class _Check:
    """One evaluation under way."""

    numbers: Mapping[int, int]
    """The number of each condition, by which its log is named."""
    record: Record

    def evaluate(self, root: Node, context: Context) -> Result:
        done: dict[int, Result] = {}
        for unit in sorted(_units(root), key=_phase):
            if _phase(unit) >= _JUDGED and not _is_hopeless(unit, context) and not _matters(root, unit, done):
                done[id(unit)] = _not_asked(unit)
            else:
                done[id(unit)] = self.unit(unit, context)
        return _joined(root, done)

    def unit(self, unit: Node, context: Context) -> Result:
        interrupts.raise_if_interrupted()
        match unit:
            case Times():
                return self.times(unit, context)
            case Within():
                return self.within(unit, context)
            case Command() | Metric() | FileIs() | UrlIs() | Judge() | Approved():
                began = time.monotonic()
                leaf = self.leaf(unit, context)
                leaf = leaf.model_copy(update={"duration_s": time.monotonic() - began})
                return Result(unit, leaf.verdict, leaf.reason, leaf.duration_s, leaf)
            case _:
                raise TypeError(f"{type(unit).__name__} is put together from its parts")

    def leaf(self, node: LeafNode, context: Context) -> Leaf:
        number = self.numbers[id(node)]
        match node:
            case Command():
                ran = commands.run(node, number, context)
                self.record.commands[number] = ran
                return ran.leaf
            case Metric():
                measured = metrics.compare(node, number, context, self.record)
                return _metric_leaf(node, measured.finding, measured.ran)
            case FileIs():
                return _leaf(node, probes.file(node, context))
            case UrlIs():
                return _leaf(node, probes.url(node, context))
            case Judge():
                leaf = _leaf(node, judge.rule(node, context))
                return leaf.model_copy(update={"missing": not context.judge_model})
            case Approved():
                return _leaf(node, probes.approved(context))

    def times(self, node: Times, context: Context) -> Result:
        began = time.monotonic()
        count, result = 1, self.evaluate(node.child, context)
        while result.verdict == "pass" and count < node.count:
            count, result = count + 1, self.evaluate(node.child, context)
        reason = f"{result.verdict} at time {count} of {node.count}"
        return Result(node, result.verdict, reason, time.monotonic() - began, children=(result,))

    def within(self, node: Within, context: Context) -> Result:
        began = time.monotonic()
        deadline = began + node.limit_s
        result, tries, pause_s, left_s = None, 0, _FIRST_PAUSE_S, node.limit_s
        while left_s > 0:
            tries += 1
            timeout_s, person_s = min(context.timeout_s, left_s), min(context.person_s, left_s)
            newest = self.evaluate(node.child, replace(context, timeout_s=timeout_s, person_s=person_s))
            left_s = deadline - time.monotonic()
            if newest.verdict == "pass" or result is None or left_s > 0:
                result = newest  # one that was cut off at the end says less than the one before
            if newest.verdict == "pass" or _is_final(newest):
                break
            interrupts.sleep(max(0.0, min(pause_s, left_s)))
            left_s = deadline - time.monotonic()
            pause_s = min(pause_s * _PAUSE_GROWTH, _LONGEST_PAUSE_S)
        if result is None:
            raise ValueError(f"nothing can be tried within {node.limit_s} s")
        duration_s = time.monotonic() - began
        reason = (
            f"{result.verdict} after {duration_s:.1f} s, {tries} tries" if tries > 1 else f"{result.verdict} at once"
        )
        return Result(node, result.verdict, reason, duration_s, children=(result,))


def _units(node: Node) -> Iterator[Node]:
    """What is evaluated as a whole: conditions, and what is repeated."""
    match node:
        case Not(child):
            yield from _units(child)
        case And(children) | Or(children):
            for child in children:
                yield from _units(child)
        case _:
            yield node


def _phase(unit: Node) -> int:
    return max(_PHASES[type(leaf)] for leaf in leaves(unit))


def _possible(node: Node, done: Mapping[int, Result]) -> frozenset[VerdictValue]:
    """The verdicts that a part can still come to."""
    match node:
        case Not(child):
            return kleene.possible_not(_possible(child, done))
        case And(children):
            return kleene.possible_all([_possible(child, done) for child in children])
        case Or(children):
            return kleene.possible_any([_possible(child, done) for child in children])
        case _:
            known = done.get(id(node))
            return frozenset((known.verdict,)) if known else kleene.EVERY


def _matters(root: Node, unit: Node, done: Mapping[int, Result]) -> bool:
    """The whole can still pass, and the unit's verdict can change what it comes to."""
    return "pass" in _possible(root, done) and _is_open(root, unit, done)


def _is_open(node: Node, unit: Node, done: Mapping[int, Result]) -> bool:
    match node:
        case Not(child):
            return _is_open(child, unit, done)
        case And(children) | Or(children):
            settled = frozenset(("fail" if isinstance(node, And) else "pass",))
            inside = next(child for child in children if any(part is unit for part in _units(child)))
            others = [child for child in children if child is not inside]
            return all(_possible(other, done) != settled for other in others) and _is_open(inside, unit, done)
        case _:
            return True


def _is_hopeless(unit: Node, context: Context) -> bool:
    """It is a judge that no model was named for, which is said at once and costs nothing."""
    return isinstance(unit, Judge) and not context.judge_model


def _is_final(result: Result) -> bool:
    """Trying again is of no use: a command is missing, or a person has answered."""
    return any(
        leaf.missing or (leaf.kind == "approved" and leaf.reason != NOT_ASKED) for leaf in _flat(result, negated=False)
    )


def _not_asked(node: Node) -> Result:
    if isinstance(node, Not | And | Or | Times | Within):
        parts = node.children if isinstance(node, And | Or) else (node.child,)
        return Result(node, "error", NOT_ASKED, children=tuple(_not_asked(part) for part in parts))
    leaf = _leaf(node, ("error", NOT_ASKED))
    return Result(node, leaf.verdict, leaf.reason, leaf=leaf)


def _joined(node: Node, done: Mapping[int, Result]) -> Result:
    match node:
        case Not(child):
            inner = _joined(child, done)
            return Result(
                node, kleene.opposite(inner.verdict), _joint_reason([inner]), inner.duration_s, children=(inner,)
            )
        case And(children) | Or(children):
            results = tuple(_joined(child, done) for child in children)
            verdict = (kleene.all_of if isinstance(node, And) else kleene.any_of)(part.verdict for part in results)
            return Result(
                node, verdict, _joint_reason(results), sum(part.duration_s for part in results), children=results
            )
        case _:
            return done[id(node)]


def _joint_reason(parts: Sequence[Result]) -> str:
    return NOT_ASKED if all(part.reason == NOT_ASKED for part in parts) else ""


def _flat(result: Result, *, negated: bool) -> Iterator[Leaf]:
    if isinstance(result.node, Not):
        negated = not negated
    for child in result.children:
        yield from _flat(child, negated=negated)
    leaf = result.leaf
    if leaf is None:
        return
    if negated:
        leaf = leaf.model_copy(update={"source": f"not {leaf.source}", "verdict": kleene.opposite(leaf.verdict)})
    yield leaf.model_copy(update={"output": ""}) if leaf.verdict == "pass" else leaf


def _leaf(node: LeafNode, finding: Finding) -> Leaf:
    verdict, reason = finding
    return Leaf(source=node.source, kind=_KINDS[type(node)], verdict=verdict, reason=reason)


def _metric_leaf(node: Metric, finding: Finding, ran: Ran | None) -> Leaf:
    leaf = _leaf(node, finding)
    if ran is None:
        return leaf
    kept = ran.leaf.model_dump(include={"command", "exit_code", "duration_s", "output", "log", "missing", "tool"})
    return leaf.model_copy(update=kept)
