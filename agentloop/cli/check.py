"""`agentloop check`: a predicate is evaluated once, and its verdicts are drawn as a tree."""

import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from agentloop import config, interrupts, sandbox
from agentloop.cli.options import DURATION, sandbox_options
from agentloop.errors import RepoError, UsageError
from agentloop.events import SCHEMA, VerdictValue
from agentloop.predicate import evaluate, judge, probes
from agentloop.predicate.evaluate import Evaluation, Result
from agentloop.predicate.language import grammar
from agentloop.predicate.language.nodes import And, Command, Node, Not, Or, Times, Within, leaves
from agentloop.predicate.language.wording import explain as explained
from agentloop.predicate.language.wording import number, render
from agentloop.process import child_environment, watched
from agentloop.records import folders, receipts
from agentloop.repo import Repo
from agentloop.text.quoting import one_line

_EXIT_CODES: dict[VerdictValue, int] = {"pass": 0, "fail": 1, "error": 2}
_MARKS: dict[VerdictValue, tuple[str, str]] = {"pass": ("✓", "green"), "fail": ("✗", "red"), "error": ("!", "yellow")}
_MAX_SOURCE_CHARS = 200


@click.command()
@click.argument("predicates", nargs=-1, required=True, metavar="PREDICATE...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--explain", is_flag=True, help="Say in words how it was read; run nothing.")
@click.option("--fresh", is_flag=True, help="Run it also when neither the tree nor the tools have changed since.")
@click.option("--logs", type=click.Path(file_okay=False, path_type=Path), help="Keep the logs in this folder.")
@click.option("--task", default="", help="What a judge is told of the task.")
@click.option("--check-timeout", type=DURATION, help="Time for one command.  [default: 30m]")
@click.option("--judge-model", metavar="MODEL", help="The model that judge asks, as litellm names it.")
@click.option("--allow-judge-only", is_flag=True, help="Let a predicate hold by a model's word alone.")
@sandbox_options
def check(predicates: tuple[str, ...], as_json: bool, explain: bool, logs: Path | None, task: str,
          allow_judge_only: bool, fresh: bool, **flags: Any) -> int:  # fmt: skip
    """Evaluate PREDICATE once, several: all of them; exit 0 when it holds, 1 when not, 2 for an error.

    \b
    agentloop check "pytest passes and ruff check . passes"
    agentloop check --explain "coverage >= baseline and not file TODO.md exists"
    """  # noqa: D301 - click reads the \b
    with _repository() as repo:
        told = {key: value for key, value in flags.items() if value != ()}
        settings = config.load(repo.root if repo else None, told).settings
        names = grammar.Names(settings.checks, settings.metrics, allow_judge_only=allow_judge_only)
        node = grammar.parse_all(predicates, names)
        if explain:
            _explain(node, as_json=as_json)
            return 0
        for leaf in () if as_json else leaves(node):
            if isinstance(leaf, Command) and leaf.bare:
                click.echo(f"read as: `{one_line(leaf.command, _MAX_SOURCE_CHARS)}` passes", err=True)
        box = sandbox.chosen(settings.sandbox, settings.sandbox_writable)
        tag = f"check-{os.getpid()}-{secrets.token_hex(4)}"
        env = child_environment(tag)
        with _log_folder(logs) as folder:
            (folder / "reports").mkdir(exist_ok=True)
            context = evaluate.Context(
                cwd=_places(repo).tree,
                env=env,
                logs=folder,
                walls=box.around_check(_places(repo), _places(repo).tree, [folder / "reports"], env),
                timeout_s=settings.check_timeout,
                task=task,
                diff=_diff_of(repo, folder),
                metrics=settings.metrics,
                judge_model=settings.judge_model,
                ask=probes.person(),
            )
            memory = _Memory(repo, node, context, box)
            receipt = None if fresh or logs else memory.recall()
            if receipt:
                shutil.rmtree(folder, ignore_errors=True)
                _show_remembered(receipt, as_json=as_json)
                return _EXIT_CODES[receipt.verdict]
            with interrupts.noted(), watched(tag):
                evaluation = evaluate.evaluate(node, context)
            memory.remember(evaluation)
            has_logs = any(leaf.log for leaf in evaluation.leaves)
            kept = logs is not None or (has_logs and evaluation.verdict != "pass")
            if not kept:
                shutil.rmtree(folder, ignore_errors=True)
            try:
                _show(evaluation, folder if kept else None, as_json=as_json)
                sys.stdout.flush()
            except BrokenPipeError:  # the verdict counts, although nobody reads it
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _EXIT_CODES[evaluation.verdict]


def _places(repo: Repo | None) -> sandbox.Places:
    return sandbox.Places(repo.root, repo.common_dir) if repo else sandbox.Places(Path.cwd(), None)


class _Memory:
    """What is remembered of this tree and this predicate; nothing outside of a repository."""

    def __init__(self, repo: Repo | None, node: Node, context: evaluate.Context, box: sandbox.Sandbox) -> None:
        self._box = box
        self._repo = repo if receipts.is_of_the_tree(node) else None
        self._node = node
        self._env = context.env

    def recall(self) -> receipts.Receipt | None:
        if self._repo is None:
            return None
        try:
            kept, key, _tree_id = self._state(self._repo)
        except (OSError, RepoError):  # told when the verdict is to be remembered
            return None
        return kept.recall(key, with_logs=False)

    def remember(self, evaluation: Evaluation) -> None:
        """The verdict counts, also where it cannot be kept."""
        if self._repo is not None and evaluation.verdict != "error":
            try:
                kept, key, tree = self._state(self._repo)
                leaves = [leaf.model_copy(update={"log": "", "report": ""}) for leaf in evaluation.leaves]
                kept.remember(key, receipts.receipt_of(tree, self._node, evaluation.verdict, leaves))
            except (OSError, RepoError) as error:
                click.echo(f"warning: the verdict is not remembered: {one_line(str(error), 300)}", err=True)

    def _state(self, repo: Repo) -> tuple[receipts.Receipts, str, str]:
        """The receipts, the key, and the tree as it is now."""
        tree = repo.fingerprint(folders.fingerprint_folder(repo.common_dir, repo.root))
        key = receipts.key_of(tree, self._node, repo, self._env, self._box)
        return receipts.Receipts(folders.receipts_folder(repo.common_dir)), key, tree


