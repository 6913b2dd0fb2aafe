"""`agentloop agents`: the agents that agentloop knows, and what is the matter with them."""

import click

from agentloop.cli import LazyGroup

COMMANDS = {
    "list": ("agentloop.cli.agents.listing:list_agents", "List the agents; the default."),
    "show": ("agentloop.cli.agents.showing:show", "Show all that is known of an agent, or check an adapter's file."),
    "doctor": ("agentloop.cli.agents.doctor:doctor", "Say what is the matter with the installed agents."),
}


@click.group(cls=LazyGroup, table=COMMANDS, invoke_without_command=True)
@click.pass_context
def agents(ctx: click.Context) -> None:
    """The agents that agentloop knows, and what is the matter with them."""
    if ctx.invoked_subcommand is None:
        from agentloop.cli.agents.listing import list_agents

        ctx.invoke(list_agents, as_json=False)
