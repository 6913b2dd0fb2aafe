"""The library by the real command line, on real repositories."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Bench, git

SKILL = """---
name: {name}
description: "{description}"
metadata:
  agentloop-status: "provisional"
---

# {name}

{body}
"""


def write(repo: Path, name: str, description: str = "Does it. Use when wanted.", body: str = "Do it.") -> Path:
    folder = repo / name
    folder.mkdir(parents=True)
    text = SKILL.format(name=folder.name, description=description, body=body)
    (folder / "SKILL.md").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def stocked(bench: Bench) -> Bench:
    """A repository with two skills, committed."""
    write(bench.repo, "skills/freeze-the-clock", "Pin time. Use when a test fails at midnight.", "Freeze the clock.")
    write(bench.repo, "skills/build-the-wheel", "Build a wheel. Use when linking fails.", "Run `make vendor` first.")
    git(bench.repo, "add", ".")
    git(bench.repo, "commit", "-qm", "Skills")
    return bench


def test_list_says_each_name_and_description(stocked: Bench) -> None:
    done = stocked.agentloop("skills", "list")
    assert done.stdout.splitlines() == [
        "build-the-wheel: Build a wheel. Use when linking fails.",
        "freeze-the-clock: Pin time. Use when a test fails at midnight.",
    ]
    wheel = json.loads(stocked.agentloop("skills", "list", "--json").stdout)[0]
    assert wheel == {
        "name": "build-the-wheel",
        "description": "Build a wheel. Use when linking fails.",
        "path": "skills/build-the-wheel",
        "status": "provisional",
        "metadata": {"agentloop-status": "provisional"},
        "warnings": [],
    }


def test_from_a_subfolder_and_with_another_skills_folder(bench: Bench) -> None:
    write(bench.repo, "docs/skills/elsewhere")
    (bench.repo / "agentloop.toml").write_text('skills_dir = "docs/skills"\n')
    argv = [sys.executable, "-m", "agentloop", "skills", "list"]
    done = subprocess.run(argv, cwd=bench.repo / "docs", capture_output=True, text=True, check=True)
    assert done.stdout.startswith("elsewhere: ")
    assert bench.agentloop("skills", "search", "does").stdout.startswith("elsewhere  ")


def test_without_skills_or_a_repository_it_says_so(bench: Bench, tmp_path: Path) -> None:
    done = bench.agentloop("skills", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no skills in skills/ yet" in done.stderr
    assert bench.agentloop("skills", "list", "--json").stdout == "[]\n"
    for command in (["list"], ["search", "x"]):
        outside = subprocess.run(
            [sys.executable, "-m", "agentloop", "skills", *command],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert outside.returncode == 2
        assert "no git repository" in outside.stderr


def test_what_cannot_be_read_is_told_of_and_the_rest_is_listed(stocked: Bench) -> None:
    skills = stocked.repo / "skills"
    (skills / "broken").mkdir()
    (skills / "broken/SKILL.md").write_text("---\nname: [\n---\n")
    (skills / "loop").symlink_to("loop")
    (skills / "around").symlink_to(".")
    (skills / "outside").mkdir()
    (skills / "outside/SKILL.md").symlink_to("/etc/passwd")
    (skills / "pipe").mkdir()
    os.mkfifo(skills / "pipe/SKILL.md")
    (skills / "huge").mkdir()
    (skills / "huge/SKILL.md").write_bytes(b"---\nname: huge\n" + b"x" * 10_000_000)
    odd = skills / os.fsdecode(b"odd\xff\x1b[31m")
    odd.mkdir()
    (odd / "SKILL.md").write_text("no frontmatter")
    for command in (["search", "clock"], ["overlap"], ["list"]):
        done = stocked.agentloop("skills", *command)
        assert "Traceback" not in done.stderr
        assert "\x1b" not in done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert done.returncode == 0
    assert "broken: cannot be read: " in done.stderr
    for name in ("outside", "pipe"):
        assert f"{name}: cannot be read: its SKILL.md is a link or no ordinary file" in done.stderr
    assert "root:" not in done.stdout + stocked.agentloop("skills", "show", "outside").stdout
    assert stocked.agentloop("skills", "show", "broken").returncode == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_an_error_without_a_traceback(stocked: Bench) -> None:
    (stocked.repo / "skills").chmod(0)
    done = stocked.agentloop("skills", "list")
    (stocked.repo / "skills").chmod(0o755)
    assert (done.returncode, "cannot be listed" in done.stderr) == (2, True)


def test_a_file_in_place_of_the_skills_folder_and_a_link_out_of_the_tree_are_errors(bench: Bench) -> None:
    (bench.repo / "skills").write_text("mine\n")
    done = bench.agentloop("skills", "list")
    assert (done.returncode, "Not a directory" in done.stderr) == (2, True)
    (bench.repo / "skills").unlink()
    for target in ("..", "skills"):
        (bench.repo / "skills").symlink_to(target)
        done = bench.agentloop("skills", "list")
        assert (done.returncode, "leads out of the repository" in done.stderr) == (2, True)
        (bench.repo / "skills").unlink()


def test_show_tells_where_a_skill_is_from_and_what_it_holds(stocked: Bench) -> None:
    (stocked.repo / "skills/freeze-the-clock/scripts").mkdir()
    (stocked.repo / "skills/freeze-the-clock/scripts/freeze.sh").write_text("true\n")
    done = stocked.agentloop("skills", "show", "freeze-the-clock")
    assert done.returncode == 0
    for line in (
        "skills/freeze-the-clock",
        "agentloop-status         provisional",
        "scripts/freeze.sh (5 bytes)",
        "# freeze",
    ):
        assert line in done.stdout
    shown = json.loads(stocked.agentloop("skills", "show", "freeze-the-clock", "--json").stdout)
    assert [file["path"] for file in shown["files"]] == ["SKILL.md", "scripts/freeze.sh"]
    assert shown["text"].startswith("---\nname: freeze-the-clock")
    done = stocked.agentloop("skills", "show", "freeze-clock")
    assert (done.returncode, done.stderr.splitlines()[1]) == (2, "  did you mean freeze-the-clock?")


def test_search_ranks_and_says_where(stocked: Bench) -> None:
    done = stocked.agentloop("skills", "search", "clock", "at", "midnight")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split()[0] == "freeze-the-clock"
    assert lines[2].startswith("  skills/freeze-the-clock/SKILL.md:")
    (hit,) = json.loads(stocked.agentloop("skills", "search", "vendor", "--json", "--limit", "1").stdout)
    assert (hit["name"], hit["line"], hit["text"]) == ("build-the-wheel", 10, "Run `make vendor` first.")
    done = stocked.agentloop("skills", "search", "kubernetes")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no skill about 'kubernetes'" in done.stderr
    assert stocked.agentloop("skills", "search").returncode == 2


@pytest.mark.slow
def test_overlap_reports_pairs_and_fails_only_when_asked_to(stocked: Bench) -> None:
    assert stocked.agentloop("skills", "overlap", "--check").returncode == 0
    write(stocked.repo, "skills/stop-the-clock", "Pin time. Use when a test fails at midnight.", "Freeze the clock.")
    done = stocked.agentloop("skills", "overlap")
    assert done.returncode == 0
    assert "freeze-the-clock  stop-the-clock  (" in done.stdout
    assert stocked.agentloop("skills", "overlap", "--check").returncode == 1
    (pair,) = json.loads(stocked.agentloop("skills", "overlap", "--json", "--min", "0.5").stdout)
    assert 0.5 <= pair["score"] <= 1
    assert "midnight" in pair["shared"]


def test_it_prints_to_a_terminal_without_utf8_and_to_a_reader_that_leaves(stocked: Bench) -> None:
    write(stocked.repo, "skills/umlaut", "Größe → 大. Use when ü.")
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    done = stocked.call([sys.executable, "-m", "agentloop", "skills", "list"], env=env)
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 3)
    for number in range(300):
        write(stocked.repo, f"skills/many-{number}", "x" * 900)
    done = stocked.call(["sh", "-c", f"'{sys.executable}' -m agentloop skills list | head -n 1"])
    assert done.stdout.startswith("build-the-wheel: ")
    assert done.stderr == ""


@pytest.mark.slow
def test_an_archived_skill_is_neither_listed_nor_found_and_comes_back(stocked: Bench) -> None:
    assert stocked.agentloop("skills", "link").returncode == 0
    done = stocked.agentloop("skills", "archive", "freeze-the-clock", "--reason", "it never helped")
    assert done.returncode == 0
    assert done.stdout.startswith("freeze-the-clock: archived in skills-archive/ (commit ")
    assert "freeze" not in stocked.agentloop("skills", "list").stdout
    assert stocked.agentloop("skills", "search", "midnight").returncode == 1
    assert stocked.agentloop("skills", "link", "--check").returncode == 0
    listed = stocked.agentloop("skills", "archive", "--list").stdout
    assert listed.startswith("freeze-the-clock: Pin time. Use when a test fails at midnight. (archived 20")
    assert listed.rstrip().endswith(": it never helped)")
    assert stocked.agentloop("skills", "list", "--archived").stdout == listed
    assert (
        json.loads(stocked.agentloop("skills", "list", "--archived", "--json").stdout)[0]["reason"] == "it never helped"
    )
    done = stocked.agentloop("skills", "archive", "--restore", "freeze-the-clok")
    assert (done.returncode, "did you mean freeze-the-clock?" in done.stderr) == (2, True)
    assert stocked.agentloop("skills", "archive", "--restore", "freeze-the-clock").returncode == 0
    assert "freeze-the-clock: " in stocked.agentloop("skills", "list").stdout
    assert (stocked.repo / ".claude/skills/freeze-the-clock").is_symlink()
    assert git(stocked.repo, "status", "--porcelain") == ""
    assert stocked.agentloop("skills", "archive", "--restore").returncode == 2


def test_link_check_fails_until_linked_and_an_adapter_of_the_users_own_counts(stocked: Bench) -> None:
    agents = Path(os.environ["XDG_CONFIG_HOME"]) / "agentloop/agents"
    agents.mkdir(parents=True)
    (agents / "kiro.toml").write_text('name = "kiro"\nstart = ["kiro"]\nskills = [".kiro/skills"]\n')
    (stocked.repo / ".kiro").mkdir()
    done = stocked.agentloop("skills", "link", "--check")
    assert done.returncode == 1
    assert "missing: .kiro/skills/build-the-wheel" in done.stdout.splitlines()
    assert git(stocked.repo, "status", "--porcelain") == ""
    assert "linked: .kiro/skills/build-the-wheel" in stocked.agentloop("skills", "link").stdout
    done = stocked.agentloop("skills", "link", "--check")
    assert (done.returncode, done.stdout) == (0, "")
    assert stocked.agentloop("skills", "link").stdout == "every link is there\n"
    (agents / "kiro.toml").write_text('name = "kiro"\nstart = ["kiro"]\nskills = ["../out"]\n')
    assert "kiro.toml:3: skills: " in stocked.agentloop("agents", "list").stderr


@pytest.mark.slow
def test_export_copies_what_it_may_and_says_what_it_leaves(stocked: Bench, tmp_path: Path) -> None:
    write(stocked.repo, "skills/Bad_Name")
    to = tmp_path / "to"
    done = stocked.agentloop("skills", "export", "--to", str(to))
    assert done.returncode == 1
    assert "Bad_Name: not exported: " in done.stderr
    assert sorted(path.name for path in to.iterdir()) == ["build-the-wheel", "freeze-the-clock"]
    done = stocked.agentloop("skills", "export", "--to", str(to), "build-the-wheel")
    assert (done.returncode, done.stdout) == (0, f"build-the-wheel: the same already in {to}\n")
    home = Path.home()
    assert stocked.agentloop("skills", "export", "--agent", "codex", "build-the-wheel").returncode == 0
    assert (home / ".agents/skills/build-the-wheel/SKILL.md").is_file()
    for wrong in (["--to", "x", "--plugin"], ["--agent", "offline"], ["--to", str(stocked.repo / "count")]):
        assert stocked.agentloop("skills", "export", *wrong).returncode == 2


def test_a_plugin_is_written_once_and_a_file_of_somebodys_stays(stocked: Bench) -> None:
    assert stocked.agentloop("skills", "export", "--plugin").returncode == 0
    plugin = stocked.repo / ".claude-plugin/plugin.json"
    assert json.loads(plugin.read_text())["name"] == "repo"
    assert "there already" in stocked.agentloop("skills", "export", "--plugin").stdout
    plugin.write_text("{}")
    done = stocked.agentloop("skills", "export", "--plugin")
    assert (done.returncode, plugin.read_text()) == (1, "{}")
    assert "plugin.json: not written" in done.stderr
