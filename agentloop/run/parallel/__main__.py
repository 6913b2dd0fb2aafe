"""One run of a group, in a process of its own; its events go to stdout.

`-m agentloop.run.parallel TREE GROUP N [WAIT]`: WAIT is the longest wait for a usage limit from now on, in seconds, of
a run that has begun.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from agentloop import events as ev
from agentloop.errors import AgentloopError
from agentloop.repo import Repo
from agentloop.run import groups, supervisor
from agentloop.state import RunState


def main(tree: str, group: str, number: int, max_wait_s: float | None) -> int:
    """Begin the run, or go on with it; what went wrong is a line for people among the events."""
    with Repo(Path(tree)) as repo:
        member = groups.members(repo.common_dir, group).get(number)
        try:
            if member:
                return _exit_code(supervisor.resume(member, repo, _tell, max_wait_s=max_wait_s))
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
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]) if sys.argv[4:] else None))
