"""What people rejected is remembered: once a run, bounded, without secrets, whatever the draft was."""

import json
import os
from pathlib import Path

import pytest

from agentloop.records import folders
from agentloop.skills import rejections

from .drafts import SKILL


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    folder = tmp_path / "draft" / "keep-counting"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(SKILL.format(name="keep-counting"))
    return folder


def test_the_newest_comes_first_with_words_and_reason(tmp_path: Path, draft: Path) -> None:
    rejections.remember(tmp_path, "one", draft, "too narrow")
    rejections.remember(tmp_path, "two", draft, "known already")
    newest, oldest = rejections.rejected(tmp_path)
    assert (newest.run, oldest.run) == ("two", "one")
    assert (newest.name, newest.reason) == ("keep-counting", "known already")
    assert newest.description == "How it is counted. Use when the count is wrong."
    assert "sh check.sh" in newest.text
    assert "description:" not in newest.text


def test_nothing_is_remembered_at_first(tmp_path: Path) -> None:
    assert rejections.rejected(tmp_path) == []


def test_a_rejection_that_was_cut_off_is_not_remembered_twice(tmp_path: Path, draft: Path) -> None:
    rejections.remember(tmp_path, "one", draft, "no")
    rejections.remember(tmp_path, "one", draft, "never")
    assert [each.reason for each in rejections.rejected(tmp_path)] == ["never"]


def test_it_is_bounded(tmp_path: Path, draft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejections, "MAX_REMEMBERED", 2)
    (draft / "SKILL.md").write_text("x" * 300_000)
    for run in ("one", "two", "three"):
        rejections.remember(tmp_path, run, draft, "no " * 10_000)
    found = rejections.rejected(tmp_path)
    assert [each.run for each in found] == ["three", "two"]
    assert all(len(each.text) < 1.1 * rejections.MAX_TEXT_CHARS > len(each.reason) for each in found)


def test_secrets_are_not_remembered(tmp_path: Path, draft: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    (draft / "SKILL.md").write_text(SKILL.format(name="x") + token)
    assert token not in rejections.remember(tmp_path, "one", draft, f"it holds {token}").model_dump_json()


@pytest.mark.parametrize("kind", ["missing", "link", "pipe", "bytes", "no frontmatter", "no folder"])
def test_whatever_the_draft_is(tmp_path: Path, draft: Path, kind: str) -> None:
    file = draft / "SKILL.md"
    file.unlink()
    match kind:
        case "link":
            file.symlink_to("/etc/passwd")
        case "pipe":
            os.mkfifo(file)
        case "bytes":
            file.write_bytes(b"\xff\xfe")
        case "no frontmatter":
            file.write_text("words")
        case "no folder":
            draft.rmdir()
    entry = rejections.remember(tmp_path, "one", draft, "no")
    assert rejections.rejected(tmp_path) == [entry]
    assert "root" not in entry.text
    assert (entry.text == "words") == (kind == "no frontmatter")


def test_a_damaged_line_hides_no_other(tmp_path: Path, draft: Path) -> None:
    rejections.remember(tmp_path, "one", draft, "no")
    file = folders.repository_folder(tmp_path) / "rejected.jsonl"
    file.write_text('{"run": "torn\n' + file.read_text() + json.dumps({"run": "half"}) + "\n")
    assert [each.run for each in rejections.rejected(tmp_path)] == ["one"]
