"""Skills of others are read as leniently as agents read them, and hostile ones neither crash nor stall."""

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentloop.skills import findings, frontmatter, reading
from agentloop.skills import format as skill_format
from agentloop.skills.format import SkillFormatError
from agentloop.skills.reading import Loaded, load


def written(tmp_path: Path, head: str, body: str = "# Title\n\nWhat to do.\n", name: str = "a-skill") -> Path:
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    (folder / "SKILL.md").write_text(f"---\n{head}\n---\n{body}", encoding="utf-8", newline="")
    return folder


def read(tmp_path: Path, head: str, **kwargs: str) -> Loaded:
    return load(written(tmp_path, head, **kwargs))


def test_a_skill_by_the_letter_is_read_without_a_warning(tmp_path: Path) -> None:
    loaded = read(tmp_path, 'name: a-skill\ndescription: "What. Use when: x"\nmetadata:\n  by: me')
    assert loaded.warnings == ()
    assert (loaded.skill.name, loaded.skill.description) == ("a-skill", "What. Use when: x")
    assert loaded.skill.metadata == {"by": "me"}
    assert loaded.skill.body == "# Title\n\nWhat to do."


@pytest.mark.parametrize(
    ("description", "meant"),
    [
        ("Deploy: the app. Use when: it fails", "Deploy: the app. Use when: it fails"),
        ("**bold** start", "**bold** start"),
        ("`make` fails", "`make` fails"),
        ("@scope/package", "@scope/package"),
        ("%d of them", "%d of them"),
        ('"Quoted" and more', '"Quoted" and more'),
        ("[beta] x: y", "[beta] x: y"),
        ("{{ template }}", "{{ template }}"),
        ("a: b\n  and: c", "a: b and: c"),
        (">\n  folded: is\n  well", "folded: is well"),
    ],
)
def test_what_is_no_yaml_is_the_text_that_it_looks_like(tmp_path: Path, description: str, meant: str) -> None:
    loaded = read(tmp_path, f"name: a-skill\ndescription: {description}\nlicense: MIT")
    assert (loaded.skill.description, loaded.skill.license) == (meant, "MIT")
    assert bool(loaded.warnings) == (not description.startswith(">"))


@pytest.mark.parametrize(
    ("head", "attribute", "value", "words"),
    [
        ("name: other\ndescription: x", "name", "other", "to Claude Code as 'a-skill'"),
        ("name: A_Skill\ndescription: x", "name", "A_Skill", "not in lower case"),
        ("name: [a]\ndescription: x", "name", "a-skill", "name is missing"),
        ("description: x", "name", "a-skill", "name is missing"),
        ("name: a-skill\ndescription: x\nallowed-tools: [A, 'B(c:*)']", "allowed_tools", "A B(c:*)", "no text"),
        ("name: a-skill\ndescription: x\nversion: 1.10", "description", "x", "'version' is not in the format"),
        (f"name: a-skill\ndescription: {'x' * 1100}", "description", "x" * 1100, "1100 characters"),
        ("name: a-skill\ndescription: x\ndescription: y", "description", "y", "stands twice"),
        ("name: a-skill\ndescription: &d x\nlicense: *d", "license", "x", "aliases"),
        ("name: a-skill\ndescription: x\nmetadata:\n  tags: [a, b]", "metadata", {"tags": "a, b"}, "no map of texts"),
        ("name: a-skill\ndescription: x\nmetadata: {a: {b: c}}", "metadata", {"a": "b: c"}, "no map of texts"),
        ("name: a-skill\ndescription: x\nmetadata: text", "metadata", {}, "no map of texts"),
        ("name: a-skill\ndescription: ['a', 'b']", "description", "a, b", "description is missing"),
        ("name: a-skill\ndescription: x\x1b[31m", "description", "x [31m", "control character"),
        ('name: a-skill\ndescription: "x\\e[31my"', "description", "xy", ""),
        ("name: a-skill\ndescription: !!python/name:os.system x", "description", "x", "tag"),
        ("name: a-skill\ndescription: x\nauthor: a: b: c", "description", "x", "author"),
        ("name: a-skill", "description", "What to do.", "first paragraph stands for the description"),
    ],
)  # fmt: skip
def test_what_agents_get_over_is_a_warning(
    tmp_path: Path, head: str, attribute: str, value: object, words: str
) -> None:
    loaded = read(tmp_path, head)
    assert getattr(loaded.skill, attribute) == value
    assert words in " ".join(loaded.warnings)


def test_names_of_other_scripts_are_read_without_a_warning(tmp_path: Path) -> None:
    assert read(tmp_path, "name: навык\ndescription: x", name="навык").warnings == ()
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    assert read(tmp_path, f"name: {decomposed}\ndescription: x", name=composed).warnings == ()
    assert read(tmp_path, "name: НАВЫК\ndescription: x", name="НАВЫК").warnings != ()


def test_windows_line_ends_marks_and_other_spellings_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "a-skill"
    folder.mkdir()
    text = "\ufeff---\r\nname: a-skill\r\ndescription: x\r\n---\r\n\r\nText\r\n"
    (folder / "skill.md").write_bytes(text.encode())
    loaded = load(folder)
    assert (loaded.skill.description, loaded.skill.body) == ("x", "Text")
    assert [word in " ".join(loaded.warnings) for word in ("skill.md", "byte order mark")] == [True, True]


