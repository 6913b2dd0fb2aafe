"""The agents by name, and a session from a job: a known agent, a known agent's own command line, or any command."""

import difflib
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from agentloop.agents.headless import HeadlessSession
from agentloop.agents.session import Session
from agentloop.agents.spec import Adapter, Stream, read
from agentloop.config import user_folder
from agentloop.errors import AgentUnusableError, UsageError
from agentloop.events import Counters, Job


def names() -> list[str]:
    """The names of the agents, ours and the user's."""
    return sorted({path.stem for folder in _folders() if folder.is_dir() for path in folder.glob("*.toml")})


def load(name: str) -> Adapter:
    """Read an agent's adapter; one in the user's folder stands before ours.

    Raises:
        UsageError: there is none of that name; says the near one.
        AdapterError: the file is wrong.
    """
    for folder in _folders():
        path = folder / f"{name}.toml"
        if re.fullmatch(r"[\w.-]+", name) and path.is_file():
            return read(path)
    near = difflib.get_close_matches(name, names(), n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(names())}; any other command goes after --"
    raise UsageError(f"there is no agent {name!r}", hint=hint)


def for_program(program: str) -> Adapter | None:
    """The agent that is known by a program's name; None for an unknown one."""
    wanted = Path(program).name
    for name in names():
        adapter = load(name)
        if wanted in adapter.programs:
            return adapter
    return None


def installed(adapter: Adapter) -> bool:
    """The agent's program is there."""
    return shutil.which(_program(adapter)) is not None


def first_installed() -> str:
    """The first of the agents with a model that is installed.

    Raises:
        UsageError: there is none.
    """
    for name in names():
        adapter = load(name)
        if "{python}" not in adapter.programs and installed(adapter):
            return name
    raise UsageError(
        "no agent was named, and none that is known is installed",
        hint=f"name one: --agent {'|'.join(names())}, or give its command after --",
    )


def open_session(
    job: Job, run: str, *, cwd: Path, session: str | None = None, counters: Counters | None = None
) -> Session:
    """Make the session that a job asks for; nothing is run yet.

    Args:
        job: names the agent or its command line.
        run: the run's id.
        cwd: the working tree.
        session: the session to return to.
        counters: its totals so far.

    Raises:
        AgentUnusableError: the program is not installed; says how to install it.
        UsageError: the agent is unknown, or its command line holds what only agentloop can set.
    """
    extra: tuple[str, ...] = ()
    known = for_program(job.program[0]) if job.program else load(job.agent)
    if known is None:
        adapter, program = _generic(job), job.program[0]
    elif job.program:
        adapter, program, extra = known, job.program[0], _extra(known, job.program[1:])
    else:
        adapter, program = known, _program(known)
    found = shutil.which(program) or (str(cwd / program) if "/" in program and (cwd / program).is_file() else None)
    if found is None:
        title = adapter.title or adapter.name
        hint = f"install it: {adapter.install}" if adapter.install else "name an installed program after --"
        raise AgentUnusableError(f"{title} is not installed: {program!r} is not on PATH", hint=hint)
    return HeadlessSession(adapter, program, extra, run, cwd, session, counters or Counters())


def _folders() -> list[Path]:
    return [user_folder() / "agents", Path(str(resources.files(__package__)))]


def _program(adapter: Adapter) -> str:
    return adapter.programs[0].replace("{python}", sys.executable) if adapter.programs else adapter.name


def _extra(adapter: Adapter, words: Sequence[str]) -> tuple[str, ...]:
    for word in words:
        if word.partition("=")[0] in adapter.refused:
            raise UsageError(
                f"{word!r} cannot be given to {adapter.title}: agentloop sets it itself",
                hint="leave it out; agentloop keeps the session",
            )
    return tuple(word for word in words if word not in adapter.dropped)


def _generic(job: Job) -> Adapter:
    """An adapter for a command that nobody described."""
    start = job.program
    try:
        resume = tuple(shlex.split(job.resume_with))
        if job.session_from:
            re.compile(job.session_from)
    except (ValueError, re.error) as error:
        raise UsageError(f"--resume-with or --session-from cannot be read: {error}") from error
    if "{session}" in job.resume_with and not job.session_from:
        raise UsageError(
            "--resume-with wants a {session}, and nothing says where it comes from",
            hint=r"add for example: --session-from 'session: (\S+)'",
        )
    text = " ".join(start)
    prompt = "argv" if "{prompt}" in text else "file" if "{prompt_file}" in text else "stdin"
    return Adapter.model_validate(
        {
            "name": job.agent,
            "start": start,
            "resume": resume,
            "prompt": prompt,
            "session": "reported" if job.session_from else "none",
            "stream": Stream(session_pattern=job.session_from),
        }
    )
