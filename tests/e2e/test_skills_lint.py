"""`agentloop skills lint` as it is typed: what it looks at, what it prints, how it exits."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import SKILL, Bench, git

BAD = SKILL.replace("Check it", "In /home/bob/x check it")
OTHERS = "---\nname: Others\ndescription: Deploy: the app\n---\nText.\n"


def lint(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agentloop", "skills", "lint", *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def write(folder: Path, text: str = SKILL) -> Path:
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(text)
    return folder


def test_the_repositorys_skills_are_linted_by_default(bench: Bench) -> None:
    assert (lint(cwd=bench.repo).returncode, lint(cwd=bench.repo).stdout) == (0, "")
    write(bench.repo / "skills" / "keep-counting", BAD)
    done = lint(cwd=bench.repo)
    assert done.returncode == 1
    assert done.stdout == (
        "skills/keep-counting/SKILL.md:8: error machine-path: it names a path of one machine ('/home/bob'). "
        "Remedy: use a path relative to the repository.\n"
    )
    assert done.stderr == "1 skill, 1 error, 0 warnings\n"


def test_paths_name_a_file_a_skill_or_what_holds_skills_at_any_depth(tmp_path: Path) -> None:
    deep = write(tmp_path / "a" / "b" / "c" / "keep-counting", BAD)
    write(tmp_path / "a" / "node_modules" / "x", BAD)
    write(tmp_path / "a" / ".git" / "y", BAD)
    (tmp_path / "a" / "linked").symlink_to(deep)
    for path in ("a", "a/b/c/keep-counting", "a/b/c/keep-counting/SKILL.md", "a/b/../b/c"):
        done = lint(path, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (1, "1 skill, 1 error, 0 warnings\n")
        assert done.stdout.startswith("a/b/c/keep-counting/SKILL.md:8: error machine-path")
    assert lint(".", cwd=deep).stdout.startswith("SKILL.md:8: error machine-path")
    assert lint("a", str(deep), cwd=tmp_path).stderr.startswith("1 skill,")


@pytest.mark.slow
def test_bad_input_is_said_and_exits_2(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.md").write_text("x")
    for args, words in (
        (("nowhere",), "nowhere does not exist"),
        (("empty",), "empty holds no skill"),
        (("file.md",), "file.md holds no skill"),
        ((), "no git repository"),
        (("--json", "--sarif", "."), "--json and --sarif"),
    ):
        done = lint(*args, cwd=tmp_path)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_skills_of_others_are_judged_leniently(tmp_path: Path) -> None:
    write(tmp_path / "x", OTHERS)
    assert lint("x", cwd=tmp_path).returncode == 1
    done = lint("--lenient", "x", cwd=tmp_path)
    assert done.returncode == 0
    assert "x/SKILL.md:3: warning unquoted-colon" in done.stdout


def test_json_is_one_document(tmp_path: Path) -> None:
    write(tmp_path / "keep-counting", BAD)
    done = lint("--json", ".", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert {key: document[key] for key in ("version", "errors", "warnings")} == {
        "version": 1,
        "errors": 1,
        "warnings": 0,
    }
    assert document["skills"] == [
        {
            "path": "keep-counting",
            "mended": [],
            "findings": [
                {
                    "rule": "machine-path",
                    "severity": "error",
                    "path": "SKILL.md",
                    "line": 8,
                    "message": "it names a path of one machine ('/home/bob')",
                    "remedy": "use a path relative to the repository",
                }
            ],
        }
    ]


def test_fix_mends_and_says_what(tmp_path: Path) -> None:
    folder = write(tmp_path / "keep-counting", BAD)
    done = lint("--fix", ".", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout == "keep-counting/SKILL.md: mended machine-path: masked '/home/bob'\n"
    assert (folder / "SKILL.md").read_text() == BAD.replace("/home/bob", "~")
    assert json.loads(lint("--fix", "--json", ".", cwd=tmp_path).stdout)["skills"][0]["mended"] == []


def test_escape_sequences_do_not_reach_the_terminal(tmp_path: Path) -> None:
    folder = write(tmp_path / "keep-counting", SKILL + "\x1b]0;x\x07 [a](\x1b[31mred)\n")
    (folder / "\x1b[31mred.md").write_text("x /home/bob/y")
    done = lint(".", cwd=tmp_path)
    assert done.returncode == 1
    assert "\x1b" not in done.stdout


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    return [value] if isinstance(value, str) else []


def test_sarif_holds_what_code_scanning_needs(bench: Bench) -> None:
    folder = write(bench.repo / "my skills" / "keep-counting", BAD + "![x](https://e.example/?q=$X)\n")
    (folder / "link").symlink_to("/etc/passwd")
    sub = bench.repo / "my skills"
    done = lint("--sarif", ".", cwd=sub)
    assert done.returncode == 1
    log = json.loads(done.stdout)
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "agentloop"
    rules = driver["rules"]
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in rules)
    assert {rule["defaultConfiguration"]["level"] for rule in rules} == {"error", "warning"}
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert {result["ruleId"] for result in run["results"]} >= {"machine-path", "remote-image", "link"}
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uri"].startswith("my%20skills/keep-counting/")
        assert place["region"]["startLine"] >= 1
    assert str(bench.repo) not in "".join(strings(log))


def test_a_finding_about_the_folder_points_at_its_skill_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "keep-counting")
    for number in range(60):
        (folder / f"keep-{number}").write_text("x")
    log = json.loads(lint("--sarif", ".", cwd=tmp_path).stdout)
    uris = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            for r in log["runs"][0]["results"] if r["ruleId"] == "size"}  # fmt: skip
    assert uris == {"keep-counting/SKILL.md"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0)
    done = lint("shut", cwd=tmp_path)
    assert done.returncode == 2
    assert "'shut' is not readable" in done.stderr


def test_the_skills_of_this_repository_pass() -> None:
    root = Path(__file__).parent.parent.parent
    done = lint(str(root / "skills"), cwd=root)
    assert (done.returncode, done.stdout) == (0, "")
    assert git(root, "status", "--porcelain", "skills") == ""
