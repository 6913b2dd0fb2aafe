"""The agents by name, and a session from a job: a known agent, a known agent's own command line, or any command."""

import difflib
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from agentloop.agents import commandline
from agentloop.agents.headless import HeadlessSession
from agentloop.agents.session import Session
from agentloop.agents.spec import Acp, Adapter, read
from agentloop.agents.stream_spec import Patterns, Stream
from agentloop.config import user_folder
from agentloop.errors import AdapterError, AgentUnusableError, CannotStartError, UsageError
from agentloop.events import Counters
from agentloop.job import Job
from agentloop.process import child_environment, run_program

_VERSION = re.compile(r"\d+\.\d+(?:[.+-]?\w)*")
_VERSION_TIMEOUT_S = 60.0
_MAX_VERSION_BYTES = 4096
_PLACEHOLDERS = (
    *("prompt", "prompt_file", "result_file", "result_folder", "session", "session_file"),
    *("program", "python", "extra", "cwd"),
)


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


def load_all() -> tuple[dict[str, Adapter], dict[str, AdapterError]]:
    """Read every adapter.

    Returns:
        By name, those that can be read, and what is wrong with the others.
    """
    adapters: dict[str, Adapter] = {}
    problems: dict[str, AdapterError] = {}
    for name in names():
        try:
            adapters[name] = load(name)
        except AdapterError as error:
            problems[name] = error
    return adapters, problems


def skill_folders() -> list[tuple[str, ...]]:
    """For each agent, the folders of a project that it reads skills from; an agent whose file is wrong has none."""
    return [adapter.skills for adapter in load_all()[0].values()]


def for_program(program: str) -> Adapter | None:
    """The agent that is known by a program's name; None for an unknown one.

    Raises:
        AdapterError: the file of that name is wrong; another agent's wrong file is passed over.
    """
    wanted = Path(program).name
    adapters, problems = load_all()
    if wanted in problems:
        raise problems[wanted]
    return next((adapter for adapter in adapters.values() if wanted in adapter.programs), None)


def installed(adapter: Adapter) -> bool:
    """The agent's program is there."""
    return shutil.which(_program(adapter)) is not None


def adapter_of(job: Job) -> Adapter:
    """The agent of a job, known or not.

    Raises:
        AdapterError, UsageError: there is none of that name, or it cannot be read.
    """
    known = for_program(job.program[0]) if job.program else load(job.agent)
    if known and known.acp is None and job.driver == "acp" and job.program:
        known = None  # what stands after -- is the command of its ACP agent, then
    return known or _generic(job)


def version(job: Job, run: str) -> str:
    """Ask a job's agent for its version; empty for one that is not described (any more), or does not say."""
    try:
        adapter = adapter_of(job)
    except (AdapterError, UsageError):
        return ""
    program = job.program[0] if job.program else _program(adapter)
    argv = [word.replace("{program}", program) for word in adapter.version]
    if not argv:
        return ""
    printed = bytearray()
    try:
        exited = run_program(
            argv,
            cwd=Path(job.worktree),
            env=child_environment(run),
            timeout_s=_VERSION_TIMEOUT_S,
            on_stdout=printed.extend,
        )
    except CannotStartError:
        return ""
    match = _VERSION.search(printed[:_MAX_VERSION_BYTES].decode("utf-8", "replace"))
    return match[0] if match and exited.code == 0 else ""


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


