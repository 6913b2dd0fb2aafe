"""Where to look: every line of the project's own code gets a suspicion between 0 and 1.

Spectrum-based (Ochiai): a line that the failing tests execute, and the passing ones do not, is suspicious. Statements
that run at import (constants, default values) inherit from the lines that use them. Without a trace, the lines that the
failures' tracebacks name stand in.
"""

import ast
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from agentloop.offline.sources import is_editable
from agentloop.offline.validate import Outcome

Line = tuple[str, int]
_FRAME = re.compile(
    r"""(?:File "(?P<path>[^"\n]+)", line (?P<line>\d+)|^(?P<path2>[^\s:]+\.py):(?P<line2>\d+): )""", re.M
)
_INHERITED = 0.9
_IN_TRACEBACK = 0.04
_NEIGHBOUR = 0.5


def rank(outcome: Outcome, root: Path, trees: Mapping[str, ast.Module]) -> dict[Line, float]:
    """Suspicion by line, for the files in `trees` (relative path -> syntax tree)."""
    scores = _ochiai(outcome, trees)
    named = traceback_lines((outcome.texts.get(test, "") for test in outcome.failing), root)
    if not scores:
        scores = _from_tracebacks(named, trees)
    for line in named:
        if line in scores:
            # A tie-breaker, small enough that it never outweighs the spectrum.
            scores[line] += _IN_TRACEBACK
    return scores | _import_time(scores, trees)


def _ochiai(outcome: Outcome, trees: Mapping[str, ast.Module]) -> dict[Line, float]:
    failed: Counter[Line] = Counter()
    passed: Counter[Line] = Counter()
    for test, lines in outcome.lines.items():
        counter = failed if test in outcome.failing else passed
        counter.update(line for line in lines if line[0] in trees)
    total = sum(1 for test in outcome.failing if outcome.lines.get(test))
    return {line: count / math.sqrt(total * (count + passed[line])) for line, count in failed.items()}


def traceback_lines(texts: Iterable[str], root: Path) -> list[Line]:
    """The lines of the project's own code that tracebacks name, the innermost of each first."""
    found: list[Line] = []
    prefix = f"{root}/"
    for text in texts:
        for match in reversed(list(_FRAME.finditer(text))):
            path = (match["path"] or match["path2"]).removeprefix(prefix)
            if is_editable(path):
                found.append((path, int(match["line"] or match["line2"])))
    return list(dict.fromkeys(found))


def _from_tracebacks(named: list[Line], trees: Mapping[str, ast.Module]) -> dict[Line, float]:
    scores: dict[Line, float] = {}
    for path, line in named:
        for node in ast.walk(trees.get(path, ast.Module([], []))):
            if isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or 0):
                inside = range(node.lineno, (node.end_lineno or 0) + 1)
                scores |= {(path, near): _NEIGHBOUR for near in inside if (path, near) not in scores}
    return scores | dict.fromkeys((line for line in named if line[0] in trees), 1.0)


def _import_time(scores: Mapping[Line, float], trees: Mapping[str, ast.Module]) -> dict[Line, float]:
    """Scores for what is executed once, at import: it is as suspicious as the lines that use it, nearly."""
    uses: dict[str, float] = {}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                name = node.id if isinstance(node, ast.Name) else node.attr
                uses[name] = max(uses.get(name, 0.0), scores.get((path, node.lineno), 0.0))
    found: dict[Line, float] = {}
    for path, tree in trees.items():
        for statement in _import_statements(tree):
            score = _INHERITED * _users_score(statement, path, uses, scores)
            if score > scores.get((path, statement.lineno), 0.0):
                found[path, statement.lineno] = score
    return found


def _import_statements(tree: ast.Module) -> Iterator[ast.stmt]:
    yield from tree.body
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from node.body
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _users_score(statement: ast.stmt, path: str, uses: Mapping[str, float], scores: Mapping[Line, float]) -> float:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        if not (statement.args.defaults or statement.args.kw_defaults):
            return 0.0
        lines = range(statement.lineno, (statement.end_lineno or 0) + 1)
        return max(scores.get((path, line), 0.0) for line in lines)
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return 0.0
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return max((uses.get(target.id, 0.0) for target in targets if isinstance(target, ast.Name)), default=0.0)
