"""A session from a job: of a known agent, of a known agent's own command line, or of any command."""

import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from agentloop.agents import commandline, registry, versions
from agentloop.agents.headless import HeadlessSession
from agentloop.agents.placeholders import misspelt
from agentloop.agents.session import Session
from agentloop.agents.spec import Acp, Adapter
from agentloop.agents.stream_spec import Patterns, Stream
from agentloop.agents.terminal_spec import Terminal
from agentloop.errors import AdapterError, AgentUnusableError, CannotStartError, UsageError
from agentloop.events import Counters
from agentloop.job import Driver, Job
from agentloop.process import child_environment, run_program

_VERSION_TIMEOUT_S = 60.0
_MAX_VERSION_BYTES = 4096


def adapter_of(job: Job) -> Adapter:
    """The agent of a job, known or not.

    Raises:
        AdapterError, UsageError: there is none of that name, or it cannot be read.
    """
    return _driven(job)[0]


def _driven(job: Job) -> tuple[Adapter, Driver]:
    """The agent of a job, and how it is driven: as the job says, else headless where the adapter knows how."""
    known = registry.for_program(job.program[0]) if job.program else registry.load(job.agent)
    if known and known.acp is None and job.driver == "acp" and job.program:
        known = None  # what stands after -- is the command of its ACP agent, then
    adapter = known or _generic(job)
    driver = job.driver or adapter.driver
    return (_in_terminal(adapter) if driver == "terminal" else adapter), driver


def caps_turns(job: Job) -> bool:
    """A job's agent is told with each turn what that may cost."""
    adapter, driver = _driven(job)
    return bool(adapter.max_cost) and driver == "headless"


def _in_terminal(adapter: Adapter) -> Adapter:
    if adapter.terminal is None:
        raise UsageError(
            f"nobody has said how {adapter.called} is driven in a terminal",
            hint=f"leave out --driver, or give {adapter.name}.toml a [terminal] part (docs/adapters.md)",
        )
    if any("{prompt" in word for word in adapter.terminal.start):
        raise UsageError("in a terminal the prompt is typed: it has no place in the command", hint="leave {prompt} out")
    return adapter.in_terminal(adapter.terminal)


def version(job: Job, run: str) -> str:
    """Ask a job's agent for its version; empty for one that is not described (any more), or does not say."""
    try:
        adapter = adapter_of(job)
    except (AdapterError, UsageError):
        return ""
    program = job.program[0] if job.program else adapter.program
    argv = [word.replace("{program}", program) for word in adapter.version]
    if not argv:
        return ""
    printed = bytearray()

    def keep(chunk: bytes) -> None:
        printed.extend(chunk[: max(0, _MAX_VERSION_BYTES - len(printed))])

    try:
        exited = run_program(
            argv,
            cwd=Path(job.worktree),
            env=child_environment(run),
            timeout_s=_VERSION_TIMEOUT_S,
            on_stdout=keep,
        )
    except CannotStartError:
        return ""
    return versions.find(printed.decode("utf-8", "replace")) if exited.code == 0 else ""


def open_session(
    job: Job,
    run: str,
    *,
    cwd: Path,
    session: str | None = None,
    begun: bool = False,
    counters: Counters | None = None,
    drafting: bool = False,
    max_cost_usd: float | None = None,
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
        max_cost_usd: what is left of the run's money, for an agent that is started anew for each turn and can be told;
            None for no limit.

    Raises:
        AgentUnusableError: the program is not installed; says how to install it.
        UsageError: the agent is unknown, or its command line holds what only agentloop can set.
    """
    adapter, driver = _driven(job)
    program = job.program[0] if job.program else adapter.program
    typed = job.program[1:]
    words = commandline.carried_over(adapter, typed) if job.by_hand else typed
    found = shutil.which(program) or (str(cwd / program) if "/" in program and (cwd / program).is_file() else None)
    if found is None:
        hint = f"install it: {adapter.install}" if adapter.install else "name an installed program after --"
        raise AgentUnusableError(f"{adapter.called} is not installed: {program!r} is not on PATH", hint=hint)
    counters = counters or Counters()
    words = (*(adapter.drafting if drafting else ()), *words)
    if driver == "acp":
        return _acp_session(adapter, job, program, words, run, cwd, session, counters)
    cap_usd = max_cost_usd if driver == "headless" else None
    passed = commandline.passed_on(adapter, words, permissions=job.permissions, model=job.model, max_cost_usd=cap_usd)
    told = (adapter, program, passed.words, run, cwd, session, counters, begun, passed.environment)
    if driver == "terminal":
        from agentloop.agents.terminal.session import TerminalSession

        return TerminalSession(*told)
    return HeadlessSession(*told)


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


def _generic(job: Job) -> Adapter:
    """An adapter for a command that nobody described."""
    start = job.program
    try:
        resume = tuple(shlex.split(job.resume_with))
        if job.session_from:
            re.compile(job.session_from)
    except (ValueError, re.error) as error:
        raise UsageError(f"--resume-with or --session-from cannot be read: {error}") from error
    wrong = misspelt([*start, *resume])
    if wrong:
        raise UsageError(wrong[0], hint=wrong[1])
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
            "terminal": Terminal(start=start, resume=resume, patterns=Patterns(session=job.session_from)),
            "acp": Acp(command=start),
        }
    )
