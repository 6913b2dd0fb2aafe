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
