"""What linting costs, beside the format's own reference validator on the same skills.

    make bench

The reference looks at the frontmatter alone; ours reads the whole text, and every file.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import skills_ref

from agentloop.skills.findings import find
from agentloop.skills.format import Skill, render

SKILLS = 300
ROUNDS = 5
_TEXT = """
run the tests before you change a parser since its error says which word was read last and where the grammar comes from
when a build fails with a missing header install the package of that name and clear the cache first check that the
version in the lock file is the one which the module was built for or its symbols are not found never edit generated
files change their template and run make again then look at the difference line by line
"""
_WORDS = _TEXT.split()
_CODE = "```sh\nmake build && ./run --check tests/data\ngrep -rn 'unknown token' src | head\n```"


def write_skills(root: Path) -> list[Path]:
    """Skills as agentloop writes them: some 450 words, code, a list, and the metadata of a run."""
    draw = random.Random(1)
    folders = []
    for number in range(SKILLS):
        name = f"mend-part-{number}"
        paragraphs = [" ".join(draw.choices(_WORDS, k=60)).capitalize() + "." for _ in range(6)]
        steps = "\n".join(f"{step}. {' '.join(draw.choices(_WORDS, k=9)).capitalize()}." for step in range(1, 9))
        body = "\n\n".join([f"# Mend part {number}", *paragraphs[:3], _CODE, "## Steps", steps, *paragraphs[3:]])
        description = f"{' '.join(draw.choices(_WORDS, k=20))}. Use when the build says 'unknown token {number}'."
        metadata = {
            "agentloop-run": f"20260101-{number:06}",
            "agentloop-agent": "claude 2.1",
            "agentloop-until": "make test passes; ruff check . passes",
            "agentloop-base": f"{number:040x}",
            "agentloop-attempts": "3",
            "agentloop-status": "provisional",
        }
        (root / name).mkdir(parents=True)
        (root / name / "SKILL.md").write_text(render(Skill(name, description, body, "MIT", metadata=metadata)))
        folders.append(root / name)
    return folders


def measure(folder: Path, env: dict[str, str]) -> None:
    """Both in one process, and both as the commands that people type."""
    folders = write_skills(folder / "skills-to-lint")
    wrong = [finding for each in folders for finding in find(each) if finding.severity == "error"]
    if wrong or any(skills_ref.validate(each) for each in folders):
        raise SystemExit(f"the skills of the benchmark are wrong: {wrong[:3]}")
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(_seconds(skills_ref.validate, folders))
        ours.append(_seconds(find, folders))
    _print("in one process", statistics.median(ours), statistics.median(theirs), "")
    programs = Path(sys.executable).parent
    began = time.perf_counter()
    _run([str(programs / "agentloop"), "skills", "lint", str(folder / "skills-to-lint")], env)
    linted = time.perf_counter() - began
    few = folders[:: SKILLS // 10]  # the reference takes one skill a time
    began = time.perf_counter()
    for each in few:
        _run([str(programs / "agentskills"), "validate", str(each)], env)
    _print("as commands", linted, (time.perf_counter() - began) * SKILLS / len(few), " (wanted: at least 20)")


def _seconds(look: Callable[[Path], object], folders: list[Path]) -> float:
    began = time.perf_counter()
    for folder in folders:
        look(folder)
    return time.perf_counter() - began


def _run(argv: list[str], env: dict[str, str]) -> None:
    done = subprocess.run(argv, env={**os.environ, **env}, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemExit(f"{argv[0]} exited {done.returncode}")


def _print(how: str, ours_s: float, theirs_s: float, wanted: str) -> None:
    print(
        f"lint of {SKILLS} skills {how}: agentloop {ours_s * 1000:.0f} ms, skills-ref {theirs_s * 1000:.0f} ms, "
        f"ratio {theirs_s / ours_s:.1f}{wanted}"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="agentloop-bench-") as name:
        measure(Path(name), {"HOME": name})
