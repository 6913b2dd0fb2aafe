"""`agentloop skills`: look after the repository's skills."""

import click

from agentloop.cli import LazyGroup

COMMANDS = {
    "list": ("agentloop.cli.skills.library:list_skills", "List the skills with their descriptions."),
    "show": ("agentloop.cli.skills.library:show", "Show a skill."),
    "search": ("agentloop.cli.skills.search:search", "Find the skills about something."),
    "overlap": ("agentloop.cli.skills.search:overlap", "Find the skills that say much the same."),
    "lint": ("agentloop.cli.skills.lint:lint", "Hold skills against the rules."),
    "usage": ("agentloop.cli.skills.usage:usage", "Say which sessions loaded which skill, and how they ended."),
    "review": ("agentloop.cli.skills.review:review", "Say what becomes of the drafts that wait."),
    "export": ("agentloop.cli.skills.export:export", "Copy skills elsewhere, or make the repository a plugin."),
    "archive": ("agentloop.cli.skills.archive:archive", "Put skills away, and take them back."),
    "link": ("agentloop.cli.skills.link:link", "Link the skills where agents read them."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def skills() -> None:
    """Look after the repository's skills."""
