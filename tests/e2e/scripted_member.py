"""ScriptedMember: a scripted agent of which several run side by side, each in a worktree; whoever comes first is 1.

    python scripted_member.py FOLDER [--session ID]     (the prompt on stdin)

FOLDER holds the scripts 1.json, 2.json, ... as scripted_agent.py reads them.
"""

import os
import sys
from pathlib import Path


def number_of(folder: Path, tree: str) -> int:
    for number in range(1, 100):
        claim = folder / f"{number}.tree"
        try:
            with claim.open("x") as file:
                file.write(tree)
            return number
        except FileExistsError:
            if claim.read_text() == tree:
                return number
    raise SystemExit("too many")


if __name__ == "__main__":
    where = Path(sys.argv[1])
    mine = where / f"{number_of(where, str(Path.cwd()))}.json"
    os.execv(
        sys.executable, [sys.executable, str(Path(__file__).with_name("scripted_agent.py")), str(mine), *sys.argv[2:]]
    )
