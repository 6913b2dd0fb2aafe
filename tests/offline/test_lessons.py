"""What a session writes down helps the next one; what is not earned is not written."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from agentloop.offline.lessons import fitting, read_lessons
from agentloop.offline.sample import CHECK, make_sample, make_sibling

from . import projects
from .conftest import UNITTEST, ScriptedSupervisor

pytestmark = pytest.mark.usefixtures("unmeasured_children")

Write = Callable[[Mapping[str, str], str], ScriptedSupervisor]
DISTILL = f"Write it down.\n\nDraft folder: `.draft`\n\nCheck: `{CHECK}`\n"


def written_skill(supervisor: ScriptedSupervisor) -> Path:
    supervisor.send(DISTILL)
    return next((supervisor.root / ".draft").glob("*/SKILL.md"))


def split(text: str) -> tuple[dict[str, str], str]:
    _, head, body = text.split("---\n", 2)
    return yaml.safe_load(head), body


@pytest.mark.parametrize("seed", [pytest.param(0, marks=pytest.mark.slow), 2])
@pytest.mark.slow
def test_a_skill_from_one_defect_spares_most_candidates_at_its_sibling(seed: int, tmp_path: Path) -> None:
    make_sample(tmp_path / "first", seed)
    first = ScriptedSupervisor(tmp_path / "first", CHECK, "first")
    turns = first.work_until_it_passes()
    assert len(turns) > 1
    skill = written_skill(first)
    tried = {}
    for name in ("without", "with"):
        make_sibling(tmp_path / name, seed)
        if name == "with":
            target = tmp_path / name / ".agents" / "skills" / skill.parent.name
            target.mkdir(parents=True)
            shutil.copy(skill, target)
        turns = ScriptedSupervisor(tmp_path / name, CHECK, name).work_until_it_passes()
        tried[name] = sum(len(turn.tried) for turn in turns)
    assert tried["with"] * 5 < tried["without"]


@pytest.mark.slow
def test_the_draft_is_a_skill_without_patch_values_or_paths(tmp_path: Path) -> None:
    defect = make_sample(tmp_path / "first", 0)
    supervisor = ScriptedSupervisor(tmp_path / "first", CHECK)
    supervisor.work_until_it_passes()
    skill = written_skill(supervisor)
    text = skill.read_text()
    head, body = split(text)
    assert set(head) == {"name", "description"}
    assert head["name"] == skill.parent.name
    assert "Use when" in head["description"]
    assert len(head["description"]) < 1024
    assert len(body.split()) < 500
    for section in ("When to use", "Steps", "Gotchas", "How to verify", "Limits"):
        assert f"## {section}\n" in body
    assert CHECK in body
    assert defect.right not in text
    assert str(tmp_path) not in text


def test_a_repair_by_the_first_hypothesis_teaches_nothing(repository: Write) -> None:
    sound = projects.TEXTS["texts.py"].replace("upper", "lower")
    files = {
        "flag.py": "def enabled():\n    return False\n",
        "test_flag.py": (
            "import unittest\nfrom flag import enabled\n\n\nclass FlagTest(unittest.TestCase):\n"
            "    def test_it(self):\n        self.assertTrue(enabled())\n"
        ),
    }
    supervisor = repository({"texts.py": sound, **files}, UNITTEST)
    assert sum(len(turn.tried) for turn in supervisor.work_until_it_passes()) == 1
    assert supervisor.send(DISTILL).text.startswith("NO SKILL: ")
    assert not (supervisor.root / ".draft").exists()


def test_a_session_without_a_record_declines(repository: Write) -> None:
    assert repository(projects.TEXTS, UNITTEST).send(DISTILL).text.startswith("NO SKILL: ")


@pytest.mark.slow
def test_findings_are_mended_by_taking_out_what_they_point_at(tmp_path: Path) -> None:
    make_sample(tmp_path / "first", 2)
    supervisor = ScriptedSupervisor(tmp_path / "first", CHECK)
    supervisor.work_until_it_passes()
    skill = written_skill(supervisor)
    lines = skill.read_text().splitlines()
    number = next(index for index, line in enumerate(lines, 1) if line.startswith("- Edits that did not help"))
    turn = supervisor.send(f"Mend:\n\n- error: SKILL.md:{number}: not wanted\n\nDraft folder: `.draft`\n")
    assert "1 of 1 findings" in turn.text
    assert skill.read_text().splitlines() == lines[: number - 1] + lines[number:]


def test_a_draft_folder_outside_of_the_repository_is_refused(repository: Write) -> None:
    turn = repository(projects.TEXTS, UNITTEST).send("Draft folder: `../elsewhere`\n")
    assert turn.code == 1
    assert "not inside of the repository" in turn.events[-1]["message"]


def write_skill(root: Path, name: str, description: str, body: str, folder: str = ".agents/skills") -> None:
    file = root / folder / name / "SKILL.md"
    file.parent.mkdir(parents=True)
    file.write_text(f"---\nname: {name}\ndescription: {description}\n---\n\n{body}\n", encoding="utf-8")


@pytest.mark.slow
def test_a_skill_by_a_person_reorders_the_search(repository: Write) -> None:
    supervisor = repository(projects.MATRIX, UNITTEST)
    without = supervisor.work().tried
    write_skill(
        supervisor.root,
        "rows-and-columns",
        "Rows and columns of a matrix mixed up. Use when transposing gives IndexError.",
        "Suspect mixed-up variables first.",
    )
    supervisor = ScriptedSupervisor(supervisor.root, UNITTEST, "another")
    (supervisor.root / "matrix.py").write_text(projects.MATRIX["matrix.py"])
    turn = supervisor.work()
    assert turn.read == [".agents/skills/rows-and-columns/SKILL.md"]
    assert all(detail.startswith("wrong variable") for detail in turn.tried[:2])
    assert turn.tried != without


def test_a_skill_that_does_not_fit_is_not_followed(repository: Write) -> None:
    supervisor = repository(projects.MATRIX, UNITTEST)
    write_skill(supervisor.root, "invoices", "Sums of invoices. Use when totals differ.", "Suspect a wrong sign.")
    assert supervisor.work().read == []


def test_what_a_skill_warns_of_goes_last_and_what_it_merely_denies_stays(tmp_path: Path) -> None:
    write_skill(
        tmp_path,
        "bounds",
        "Bounds of seasons. Use when the season price is wrong.",
        "Look at the comparison boundary. Integer division did not help. Never try swapped arguments.",
        folder="skills",
    )
    (lesson,) = read_lessons(tmp_path)
    assert lesson.first == ("comparison boundary",)
    assert lesson.last == ("swapped arguments",)
    assert fitting([lesson], "test_price_of_the_season") == [lesson]
    assert fitting([lesson], "test_names_of_rooms") == []


def test_a_broken_skill_does_no_harm(tmp_path: Path) -> None:
    write_skill(tmp_path, "broken", "[unclosed", "Suspect a missing guard.")
    (tmp_path / ".agents/skills/binary").mkdir()
    (tmp_path / ".agents/skills/binary/SKILL.md").write_bytes(b"\xff\xfe\x00")
    assert [lesson.name for lesson in read_lessons(tmp_path)] == ["broken"]