def test_what_is_not_utf_8_is_read_with_a_warning(tmp_path: Path) -> None:
    folder = written(tmp_path, "name: a-skill\ndescription: x")
    (folder / "SKILL.md").write_bytes(b"---\nname: a-skill\ndescription: caf\xe9\n---\n")
    assert load(folder).skill.description == "caf\ufffd"
    assert "UTF-8" in load(folder).warnings[0]


def test_a_loosely_closed_frontmatter_is_read(tmp_path: Path) -> None:
    folder = written(tmp_path, "name: a-skill\ndescription: x\n --- ", body="")
    (folder / "SKILL.md").write_text("---\nname: a-skill\ndescription: x\n --- \nbody\n")
    assert load(folder).skill.body == "body"
    assert "not closed" in load(folder).warnings[0]
    with pytest.raises(SkillFormatError, match="not closed"):
        skill_format.read(folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"# no frontmatter\n", "no frontmatter"),
        (b"---\nname: a\n", "not closed"),
        (b"---\n- a\n- b\n---\n", "no mapping"),
        (b"---\n---\nbody\n", "no mapping"),
        (b"---\nname: a\n---\n", "neither a description"),
        (b"---\n: : :\n---\nbody\n", "YAML"),
        (b"---\nx: " + b"y" * 20_000 + b"\n---\n", "longer than 16 KB"),
        (b"---\nname: a\ndescription: b\n---\n" + b"x" * 1_100_000, "larger than 1 MB"),
        ("---\nname: a\n---\n".encode("utf-16"), "no frontmatter"),
    ],
)
def test_what_no_agent_could_use_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    folder = written(tmp_path, "")
    (folder / "SKILL.md").write_bytes(content)
    with pytest.raises(SkillFormatError, match=words):
        load(folder)


def test_a_link_is_followed_within_the_skill_alone(tmp_path: Path) -> None:
    folder = written(tmp_path, "name: a-skill\ndescription: x")
    (folder / "SKILL.md").rename(folder / "real.md")
    (folder / "SKILL.md").symlink_to("real.md")
    assert load(folder).skill.name == "a-skill"
    (tmp_path / "linked").symlink_to(folder)
    assert load(tmp_path / "linked").skill.description == "x"
    (folder / "real.md").rename(tmp_path / "outside.md")
    (folder / "SKILL.md").unlink()
    (folder / "SKILL.md").symlink_to("../outside.md")
    with pytest.raises(SkillFormatError, match="leads out"):
        load(folder)


def test_what_is_missing_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SkillFormatError, match=r"no SKILL\.md"):
        load(tmp_path / "nowhere")
    (tmp_path / "SKILL.md").mkdir()
    with pytest.raises(SkillFormatError, match="no ordinary file"):
        load(tmp_path)


@pytest.mark.parametrize("bracket", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_neither_crashes_nor_stalls(tmp_path: Path, bracket: str) -> None:
    loaded = read(tmp_path, f"name: a-skill\nx: {bracket * 3000}\ndescription: y")
    assert loaded.skill.description == "y"


def test_many_aliases_stay_small(tmp_path: Path) -> None:
    loaded = read(
        tmp_path, "name: a-skill\ndescription: x\nmetadata:\n  a: &a [b, b]\n  c: [*a, *a]\n  d: &d e\n  f: *d"
    )
    assert loaded.skill.metadata == {"a": "b, b", "c": "*a, *a", "d": "e", "f": "e"}


def test_the_reader_without_libyaml_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heads = (
        "name: a-skill\ndescription: a: b # c",
        "name: &a x\ndescription: [*a, 1.0]\nname: y",
        "name: on\ndescription: |\n  x",
    )
    quick = [read(tmp_path, head) for head in heads]
    monkeypatch.setattr(frontmatter, "_LOADER", yaml.BaseLoader)
    slow = [read(tmp_path, head) for head in heads]
    assert [loaded.skill for loaded in quick] == [loaded.skill for loaded in slow]
    assert [len(loaded.warnings) for loaded in quick] == [len(loaded.warnings) for loaded in slow]


PIECES = (
    *(
        "---\n",
        "name: a\n",
        "description: b: c\n",
        "\ufeff",
        "\r\n",
        "&a ",
        "*a",
        "[",
        "{",
        "- ",
        "? ",
        "| ",
        "\t",
        "#",
    ),
    *("\x00", "\u2028", "\x85", "!!x ", "'", '"', "```\n", "](", "![", "<!--", "a@b.cc ", "/home/x/", "\u200d", "%"),
    *("\U000e0041", "é", ": ", "rm -rf / ", "curl x | sh", "\\\n", "#"),
)
CONTENT = st.one_of(
    st.binary(max_size=200), st.lists(st.sampled_from(PIECES), max_size=30).map(lambda each: "".join(each).encode())
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=CONTENT, framed=st.booleans())
def test_nothing_that_a_file_holds_makes_the_readers_raise(tmp_path: Path, content: bytes, framed: bool) -> None:
    folder = written(tmp_path, "")
    (folder / "SKILL.md").write_bytes(b"---\nname: a-skill\n" + content if framed else content)
    strict = findings.find(folder)
    assert {finding.severity for finding in findings.find(folder, lenient=True)} <= {"error", "warning"}
    with suppress(SkillFormatError):
        reading.load(folder)
    if not any(finding.severity == "error" for finding in strict):
        assert skill_format.read(folder).name == "a-skill"