@contextmanager
def _repository() -> Iterator[Repo | None]:
    try:
        repo = Repo.open(Path.cwd())
    except RepoError:
        yield None
        return
    with repo:
        yield repo


@contextmanager
def _log_folder(asked: Path | None) -> Iterator[Path]:
    """The folder for the logs; a temporary one goes again unless there is something to be read in it."""
    try:
        if asked:
            asked.mkdir(parents=True, exist_ok=True)
        folder = (asked or Path(tempfile.mkdtemp(prefix="agentloop-check-"))).resolve()
    except OSError as error:
        raise UsageError(
            f"the logs cannot be written to {asked}: {error.strerror}", hint="name another folder"
        ) from error
    try:
        yield folder
    except BaseException:
        if asked is None:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _diff_of(repo: Repo | None, folder: Path) -> Callable[[], str]:
    """What a judge is shown: how the working tree differs from HEAD."""

    def diff() -> str:
        head = repo.head() if repo else None
        if repo is None or head is None:
            return ""
        name = f"check-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            snapshot = repo.snapshot(name, 0, folder / "index")
            return repo.diff(head, snapshot.commit, max_chars=judge.MAX_DIFF_CHARS)
        finally:
            repo.drop_snapshots(name)

    return diff


def _explain(node: Node, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, "predicate": render(node), "read_as": explained(node)}))
    else:
        click.echo("\n".join(explained(node)))


def _show(evaluation: Evaluation, folder: Path | None, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_object(evaluation, folder)))
        return
    click.echo("\n".join(_tree(evaluation.tree)))
    for leaf in evaluation.leaves:
        if leaf.verdict != "pass" and (leaf.output or leaf.log):
            source, reason = (one_line(text, _MAX_SOURCE_CHARS) for text in (leaf.source, leaf.reason))
            click.echo(f"\n{source}: {leaf.verdict} ({reason})", err=True)
            if leaf.output:
                click.echo(leaf.output, err=True)
            click.echo(f"the whole output: {leaf.log}", err=True)


def _show_remembered(receipt: receipts.Receipt, *, as_json: bool) -> None:
    at = time.strftime("%F %T", time.localtime(receipt.at))
    if as_json:
        known = {"predicate": receipt.predicate, "verdict": receipt.verdict, "tree_id": receipt.tree}
        code = _EXIT_CODES[receipt.verdict]
        click.echo(json.dumps({"schema": SCHEMA, **known, "exit_code": code, "remembered_from": receipt.at}))
        return
    click.echo(f"{_mark(receipt.verdict)}  {one_line(receipt.predicate, _MAX_SOURCE_CHARS)}")
    for leaf in receipt.leaves:
        if leaf.verdict != "pass":
            click.echo(f"  {one_line(f'{leaf.source}: {leaf.reason}', _MAX_SOURCE_CHARS)}")
    click.echo(f"as on {at}: neither the tree nor the tools have changed; --fresh runs it again", err=True)


def _tree(result: Result, before_first: str = "", before_rest: str = "") -> list[str]:
    lines = [before_first + _line(result)]
    for position, child in enumerate(result.children, 1):
        is_last = position == len(result.children)
        lines += _tree(child, before_rest + ("└─ " if is_last else "├─ "), before_rest + ("   " if is_last else "│  "))
    return lines


def _line(result: Result) -> str:
    is_asked = result.reason != evaluate.NOT_ASKED
    shown = _mark(result.verdict) if is_asked else "- not asked"
    text = result.reason if is_asked else result.reason.partition(": ")[2]
    reason = f": {one_line(text, _MAX_SOURCE_CHARS)}" if text else ""
    return f"{shown}  {_title(result.node)}{reason} ({result.duration_s:.2f} s)"


def _mark(verdict: VerdictValue) -> str:
    mark, colour = _MARKS[verdict]
    plain = f"{mark} {verdict}"
    return plain if os.environ.get("NO_COLOR") else click.style(plain, fg=colour)


def _title(node: Node) -> str:
    match node:
        case And():
            return "all of"
        case Or():
            return "any of"
        case Not():
            return "not"
        case Times(count=count):
            return f"{count} times"
        case Within(limit_s=limit_s):
            return f"within {number(limit_s)} s"
        case _:
            return one_line(node.source, _MAX_SOURCE_CHARS)


def _object(evaluation: Evaluation, folder: Path | None) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "predicate": render(evaluation.tree.node),
        "verdict": evaluation.verdict,
        "exit_code": _EXIT_CODES[evaluation.verdict],
        "metrics": dict(evaluation.metrics),
        "logs": str(folder) if folder else None,
        "tree": _branch(evaluation.tree, without=set() if folder else {"log", "report"}),
    }


def _branch(result: Result, without: set[str]) -> dict[str, Any]:
    branch: dict[str, Any] = {
        "kind": type(result.node).__name__.lower(),
        "source": result.node.source,
        **(result.leaf.model_dump(exclude=without) if result.leaf else {}),
        "verdict": result.verdict,
        "reason": result.reason,
        "duration_s": round(result.duration_s, 3),
    }
    if result.children:
        branch["children"] = [_branch(child, without) for child in result.children]
    return branch
