"""The agents by name: what is known of each, and which are installed."""

import difflib
import shutil
from pathlib import Path

from agentloop.agents.adapter_file import mentions, read
from agentloop.agents.sources import source, sources
from agentloop.agents.spec import Adapter
from agentloop.errors import AdapterError, UsageError


def names() -> list[str]:
    """The names of the agents, ours, the user's, and those of installed packages."""
    return [*sources()]


def load(name: str) -> Adapter:
    """Read an agent's adapter; one in the user's folder stands before ours, and ours before a package's.

    Raises:
        UsageError: there is none of that name; says the near one.
        AdapterError: the file is wrong.
    """
    found = source(name)
    if found:
        return read(found.path)
    near = difflib.get_close_matches(name, names(), n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(names())}; any other command goes after --"
    raise UsageError(f"there is no agent {name!r}", hint=hint)


def load_all(program: str = "") -> tuple[dict[str, Adapter], dict[str, AdapterError]]:
    """Read every adapter.

    Args:
        program: leave out the agents that cannot be this program, by their name and their file's words.

    Returns:
        By name, those that can be read, and what is wrong with the others.
    """
    adapters: dict[str, Adapter] = {}
    problems: dict[str, AdapterError] = {}
    for name, found in sources().items():
        if name != program and not mentions(found.path, program):
            continue
        try:
            adapters[name] = read(found.path)
        except AdapterError as error:
            problems[name] = error
    return adapters, problems


def not_read() -> list[AdapterError]:
    """What is wrong with the adapters that the user or an installed package brought; ours are as they were tested."""
    found = []
    for brought in sources().values():
        try:
            if brought.origin != "agentloop":
                read(brought.path)
        except AdapterError as error:
            found.append(error)
    return found


def skill_folders() -> list[tuple[str, ...]]:
    """For each agent, the folders of a project that it reads skills from; an agent whose file is wrong has none."""
    return [adapter.skills for adapter in load_all()[0].values()]


def for_program(program: str) -> Adapter | None:
    """The agent that is known by a program's name; None for an unknown one.

    Raises:
        AdapterError: the file of that name is wrong; another agent's wrong file is passed over.
    """
    wanted = Path(program).name
    adapters, problems = load_all(wanted)
    if wanted in problems:
        raise problems[wanted]
    return next((adapter for adapter in adapters.values() if wanted in (adapter.programs or (adapter.name,))), None)


def installed(adapter: Adapter) -> bool:
    """The agent's program is there."""
    return shutil.which(adapter.program) is not None


def first_installed() -> str:
    """The first of the agents with a model that is installed.

    Raises:
        UsageError: there is none.
    """
    for name, adapter in load_all()[0].items():
        if "{python}" not in adapter.programs and installed(adapter):
            return name
    raise UsageError(
        "no agent was named, and none that is known is installed",
        hint=f"name one: --agent {'|'.join(names())}, or give its command after --",
    )
