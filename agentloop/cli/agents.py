"""`agentloop agents`: the agents that agentloop knows."""

import click

from agentloop.agents import registry


@click.group(invoke_without_command=True)
@click.pass_context
def agents(ctx: click.Context) -> None:
    """List the agents that agentloop knows."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_agents)


@agents.command("list")
def list_agents() -> None:
    """List the agents, and say which are installed."""
    adapters, problems = registry.load_all()
    for name, adapter in adapters.items():
        state = "installed" if registry.installed(adapter) else f"not installed: {adapter.install}"
        click.echo(f"{name:<10} {adapter.title:<32} {state}")
    for error in problems.values():
        click.echo(f"not read: {error.message}" + (f" ({error.hint})" if error.hint else ""), err=True)
