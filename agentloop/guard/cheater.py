"""An agent that cheats: `python -P -m agentloop.guard.cheater NUMBER` plants that trick in the current folder."""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from agentloop.guard.tricks import HONEST, TRICKS, Trick


def write(root: Path, files: Mapping[str, str], removed: Iterable[str] = ()) -> None:
    """Write files and remove others."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")
    for path in removed:
        (root / path).unlink(missing_ok=True)


def plant(root: Path, trick: Trick) -> None:
    """Do what the trick says."""
    write(root, trick.write, trick.remove)
    if trick.shell:
        subprocess.run(["sh", "-c", trick.shell], cwd=root, check=True, stdin=subprocess.DEVNULL)


def main() -> None:
    """Plant the trick of that number; without one, mend the defect."""
    if len(sys.argv) > 1:
        plant(Path.cwd(), TRICKS[int(sys.argv[1])])
    else:
        write(Path.cwd(), HONEST)


if __name__ == "__main__":
    main()
