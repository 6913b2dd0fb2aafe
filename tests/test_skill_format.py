"""SKILL.md in, SKILL.md out, by the letter of the format."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ruamel.yaml import YAML

from agentloop.skills import format as skill_format
from agentloop.skills import frontmatter
from agentloop.skills.format import Skill, SkillFormatError

from .nasty_texts import BODIES, TEXTS, documents

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


READERS: dict[str, Callable[[str], Any]] = {
    "ours": lambda text: frontmatter.read(f"---\n{text}---\n").content,
    "pyyaml safe": yaml.safe_load,
    "pyyaml base": lambda text: yaml.load(text, Loader=yaml.BaseLoader),
    "ruamel safe": lambda text: YAML(typ="safe", pure=True).load(text),
    "ruamel round trip": lambda text: YAML(typ="rt").load(text),
}


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_reads_what_was_meant(reader: str) -> None:
    for written, read in documents():
        assert READERS[reader](written) == read


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_survives_as_text(text: str) -> None:
    again = skill_format.parse(skill_format.render(Skill("a", f"x{text}", "body", license=text, metadata={text: text})))
    assert again == Skill("a", f"x{TEXTS[text]}", "body", license=TEXTS[text], metadata={TEXTS[text]: TEXTS[text]})


@pytest.mark.parametrize("body", BODIES)
def test_any_body_survives(body: str) -> None:
    text = skill_format.render(Skill("a", "b", body))
    assert text.encode("utf-8").decode("utf-8") == text
    assert skill_format.parse(text).body == BODIES[body]
    assert skill_format.render(skill_format.parse(text)) == skill_format.render(Skill("a", "b", BODIES[body]))


def test_keys_that_differ_by_a_control_character_alone_become_one() -> None:
    assert skill_format.parse(
        skill_format.render(Skill("a", "b", "c", metadata={"k\0": "1", "k\1": "2"}))
    ).metadata == {"k ": "2"}


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
