"""One run of a group, in a process of its own; its events go to stdout: `-m agentloop.run.parallel TREE GROUP N`."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from agentloop import events as ev
from agentloop.errors import AgentloopError
from agentloop.repo import Repo
from agentloop.run import groups, supervisor
from agentloop.state import RunState


def main(tree: str, group: str, number: int) -> int:
    """Begin the run, or go on with it; what went wrong is a line for people among the events."""
    with Repo(Path(tree)) as repo:
        member = groups.members(repo.common_dir, group).get(number)
        try:
            if member:
                return _exit_code(supervisor.resume(member, repo, _tell))
            job = groups.job_of(repo.common_dir, group).model_copy(update={"member": number})
            return _exit_code(supervisor.start(job, repo, _tell))
        except AgentloopError as error:
            _print(error.explained)
            return error.exit_code


def _tell(event: ev.Event) -> None:
    _print(event.model_dump_json())


def _print(line: str) -> None:
    with suppress(OSError):  # whoever started us may be dead, and the run still has to come to an orderly end
        os.write(1, f"{line}\n".encode(errors="replace"))


def _exit_code(state: RunState) -> int:
    return state.ended.exit_code if state.ended else 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
