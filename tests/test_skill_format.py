"""SKILL.md in, SKILL.md out, by the letter of the format."""

import pytest
import yaml

from agentloop.skills import format as skill_format
from agentloop.skills.format import Skill, SkillFormatError

GOOD = '---\nname: a-skill\ndescription: "What. Use when: x # y"\n---\n\n# Title\n\nText.\n'


def test_it_reads_what_it_writes() -> None:
    skill = Skill(
        name="a-skill",
        description='It says: "no" # and more, on 3.10',
        body="# Title\n\n---\n\ntext ---",
        license="MIT",
        compatibility="Python 3.11",
        metadata={"agentloop-run": "1", "yes": "no", "a: b": "'"},
        allowed_tools="Bash(git:*) Read",
    )
    text = skill_format.render(skill)
    assert skill_format.parse(text) == skill
    assert yaml.safe_load(text.split("---\n")[1])["metadata"]["yes"] == "no"


@pytest.mark.parametrize(
    "value", ["yes", "3.10", "null", "~", "2026-01-01", "[x", "{x", "- x", "a: b", "x # y", "'", '"', "é\u2028x"]
)
def test_any_text_survives_as_text(value: str) -> None:
    again = skill_format.parse(skill_format.render(Skill("a", value, "body")))
    assert again.description == value.replace("\u2028", " ")


def test_scalars_stay_texts_as_agents_read_them() -> None:
    skill = skill_format.parse("---\nname: yes\ndescription: 3.10\n---\nbody\n")
    assert (skill.name, skill.description) == ("yes", "3.10")


def test_windows_line_ends_and_a_byte_order_mark_are_read() -> None:
    assert skill_format.parse("\ufeff" + GOOD.replace("\n", "\r\n")).name == "a-skill"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# no frontmatter\n", "there is no frontmatter"),
        ("---\nname: a\n", "not closed"),
        ("---\nname: a: b\n---\n", "YAML"),
        ("---\n- name\n---\n", "no mapping"),
        ("---\nname: a\nname: b\ndescription: c\n---\n", "stands twice"),
        ("---\nname: a\ndescription: &x c\nlicense: *x\n---\n", "aliases"),
        ("---\nname: a\n---\nbody", "description is missing"),
        ("---\nname: a\ndescription: ' '\n---\nbody", "description is missing"),
        ("---\nname: a\ndescription: b\nauthor: c\n---\n", "'author' is not in the format"),
        ("---\nname: a\ndescription: b\nmetadata: c\n---\n", "metadata is no map"),
        ("---\nname: a\ndescription: b\nmetadata:\n  x: [1]\n---\n", "metadata is no map of texts"),
        ("---\nname: a\ndescription: " + "x" * 17000 + "\n---\n", "longer than 16 KB"),
        ("---\nname: a\ndescription: " + "[" * 60 + "]" * 60 + "\n---\n", "deeply nested"),
        ("---\nname: !!python/object/apply:os.system [x]\ndescription: b\n---\n", "YAML"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str) -> None:
    with pytest.raises(SkillFormatError, match=words):
        skill_format.parse(text)


def test_the_line_of_a_mistake_is_the_files() -> None:
    with pytest.raises(SkillFormatError) as caught:
        skill_format.parse("---\nname: a\ndescription: b: c\n---\n")
    assert caught.value.line == 3
