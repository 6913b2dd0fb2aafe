"""`agentloop agents list`: the agents that agentloop knows; nothing is started."""

import shutil

import click

from agentloop.agents import registry
from agentloop.agents.diagnosis import rests_on
from agentloop.agents.sources import sources
from agentloop.cli.agents.table import print_table
from agentloop.cli.skills.library import print_json


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_agents(as_json: bool) -> None:
    """List the agents: installed or not, what their description rests on, how they can be driven."""
    adapters, problems = registry.load_all()
    if as_json:
        files = sources()
        print_json(
            [
                {
                    "name": name,
                    "title": adapter.title,
                    "program": shutil.which(adapter.program),
                    "proven": adapter.proven,
                    "evidence": adapter.evidence,
                    "drivers": adapter.drivers,
                    "origin": files[name].origin,
                    "file": str(files[name].path),
                }
                for name, adapter in adapters.items()
            ]
        )
    else:
        print_table(
            (
                name,
                adapter.title,
                "installed" if registry.installed(adapter) else "not installed",
                rests_on(adapter),
                ", ".join(adapter.drivers),
            )
            for name, adapter in adapters.items()
        )
    for error in problems.values():
        click.echo(f"not read: {error.message}" + (f" ({error.hint})" if error.hint else ""), err=True)
