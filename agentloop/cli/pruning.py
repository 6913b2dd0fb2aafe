"""`agentloop runs prune`: the records of old runs taken away, by hand and, once a day, when a run begins."""

import math
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from agentloop import config
from agentloop.cli.options import DURATION, Amount
from agentloop.errors import RepoError
from agentloop.records import folders, pruning
from agentloop.records.pruning import Limits, Record
from agentloop.render import Renderer, ago, count, size
from agentloop.repo import Repo
from agentloop.text import amounts

DEFAULT_AGE_S = 30 * 86400.0
AT_START_S = 2.0


@click.group()
def runs() -> None:
    """Prune the records of old runs."""


@runs.command()
@click.option("--older-than", type=DURATION, metavar="AGE",
              help="Runs whose last event is so long ago.  [default: 30d, when no other limit is given]")  # fmt: skip
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="All but the N newest of a repository.")
@click.option("--max-size", type=Amount("size", amounts.size_bytes), metavar="SIZE",
              help="The oldest, until those of a repository take no more: 500M, 1G.")  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Also those whose draft waits for a review.")
@click.option("--everywhere", is_flag=True, help="In all of your repositories, those that are gone too.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def prune(
    older_than: str | None, keep: int | None, max_size: str | None, every: bool, everywhere: bool, dry_run: bool
) -> None:
    """Remove the records of old runs: journals, logs, drafts and snapshots.

    A run that is at work or can be resumed is never removed.
    """
    age_s = DEFAULT_AGE_S if keep is None and max_size is None else math.inf
    limits = Limits(
        older_than_s=age_s if older_than is None else amounts.time_limit_s(older_than),
        keep=keep,
        max_bytes=math.inf if max_size is None else amounts.size_bytes(max_size),
        drafts_too=every,
    )
    if everywhere:
        for repository in folders.repositories():
            _prune(repository, pruning.repository_of(repository), limits, dry_run=dry_run)
        return
    with Repo.open(Path.cwd()) as repo:
        _prune(folders.repository_folder(repo.common_dir), repo, limits, dry_run=dry_run)


def _prune(repository: Path, repo: Repo | None, limits: Limits, *, dry_run: bool) -> None:
    found = [*pruning.look_at(repository)]
    going = pruning.choose(found, limits, time.time())
    where = f"{repo.root}" if repo else f"{repository.name}, which is gone"
    removed = [record for record in going if dry_run or pruning.remove(record, repo)]
    for record in removed:
        click.echo(f"{record.folder.run}  {ago(time.time() - record.at):>10}  {size(record.size_bytes)}")
    freed = sum(record.size_bytes for record in removed)
    done = "would remove" if dry_run else "removed"
    click.echo(f"{done} {count(len(removed), 'run')} of {where}: {size(freed)}{_kept(found, removed)}")
    if any(record.loaded_skills for record in removed):
        click.echo("  some of them had loaded skills: agentloop skills usage does not count those any more")
    if repo:
        _drop_orphans(repo, repository, limits, dry_run=dry_run)
    if not dry_run:
        pruning.sweep(repository)
        if repo is None and pruning.remove_rest(repository):
            click.echo(f"  removed what else was kept for {repository.name}")


def _kept(found: Sequence[Record], removed: Sequence[Record]) -> str:
    """What else is there, and why."""
    left = [record for record in found if record not in removed]
    why = Counter(
        record.needed or "its draft waits for a review" for record in left if record.needed or record.has_draft
    )
    reasons = "; ".join(f"{reason}: {number}" for reason, number in why.most_common())
    return f"; {len(left)} kept" + (f" ({reasons})" if reasons else "") if left else ""


def _drop_orphans(repo: Repo, repository: Path, limits: Limits, *, dry_run: bool) -> None:
    age_s = DEFAULT_AGE_S if math.isinf(limits.older_than_s) else limits.older_than_s
    orphans = pruning.orphans(repo, repository, age_s)
    for run in () if dry_run else orphans:
        repo.drop_snapshots(run)
    if orphans:
        done = "would remove" if dry_run else "removed"
        click.echo(f"  {done} the snapshots of {count(len(orphans), 'run')} without a record")


def prune_at_start(repo: Repo, settings: config.Settings, renderer: Renderer, *, quiet: bool) -> None:
    """Prune by the settings, once a day; what goes wrong is told and keeps no run from beginning."""
    limits = Limits(older_than_s=settings.keep_runs, max_bytes=settings.max_runs_size)
    try:
        removed = pruning.prune_daily(repo, limits, AT_START_S)
    except (OSError, RepoError) as error:
        renderer.warn(f"old runs cannot be pruned: {error}")
        return
    if removed and not quiet:
        renderer.console.print(f"pruned {count(removed, 'old run')} (keep_runs, max_runs_size: agentloop config show)")
