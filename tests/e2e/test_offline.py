"""The embedded agent in the whole job: nothing canned, never a false success."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import skills_ref

from agentloop.skills import findings

from .conftest import git

pytestmark = pytest.mark.usefixtures("unmeasured_children")
BUGGY = {
    "inventory.py": '''"""Stock."""


def reorder(stock: dict[str, int], minimum: int) -> list[str]:
    """Names of the goods at or below the minimum."""
    return sorted(name for name, count in stock.items() if count < minimum)


def total(stock: dict[str, int]) -> int:
    """All pieces."""
    return sum(stock.values())
''',
    "test_inventory.py": """from inventory import reorder, total

STOCK = {"nut": 3, "bolt": 5, "cog": 8}


def test_reorder_names_what_is_low():
    assert reorder(STOCK, 4) == ["nut"]


def test_reorder_includes_the_minimum():
    assert reorder(STOCK, 5) == ["bolt", "nut"]


def test_total():
    assert total(STOCK) == 16
""",
    "ranges.py": '''"""Page ranges."""


def pages(first: int, last: int) -> list[int]:
    """All pages from the first to the last."""
    return list(range(first, last))


def overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """They share a page."""
    return one[0] <= other[1] and other[0] <= one[1]
''',
    "test_ranges.py": """from ranges import overlap, pages


def test_pages_has_both_ends():
    assert pages(2, 4) == [2, 3, 4]


def test_overlap():
    assert overlap((1, 3), (3, 5))
    assert not overlap((1, 2), (3, 4))
""",
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Two modules with a defect each, and tests that say so."""
    folder = tmp_path / "buggy"
    folder.mkdir()
    for name, text in BUGGY.items():
        (folder / name).write_text(text)
    (folder / ".gitignore").write_text("__pycache__/\n.pytest_cache/\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "Begin")
    return folder


def agentloop(repo: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agentloop", *args]
    return subprocess.run(command, cwd=repo, capture_output=True, text=True, timeout=220, check=False)


@pytest.mark.slow
def test_it_repairs_a_repository_that_it_does_not_know(repo: Path) -> None:
    check = f"{sys.executable} -m pytest -q passes"
    limits = ["--max-attempts", "12", "--stuck-after", "12"]
    done = agentloop(repo, "run", "--json", "--until", check, "--agent", "offline", *limits, "Mend it")
    result = json.loads(done.stdout)
    honest = subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=repo, capture_output=True, check=False)
    assert (result["outcome"] == "reached") == (honest.returncode == 0)
    assert done.returncode == 0, done.stderr
    assert not [path for path in git(repo, "diff", "--name-only").split() if path.startswith("test_")]


@pytest.mark.slow
def test_what_it_cannot_repair_ends_honestly(repo: Path) -> None:
    (repo / "test_impossible.py").write_text(
        "from inventory import total\n\n\ndef test_impossible():\n    assert total({'a': 1}) == 'a poem'\n"
    )
    check = f"{sys.executable} -m pytest -q passes"
    done = agentloop(repo, "run", "--until", check, "--agent", "offline", "--max-attempts", "1", "Mend it")
    assert done.returncode == 1
    assert "not reached" in done.stdout
    assert "last words" in done.stdout


def test_the_demonstration_ends_with_a_valid_skill_that_helps(tmp_path: Path) -> None:
    """The main job, the committed skill, and a sibling defect that takes fewer attempts with the skill."""
    folder = tmp_path / "demo"
    done = agentloop(tmp_path, "demo", "--folder", str(folder))
    assert done.returncode == 0, done.stderr
    skill = next((folder / "project" / "skills").iterdir())
    assert skills_ref.validate(skill) == []
    assert [str(finding) for finding in findings.find(skill) if finding.severity == "error"] == []
    subject = git(folder / "project", "log", "--format=%s", "--diff-filter=A", "--", f"skills/{skill.name}/SKILL.md")
    assert subject.strip() == f"Add skill {skill.name}"
    rows = {line[:28].strip(): line[28:].split() for line in done.stdout.splitlines() if line.startswith("sibling")}
    without, learned = rows["sibling, without the skill"], rows["sibling, with the skill"]
    assert learned[0] == "yes"
    assert int(learned[2]) < int(without[2])