def open_session(
    job: Job,
    run: str,
    *,
    cwd: Path,
    session: str | None = None,
    begun: bool = False,
    counters: Counters | None = None,
    drafting: bool = False,
) -> Session:
    """Make the session that a job asks for; nothing is run yet.

    Args:
        job: names the agent or its command line.
        run: the run's id.
        cwd: the working tree.
        session: the session to return to.
        begun: there is one to return to, perhaps without a name.
        counters: its totals so far.
        drafting: its turns are about a skill.

    Raises:
        AgentUnusableError: the program is not installed; says how to install it.
        UsageError: the agent is unknown, or its command line holds what only agentloop can set.
    """
    adapter = adapter_of(job)
    program = job.program[0] if job.program else _program(adapter)
    typed = job.program[1:]
    words = commandline.carried_over(adapter, typed) if job.by_hand else typed
    found = shutil.which(program) or (str(cwd / program) if "/" in program and (cwd / program).is_file() else None)
    if found is None:
        hint = f"install it: {adapter.install}" if adapter.install else "name an installed program after --"
        raise AgentUnusableError(f"{adapter.called} is not installed: {program!r} is not on PATH", hint=hint)
    counters = counters or Counters()
    words = (*(adapter.drafting if drafting else ()), *words)
    if (job.driver or adapter.driver) == "acp":
        return _acp_session(adapter, job, program, words, run, cwd, session, counters)
    passed = commandline.passed_on(
        adapter, words, permissions=job.permissions, model=job.model, max_cost_usd=job.limits.max_cost_usd
    )
    return HeadlessSession(adapter, program, passed.words, run, cwd, session, counters, begun, passed.environment)


def _acp_session(
    adapter: Adapter,
    job: Job,
    program: str,
    words: Sequence[str],
    run: str,
    cwd: Path,
    session: str | None,
    counters: Counters,
) -> Session:
    if adapter.acp is None:
        raise UsageError(
            f"{adapter.called} is not known to speak ACP",
            hint="give the command of an agent that does after --, or leave out --driver acp",
        )
    from agentloop.agents.acp.session import AcpSession

    mode = job.permissions or "edit"
    by_words = bool(adapter.model) and "{extra}" in adapter.acp.command
    spoken = adapter.model_copy(update={"permissions": adapter.permissions.by_session_mode()})
    passed = commandline.passed_on(spoken, words, permissions=mode, model=job.model if by_words else "")
    return AcpSession(
        adapter=adapter,
        acp=adapter.acp,
        program=program,
        extra=passed.words,
        run=run,
        cwd=cwd,
        id=session,
        counters=counters,
        environment=passed.environment,
        permissions=mode,
        mode=passed.acp_mode,
        model="" if by_words else job.model,
    )


def _folders() -> list[Path]:
    return [user_folder() / "agents", Path(str(resources.files(__package__)))]


def _program(adapter: Adapter) -> str:
    return adapter.programs[0].replace("{python}", sys.executable) if adapter.programs else adapter.name


def _generic(job: Job) -> Adapter:
    """An adapter for a command that nobody described."""
    start = job.program
    try:
        resume = tuple(shlex.split(job.resume_with))
        if job.session_from:
            re.compile(job.session_from)
    except (ValueError, re.error) as error:
        raise UsageError(f"--resume-with or --session-from cannot be read: {error}") from error
    _refuse_misspelt([*start, *resume])
    if job.session_from and not resume:
        raise UsageError("--session-from is of no use without --resume-with", hint="say how the session is returned to")
    if resume and "/" not in resume[0] and shutil.which(resume[0]) is None:
        raise AgentUnusableError(f"--resume-with: {resume[0]!r} is not on PATH", hint="name an installed program")
    if "{session}" in job.resume_with and not job.session_from:
        raise UsageError(
            "--resume-with wants a {session}, and nothing says where it comes from",
            hint=r"add for example: --session-from 'session: (\S+)'",
        )
    return Adapter.model_validate(
        {
            "name": job.agent,
            "start": start,
            "resume": resume,
            "session": "reported" if job.session_from else "none",
            "stream": Stream(patterns=Patterns(session=job.session_from)),
            "acp": Acp(command=start),
        }
    )


def _refuse_misspelt(words: Sequence[str]) -> None:
    for name in re.findall(r"\{(\w+)\}", " ".join(words)):
        near = difflib.get_close_matches(name, _PLACEHOLDERS, n=1, cutoff=0.7)
        if near and name not in _PLACEHOLDERS:
            raise UsageError(f"nothing is known by {{{name}}}", hint=f"did you mean {{{near[0]}}}?")
