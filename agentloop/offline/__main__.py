"""The program: `python -m agentloop.offline --session ID` (or `--resume ID`), prompt on stdin, JSON lines on stdout."""

import argparse
import sys
from pathlib import Path

from agentloop.errors import UsageError
from agentloop.interrupts import noted
from agentloop.jsonlines import emit, exit_code_of
from agentloop.offline import distilling
from agentloop.offline.repair import Repair
from agentloop.offline.runners import check_commands
from agentloop.offline.session import Session, open_session


def main() -> int:
    """Do one turn; returns the exit code."""
    parser = argparse.ArgumentParser(prog="agentloop.offline", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--session", metavar="ID", help="start this session")
    which.add_argument("--resume", metavar="ID", help="go on with this session")
    arguments = parser.parse_args()
    return exit_code_of(lambda: _turn(arguments.resume or arguments.session, resume=bool(arguments.resume)))


def _turn(name: str, *, resume: bool) -> int:
    session = open_session(name, resume=resume)
    emit("session", id=session.id)
    prompt = sys.stdin.read()
    with noted():
        emit("done", text=turn(session, prompt, Path.cwd().resolve()))
    return 0


def turn(session: Session, prompt: str, root: Path) -> str:
    """Do what the prompt asks, by its labelled lines; returns the final words."""
    put_back = session.recover(root)
    if put_back:
        emit("text", text=f"Put back as it was: {', '.join(put_back)}; the last turn was killed in a trial.")
    folder = distilling.draft_folder(prompt, root)
    text = _draft(session, prompt, folder, root) if folder else _work(session, prompt, root)
    emit("text", text=text)
    return text


def _work(session: Session, prompt: str, root: Path) -> str:
    session.checks = check_commands(prompt) or session.checks
    if not session.checks:
        raise UsageError("the prompt names no check", hint="it needs a line: Check: `COMMAND`")
    return Repair(root, session, emit).work()


def _draft(session: Session, prompt: str, folder: Path, root: Path) -> str:
    session.checks = session.checks or check_commands(prompt)
    existing = sorted(folder.glob("*/SKILL.md"))
    if existing:
        findings, addressed = distilling.repair_draft(prompt, existing[0])
        emit("tool", name="edit", detail=existing[0].relative_to(root).as_posix())
        return f"Took out what the findings point at: {addressed} of {findings} findings led to a change."
    reason = distilling.reason_to_decline(session)
    if reason:
        return f"NO SKILL: {reason}"
    file = distilling.write_draft(session, folder)
    emit("tool", name="edit", detail=file.relative_to(root).as_posix())
    return f"Wrote the skill {file.parent.name} from this session's own record."


if __name__ == "__main__":
    sys.exit(main())
