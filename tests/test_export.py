"""Skills copied elsewhere, and a repository made a plugin: nothing of anybody's is overwritten."""

import json
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from agentloop.agents import registry
from agentloop.errors import UsageError
from agentloop.skills import copies, plugin
from agentloop.skills.export import export, make_folder

ORIGIN = "acme/tools skills/alpha"
TEXT = '---\nname: alpha\ndescription: "Does alpha. Use when wanted."\n---\n\n# Alpha\n\nRun `scripts/run.sh`.\n'


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    folder = tmp_path / "skills/alpha"
    (folder / "scripts").mkdir(parents=True)
    (folder / "SKILL.md").write_text(TEXT)
    (folder / "scripts/run.sh").write_text("#!/bin/sh\ntrue\n")
    (folder / "scripts/run.sh").chmod(0o755)
    return folder


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "deep/target")


def test_a_copy_is_made_left_alone_and_updated(skill: Path, to: Path) -> None:
    assert export(skill, to, ORIGIN).outcome == "copied"
    assert (to / "alpha/SKILL.md").read_text() == TEXT
    assert os.access(to / "alpha/scripts/run.sh", os.X_OK)
    assert export(skill, to, ORIGIN).outcome == "same"
    (skill / "scripts/run.sh").unlink()
    (skill / "SKILL.md").write_text(TEXT.replace("Run `scripts/run.sh`.", "Do it by hand."))
    assert export(skill, to, ORIGIN).outcome == "updated"
    assert "by hand" in (to / "alpha/SKILL.md").read_text()
    assert not (to / "alpha/scripts").exists()
    assert [path.name for path in to.iterdir()] == ["alpha"]


def test_what_is_no_untouched_copy_of_it_stays(skill: Path, to: Path, tmp_path: Path) -> None:
    export(skill, to, ORIGIN)
    (skill / "SKILL.md").write_text(TEXT + "More.\n")
    done = export(skill, to, "other/repository skills/alpha")
    assert (done.outcome, "no copy of it" in done.reason) == ("refused", True)
    (to / "alpha/SKILL.md").write_text("mine\n")
    done = export(skill, to, ORIGIN)
    assert (done.outcome, "somebody changed" in done.reason) == ("refused", True)
    assert (to / "alpha/SKILL.md").read_text() == "mine\n"
    ways: list[Callable[[Path], None]] = [Path.mkdir, Path.touch, lambda path: path.symlink_to(skill)]
    for number, make in enumerate(ways):
        place = make_folder(tmp_path / f"place-{number}")
        make(place / "alpha")
        assert export(skill, place, ORIGIN).outcome == "refused"
    assert (skill / "SKILL.md").read_text() == TEXT + "More.\n"


def test_a_folder_that_is_the_same_without_being_a_copy_is_fine(skill: Path, to: Path) -> None:
    (to / "alpha/scripts").mkdir(parents=True)
    for name in ("SKILL.md", "scripts/run.sh"):
        (to / "alpha" / name).write_bytes((skill / name).read_bytes().replace(b"\n", b"\r\n"))
    assert export(skill, to, ORIGIN).outcome == "same"
    assert not (to / "alpha" / copies.MARKER).exists()


def test_a_skill_with_an_error_is_not_exported(skill: Path, to: Path) -> None:
    (skill / "SKILL.md").write_text("---\nname: Alpha\n---\n")
    done = export(skill, to, ORIGIN)
    assert (done.outcome, "SKILL.md:" in done.reason) == ("refused", True)
    assert not list(to.iterdir())


def test_a_place_that_cannot_be_is_an_error(skill: Path, to: Path) -> None:
    (to / "file").touch()
    for place in (to / "file", to / "file/below"):
        with pytest.raises(UsageError, match="cannot be made"):
            make_folder(place)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_may_not_be_written_is_told_of(skill: Path, to: Path) -> None:
    to.chmod(0o500)
    assert "cannot be written" in export(skill, to, ORIGIN).reason
    to.chmod(0o700)


def test_an_agents_user_folder_is_data() -> None:
    home = Path.home()
    claude = registry.load("claude")
    assert claude.user_folder({}) == home / ".claude/skills"
    assert claude.user_folder({"CLAUDE_CONFIG_DIR": "/elsewhere"}) == Path("/elsewhere/skills")
    assert registry.load("codex").user_folder({}) == home / ".agents/skills"
    assert registry.load("offline").user_folder({}) is None


@pytest.mark.parametrize(
    ("remote", "wanted"),
    [
        ("https://example.invalid/Acme/My.Tools.git", "acme/my-tools"),
        ("https://user:token@example.invalid:8080/acme/tools/", "acme/tools"),
        ("git@example.invalid:acme/tools.git", "acme/tools"),
        ("ssh://git@example.invalid/group/sub/tools.git", "sub/tools"),
        ("https://example.invalid/tools", "tools/tools"),
        ("/srv/git/tools.git", "tools/tools"),
        ("../tools", "tools/tools"),
        ("", "some-root/some-root"),
        ("https://example.invalid/acme/___.git", "acme/some-root"),
    ],
)
def test_a_repository_is_named_after_its_remote(remote: str, wanted: str) -> None:
    assert str(plugin.identity(remote, Path("/x/Some Root"))) == wanted
    assert "token" not in str(plugin.identity(remote, Path("/x/Some Root")))


def test_the_files_of_a_plugin_are_written_once_and_nobody_elses_are_overwritten(tmp_path: Path) -> None:
    wanted = plugin.files(plugin.Identity("tools", "acme"), "docs/skills")
    assert [plugin.write(tmp_path, path, content) for path, content in wanted.items()] == ["written", "written"]
    assert json.loads((tmp_path / ".claude-plugin/plugin.json").read_text())["skills"] == "./docs/skills/"
    assert [plugin.write(tmp_path, path, content) for path, content in wanted.items()] == ["same", "same"]
    for theirs in ('{"name": "mine"}', "no JSON", "[" * 100_000):
        (tmp_path / ".claude-plugin/plugin.json").write_text(theirs)
        assert plugin.write(tmp_path, *next(iter(wanted.items()))) == "other"
        assert (tmp_path / ".claude-plugin/plugin.json").read_text() == theirs


def test_a_plugin_that_could_not_be_written_is_written_once_there_is_room(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))  # as on a full disk: it can be made, not written
    try:
        with pytest.raises(UsageError, match="cannot be written"):
            plugin.write(tmp_path, ".claude-plugin/plugin.json", {"name": "x"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert plugin.write(tmp_path, ".claude-plugin/plugin.json", {"name": "x"}) == "written"


def test_a_plugins_folder_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root/.claude-plugin").symlink_to(tmp_path / "outside")
    with pytest.raises(UsageError, match="is a link"):
        plugin.write(tmp_path / "root", ".claude-plugin/plugin.json", {})
    assert not list((tmp_path / "outside").iterdir())
