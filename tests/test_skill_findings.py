"""What is wrong with a skill: each rule by a skill that breaks it, and none by one that does not."""

from pathlib import Path

import pytest

from agentloop.skills import findings

GOOD = """---
name: a-skill
description: "What it is. Use when it says 'boom'."
---

# A skill

See [more](more.md) and [the net](https://example.invalid/x).

```sh
make test
```
"""


def skill(tmp_path: Path, text: str = GOOD, **files: str) -> Path:
    folder = tmp_path / "a-skill"
    folder.mkdir(exist_ok=True)
    (folder / "SKILL.md").write_text(text, encoding="utf-8")
    (folder / "more.md").write_text("more\n")
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def rules(folder: Path) -> set[str]:
    return {finding.rule for finding in findings.find(folder)}


def test_a_good_skill_has_no_findings(tmp_path: Path) -> None:
    assert findings.find(skill(tmp_path)) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("name: a-skill", "name: A-Skill", "name-format"),
        ("name: a-skill", "name: a--skill", "name-format"),
        ("name: a-skill", "name: -a", "name-format"),
        ("name: a-skill", "name: é", "name-format"),
        ("name: a-skill", "name: other", "name-folder"),
        ("name: a-skill", f"name: {'a' * 65}", "name-length"),
        ("name: a-skill\n", "", "name-missing"),
        ("What it is. Use when it says 'boom'.", "", "description-missing"),
        ("What it is.", "x" * 1100, "description-length"),
        ("What it is.", "What <b>it</b> is.", "description-markup"),
        ("Use when it says 'boom'.", "Useful.", "description-trigger"),
        ("---\n\n# A", "author: me\n---\n\n# A", "unknown-key"),
        ("---\n\n# A", "compatibility: ''\n---\n\n# A", "compatibility"),
        ("---\n\n# A", "metadata: text\n---\n\n# A", "metadata"),
        ("---\n\n# A", "allowed-tools: [Bash]\n---\n\n# A", "allowed-tools"),
        ("more.md", "nowhere.md", "link-broken"),
        ("more.md", "../../../etc/passwd", "link-outside"),
        ("make test\n```", "make test", "fence"),
        ("# A skill", "# A skill\n\nTODO: write it", "placeholder"),
        ("# A skill", "# A skill\n\n[insert the steps]", "placeholder"),
        ("make test", "cd /home/somebody/project", "machine-path"),
        ("make test", "export KEY=sk-ant-" + "aB3" * 12, "secret"),
        ("# A skill", "# A\u202eskill", "hidden-text"),
        ("# A skill", "# A\U000e0041skill", "hidden-text"),
        ("# A skill", "# A skill\n" + "line\n" * 501, "body-length"),
        ("# A skill", "# A skill\n" + "word " * 501, "body-words"),
        ("---\nname", "name", "frontmatter"),
    ],
)
def test_each_rule_is_broken_by_its_own_mistake(tmp_path: Path, old: str, new: str, rule: str) -> None:
    assert old in GOOD
    assert rule in rules(skill(tmp_path, GOOD.replace(old, new, 1)))


def test_a_body_without_words_is_empty(tmp_path: Path) -> None:
    assert "body-empty" in rules(skill(tmp_path, GOOD.partition("# A")[0]))


def test_files_that_are_no_text_are_found(tmp_path: Path) -> None:
    folder = skill(tmp_path, large="x" * 300_000)
    (folder / "blob").write_bytes(b"\x00\xff")
    (folder / "out").symlink_to("/etc/passwd")
    assert {"size", "binary", "link"} <= rules(folder)


def test_a_secret_beside_the_skill_is_found_and_a_placeholder_is_not_one(tmp_path: Path) -> None:
    key = "AKIA" + "Q3EGT7ZSPD5N2KLM"
    found = findings.find(skill(tmp_path, script=f"a\nb={key}\n", other="KEY=sk-ant-your-key-goes-here-xxxxxxxx\n"))
    assert [(finding.rule, finding.path, finding.line) for finding in found if finding.severity == "error"] == [
        ("secret", "script", 2)
    ]
    assert key not in str(found[0])


def test_a_skill_that_is_a_link_or_lacks_its_file_is_said(tmp_path: Path) -> None:
    folder = skill(tmp_path)
    linked = tmp_path / "linked"
    linked.symlink_to(folder)
    assert rules(linked) == {"link"}
    (folder / "SKILL.md").unlink()
    assert rules(folder) == {"skill-file"}


def test_a_finding_says_where_and_what_to_do(tmp_path: Path) -> None:
    folder = skill(tmp_path, GOOD.replace("more.md", "nowhere.md"))
    assert str(findings.find(folder)[0]) == (
        "SKILL.md:8: link-broken: the link 'nowhere.md' leads nowhere. Remedy: write the file or drop the link."
    )
