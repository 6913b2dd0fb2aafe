"""The commands for skills on what somebody else wrote: odd names, things that are no files, folders that are shut."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agentloop.cli import cli
from agentloop.repo import Repo

from .test_repo import begin, git

SKILL = """---
name: {name}
description: "Does it. Use when it is wanted."
---

Do it.
"""
ODD = os.fsdecode(b"odd\xff\n\xe2\x80\xaetail")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    made = begin(tmp_path / "repo")
    monkeypatch.chdir(made.root)
    return made


def keep(repo: Repo, folder: str, name: str) -> Path:
    path = repo.root / "skills" / folder
    path.mkdir(parents=True)
    (path / "SKILL.md").write_text(SKILL.format(name=name))
    git(repo.root, "add", ".")
    git(repo.root, "commit", "-qm", "Keep a skill")
    return path


def skills(*args: str) -> Result:
    return CliRunner().invoke(cli, ["skills", *args], standalone_mode=False)


def test_a_name_of_any_bytes_is_shown_on_one_line(repo: Repo) -> None:
    keep(repo, ODD, "odd-name")
    for args in (["list"], ["usage"], ["link", "--check"], ["archive", ODD], ["archive", "--list"]):
        done = skills(*args)
        assert done.exception is None
        assert "\u202e" not in done.output
        assert not [line for line in done.output.splitlines() if line.startswith(("tail", "<U+202E>"))]
    assert skills("archive", "--restore", ODD).exception is None
    assert (repo.root / "skills" / ODD / "SKILL.md").is_file()


def test_a_name_of_any_bytes_is_written_as_json_that_strict_readers_take(repo: Repo) -> None:
    keep(repo, ODD, "odd-name")
    for args in (["list", "--json"], ["usage", "--json"], ["lint", "--json"], ["lint", "--sarif"]):
        json.dumps(json.loads(skills(*args).stdout), ensure_ascii=False).encode()  # no lone surrogates
    assert "skills/odd%FF%0A%E2%80%AEtail/SKILL.md" in skills("lint", "--sarif").stdout


def test_without_skills_each_command_says_so(repo: Repo, tmp_path: Path) -> None:
    for args in (["list"], ["usage"], ["export", "--to", str(tmp_path / "to")]):
        assert "there are no skills in skills/ yet" in skills(*args).stderr


def test_what_stands_in_the_place_of_a_skill_is_told_of(repo: Repo) -> None:
    keep(repo, "fine", "fine")
    keep(repo, "lower", "lower")
    (repo.root / "skills/lower/SKILL.md").rename(repo.root / "skills/lower/skill.md")
    (repo.root / "skills/no-skill").mkdir()
    listed = skills("list")
    assert listed.stdout.splitlines() == ["fine: Does it. Use when it is wanted."]
    assert listed.stderr.splitlines() == ["lower: cannot be read: its SKILL.md is spelt skill.md"]
    assert "is spelt skill.md" in skills("show", "lower").stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_is_shut_is_an_error_for_list_and_for_lint(repo: Repo) -> None:
    shut = keep(repo, "shut", "shut")
    shut.chmod(0)
    assert "shut: cannot be read: " in skills("list").stderr
    assert "unread" in skills("lint").stdout
    shut.chmod(0o755)
    shut.parent.chmod(0)
    linted = skills("lint")
    shut.parent.chmod(0o755)
    assert (linted.return_value, "unread" in linted.stdout) == (1, True)
