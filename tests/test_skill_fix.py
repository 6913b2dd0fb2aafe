"""`--fix`: what it mends passes the rule, twice over, and every other byte stays."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentloop.errors import AgentloopError
from agentloop.skills import findings
from agentloop.skills.findings.fix import mend

GOOD = "---\nname: a-skill\ndescription: \"What. Use when it says 'boom'.\"\n---\n\n# A skill\n\nRun `make`.\n"


def skill(tmp_path: Path, text: str = GOOD, name: str = "a-skill", **files: str) -> Path:
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    for file, content in {"SKILL.md": text, **files}.items():
        (folder / file).write_bytes(content.encode())
    return folder


def text_of(folder: Path) -> str:
    return (folder / "SKILL.md").read_bytes().decode()


def headed(*lines: str) -> str:
    return "---\n" + "\n".join(lines) + "\n---\nRun it: 'boom'.\n"


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("unquoted-colon", ["name: a-skill", "description: Fix: it # not", "license: MIT"],
         ["name: a-skill", 'description: "Fix: it # not"', "license: MIT"]),
        ("unquoted-comment", ["name: a-skill", "description: C # and more", "# a comment", "license: MIT"],
         ["name: a-skill", 'description: "C # and more"', "# a comment", "license: MIT"]),
        ("frontmatter-yaml", ["name: a-skill", "description: `make` fails", "", "license: 'MIT'"],
         ["name: a-skill", 'description: "`make` fails"', "", "license: 'MIT'"]),
        ("ambiguous-scalar", ["name: a-skill", "description: 1.10"], ["name: a-skill", 'description: "1.10"']),
        ("ambiguous-scalar", ["name: a-skill", "description: x", "metadata:", "    version: 1.10  # x"],
         ["name: a-skill", "description: x", "metadata:", '  version: "1.10"']),
        ("frontmatter-alias", ["name: a-skill", "description: &d x", "license: *d"],
         ["name: a-skill", "description: &d x", 'license: "x"']),
        ("name-folder", ["description: x", "name: other # why"], ["description: x", 'name: "a-skill"']),
        ("name-format", ["name: A Skill", "description: x"], ['name: "a-skill"', "description: x"]),
        ("name-missing", ["description: x"], ['name: "a-skill"', "description: x"]),
        ("license", ["name: a-skill", "license: [MIT, BSD]", "description: x"],
         ["name: a-skill", 'license: "MIT, BSD"', "description: x"]),
        ("allowed-tools", ["name: a-skill", "description: x", "allowed-tools:", "  - Read", "  - Bash(git:*)"],
         ["name: a-skill", "description: x", 'allowed-tools: "Read Bash(git:*)"']),
        ("unknown-key", ["name: a-skill", "author: me", "# kept", "tags: [a, b]", "description: x"],
         ["name: a-skill", "# kept", "description: x", "metadata:", '  author: "me"', '  tags: "a, b"']),
        ("unknown-key", ["name: a-skill", "metadata:", "   by: 'x'   # stays", "", "version: 2", "description: x"],
         ["name: a-skill", "metadata:", "   by: 'x'   # stays", '   version: "2"', "", "description: x"]),
        ("metadata", ["name: a-skill", "metadata: {a: [b, c], d: e}", "description: x"],
         ["name: a-skill", "metadata:", '  a: "b, c"', '  d: "e"', "description: x"]),
        ("machine-path", ["name: a-skill", "description: in /home/bob/x and C:\\Users\\bob\\y"],
         ["name: a-skill", "description: in ~/x and HOME\\y"]),
        ("email", ["name: a-skill", "description: ask jane@firm.org"], ["name: a-skill", "description: ask EMAIL"]),
        ("hidden-text", ["name: a-skill", "description: a\u200bb"], ["name: a-skill", "description: ab"]),
    ],
)  # fmt: skip
def test_the_frontmatter_is_mended_line_by_line(tmp_path: Path, rule: str, before: list[str], after: list[str]) -> None:
    folder = skill(tmp_path, headed(*before))
    assert rule in {finding.rule for finding in findings.find(folder)}
    assert rule in {mended.rule for mended in mend(folder)}
    assert text_of(folder) == headed(*after)
    assert rule not in {finding.rule for finding in findings.find(folder)}
    assert mend(folder) == []


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("byte-order-mark", "\ufeff" + GOOD, GOOD),
        ("fence", GOOD + "```sh\nmake\n", GOOD + "```sh\nmake\n```\n"),
        ("fence", GOOD + "~~~~\nmake", GOOD + "~~~~\nmake\n~~~~\n"),
        ("hidden-text", GOOD.replace("Run", "R\u202e\U000e0041un\u200d"), GOOD),
        ("control-character", GOOD.replace("Run", "R\x07un"), GOOD),
        ("machine-path", GOOD + "cd /home/bob/x; ls /root/y /Users/al\n", GOOD + "cd ~/x; ls ~/y ~\n"),
        ("private-host", GOOD + "http://10.1.2.3/x ssh ci.corp\n", GOOD + "http://<address>/x ssh <host>\n"),
        ("email", GOOD + "ask jane.doe@firm.org.\n", GOOD + "ask <email>.\n"),
    ],
)
def test_the_body_is_mended_in_its_place(tmp_path: Path, rule: str, before: str, after: str) -> None:
    folder = skill(tmp_path, before)
    assert rule in {finding.rule for finding in findings.find(folder)}
    mend(folder)
    assert text_of(folder) == after
    assert mend(folder) == []


def test_line_ends_and_everything_else_stay(tmp_path: Path) -> None:
    text = "---\r\nname: a-skill\r\ndescription: Fix: it  \r\nversion: 1\r\n---\r\n\r\n# T  \r\n\r\n  x\t\r\nno end"
    folder = skill(tmp_path, text)
    mend(folder)
    head = '---\r\nname: a-skill\r\ndescription: "Fix: it"\r\nmetadata:\r\n  version: "1"\r\n---\r\n'
    assert text_of(folder) == head + "\r\n# T  \r\n\r\n  x\t\r\nno end"


@pytest.mark.parametrize(
    "head",
    [
        ["name: a-skill", "description: x", "disable-model-invocation: true"],
        ["name: a-skill", "description: x", "author: me", "author: you"],
        ["name: a-skill", "description: x", "metadata: text", "author: me"],
        ["name: a-skill", "description: x", "metadata:", "  author: a", "author: b"],
        ["name: a-skill", "description: [x]"],
        ["- a", "- b"],
    ],
)
def test_what_takes_thinking_is_left_alone(tmp_path: Path, head: list[str]) -> None:
    folder = skill(tmp_path, headed(*head))
    assert mend(folder) == []
    assert text_of(folder) == headed(*head)


def test_a_name_is_not_taken_from_a_folder_that_is_no_name(tmp_path: Path) -> None:
    folder = skill(tmp_path, headed("name: other", "description: x"), name="Not A Name")
    assert mend(folder) == []


def test_files_beside_it_are_mended_with_their_permissions_and_nothing_outside(tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("/home/bob/x")
    folder = skill(tmp_path, **{"run.sh": "cd /home/bob/x\n", "latin.txt": "x"})
    (folder / "latin.txt").write_bytes(b"caf\xe9 /home/bob/x")
    (folder / "run.sh").chmod(0o750)
    (folder / "link.md").symlink_to(outside)
    assert [(mended.path, mended.rule) for mended in mend(folder)] == [("run.sh", "machine-path")]
    assert (folder / "run.sh").read_text() == "cd ~/x\n"
    assert (folder / "run.sh").stat().st_mode & 0o777 == 0o750
    assert outside.read_text() == "/home/bob/x"
    assert (folder / "latin.txt").read_bytes() == b"caf\xe9 /home/bob/x"
    assert sorted(os.listdir(folder)) == ["SKILL.md", "latin.txt", "link.md", "run.sh"]


def test_a_skill_that_is_a_link_is_not_written_to(tmp_path: Path) -> None:
    skill(tmp_path, GOOD + "/home/bob/x")
    (tmp_path / "linked").symlink_to("a-skill")
    assert mend(tmp_path / "linked") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    folder = skill(tmp_path, GOOD + "/home/bob/x")
    folder.chmod(0o500)
    try:
        with pytest.raises(AgentloopError, match="cannot be written"):
            mend(folder)
    finally:
        folder.chmod(0o700)
    assert text_of(folder) == GOOD + "/home/bob/x"


LINES = (
    *("name: a-skill", "name: B", "description: x", "description: a: b", "description: |", "  text: x", "version: 1.0"),
    *("metadata:", "  k: v", "  k: [a, {b: c}]", "metadata: {a: 1}", "tags: [a]", "- x", "", "# c", "  # y", "x: *a"),
    *("'q r': s", "model: on", "allowed-tools:", "  - Read", "author: jane@firm.org", "z: a\u200bb", "k: !!x y", "\t"),
    *("? a", "license: &a on"),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.lists(st.sampled_from(LINES), max_size=10),
    end=st.sampled_from(["\n", "\r\n"]),
    tail=st.sampled_from(["", "```\n", "x"]),
)
def test_mending_twice_is_mending_once(tmp_path: Path, head: list[str], end: str, tail: str) -> None:
    folder = skill(tmp_path, end.join(["---", *head, "---", "Run it: 'boom'.", tail]))
    before = {finding.rule for finding in findings.find(folder)}
    done = {mended.rule for mended in mend(folder)}
    once = text_of(folder)
    assert mend(folder) == []
    assert text_of(folder) == once
    assert done <= before
    assert not {"hidden-text", "email", "fence", "byte-order-mark"} & {
        finding.rule for finding in findings.find(folder)
    }
