"""`agentloop agents doctor`: what is the matter with agents, and what to do about it."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from agentloop import config
from agentloop.agents import registry
from agentloop.agents.diagnosis import Facts, Finding, Ours, diagnose, is_usable
from agentloop.agents.inspection import inspect
from agentloop.agents.sources import sources
from agentloop.cli.agents.table import print_table
from agentloop.cli.skills.library import print_json
from agentloop.errors import AdapterError, AgentUnusableError, RepoError
from agentloop.repo import Repo
from agentloop.skills import library, publish


@click.command()
@click.argument("name", required=False, default="")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(name: str, as_json: bool) -> int:
    """Say what is the matter with the agent NAME, or with each that is installed, and what to do about it.

    The agents are started, to ask for their versions and for the skills that they see; no model is asked. Keys and
    logins are looked for and never read. Exit code 5 when the agent, or one that is installed, cannot be used.
    """
    adapters, problems = ({name: registry.load(name)}, {}) if name else registry.load_all()
    absent = {} if name else {key: adapter for key, adapter in adapters.items() if not registry.installed(adapter)}
    root, ours = _here()
    files = sources()
    if sys.stderr.isatty():
        click.echo(f"asking {', '.join(name for name in adapters if name not in absent)} ...", err=True)
    facts = inspect([(files[key], adapter) for key, adapter in adapters.items() if key not in absent], root, ours)
    findings = {each.source.name: diagnose(each) for each in facts}
    if as_json:
        print_json(
            {
                "agents": [_as_object(each, findings[each.source.name]) for each in facts],
                "not_installed": [{"name": key, "install": adapter.install} for key, adapter in absent.items()],
                "not_read": [{"name": key, **_as_problem(error)} for key, error in problems.items()],
            }
        )
    else:
        for each in facts:
            _print(each, findings[each.source.name])
        if absent:
            click.echo("not installed")
            print_table(((key, adapter.install) for key, adapter in absent.items()), indent=2)
        for error in problems.values():
            click.echo(f"not read: {error.message}" + (f" ({error.hint})" if error.hint else ""), err=True)
    usable = not problems and all(map(is_usable, findings.values()))
    return 0 if usable else AgentUnusableError.exit_code


def _here() -> tuple[Path, Ours | None]:
    """The folder to ask in, and the skills of the repository, where there is one."""
    try:
        with Repo.open(Path.cwd()) as repo:
            folder = config.load(repo.root, {}).settings.skills_dir
            plan = publish.plan_links(repo, folder, registry.skill_folders())
            names = tuple(found.name for found in library.folders(repo.root / folder))
            return repo.root, Ours(folder, names, plan.places, plan.lacks)
    except RepoError:
        return Path.cwd(), None


def _as_object(facts: Facts, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "name": facts.source.name,
        "title": facts.adapter.title,
        "usable": is_usable(findings),
        "findings": [asdict(finding) for finding in findings],
    }


def _as_problem(error: AdapterError) -> dict[str, str]:
    return {"words": error.message, "remedy": error.hint}


def _print(facts: Facts, findings: Sequence[Finding]) -> None:
    click.echo(f"{facts.source.name}: {facts.adapter.called}")
    rows: list[tuple[str, str, str]] = []
    for finding in findings:
        rows.append((finding.level, finding.about, finding.words))
        if finding.remedy:
            rows.append(("", "", f"→ {finding.remedy}"))
    print_table(rows, indent=2)
    click.echo()
