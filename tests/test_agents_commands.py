"""`agentloop agents`: small programs on PATH stand for agents, described by files of a user."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agentloop.agents import inspection
from agentloop.cli import cli
from agentloop.errors import AdapterError, UsageError
from agentloop.repo import Repo

from .e2e.terminal import at_terminal, end
from .test_repo import begin, git

ADAPTER = """name = "mine"
title = "Mine"
programs = ["mine"]
install = "install mine"
start = ["{program}", "go"]
version = ["{program}", "--version"]
proven = ["1.0.0", "1.9.0"]
skills_probe = ["{program}", "skills"]
keys = ["MINE_KEY"]
key_files = ["~/.mine/login"]
skills = [".mine/skills", ".agents/skills"]
user_skills = ["$MINE_HOME/skills", "~/.mine/skills"]
[[permissions.edit]]
[store]
root = "~/.mine"
files = "*.jsonl"
cwd = "cwd"
"""
PROGRAM = """#!/bin/sh
echo "$1" >> {marks}
case "$1" in
--version) echo "mine 1.2.3 (2020)" ;;
skills) for each in .agents/skills/*/ .mine/skills/*/; do basename "$each"; done ;;
esac
"""
SKILL = '---\nname: {name}\ndescription: "Does it. Use when it is wanted."\n---\n\nDo it.\n'


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    made = begin(tmp_path / "repo")
    monkeypatch.chdir(made.root)
    return made


@pytest.fixture
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An agent `mine` that writes down how it was called; nothing else is installed."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    monkeypatch.setenv("PATH", f"{bin_folder}:/usr/bin:/bin")
    marks = tmp_path / "marks"
    program(tmp_path, PROGRAM.format(marks=marks))
    describe(ADAPTER)
    return marks


def program(folder: Path, source: str, name: str = "mine") -> None:
    path = folder / "bin" / name
    path.write_text(source)
    path.chmod(0o755)


def describe(content: str, name: str = "mine") -> Path:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "agentloop/agents" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def keep(repo: Repo, *names: str) -> None:
    for name in names:
        path = repo.root / "skills" / name
        path.mkdir(parents=True)
        (path / "SKILL.md").write_text(SKILL.format(name=name))
    git(repo.root, "add", ".")
    git(repo.root, "commit", "-qm", "Keep skills")


def agents(*args: str) -> Result:
    return CliRunner().invoke(cli, ["agents", *args], standalone_mode=False)


def findings(*args: str) -> dict[str, dict[str, str]]:
    """What the doctor finds about an agent, by what it is about."""
    done = agents("doctor", *args, "--json")
    assert done.exception is None, done.output
    (agent,) = json.loads(done.stdout)["agents"]
    return {finding.pop("about"): finding for finding in agent["findings"]}


def levels(*args: str) -> dict[str, str]:
    return {about: finding["level"] for about, finding in findings(*args).items()}


def test_a_list_of_any_length_is_aligned_and_starts_nothing(marks: Path) -> None:
    describe(ADAPTER.replace("mine", "a-very-long-name-of-an-agent"), "a-very-long-name-of-an-agent")
    done = agents()
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == sorted(line.split()[0] for line in lines)
    assert len({line.index(" installed") for line in lines if " not installed" not in line}) == 1
    (mine,) = [line for line in lines if line.startswith("mine ")]
    assert mine.split("  ")[-1].strip() == "headless"
    assert "run with 1.0.0 to 1.9.0" in mine
    assert done.stdout == agents("list").stdout
    assert not marks.exists()


def test_the_list_fits_a_narrow_terminal(marks: Path, tmp_path: Path) -> None:
    with at_terminal(tmp_path, "agents", "list", COLUMNS="50") as child:
        code, out = end(child)
    lines = out.replace("\r", "").splitlines()
    assert code == 0
    assert max(map(len, lines)) <= 50
    assert {"claude", "codex", "mine"} <= {line.split()[0] for line in lines}


def test_the_list_for_programs(marks: Path) -> None:
    listed = {each["name"]: each for each in json.loads(agents("list", "--json").stdout)}
    assert listed["mine"]["program"].endswith("/bin/mine")
    assert (listed["mine"]["origin"], listed["codex"]["origin"]) == ("user", "agentloop")
    assert (listed["codex"]["program"], listed["codex"]["drivers"][0]) == (None, "headless")
    assert listed["claude"]["proven"] == ["2.1.197", "2.1.330"]


def test_a_file_that_is_wrong_is_told_beside_the_list(marks: Path) -> None:
    path = describe('name = "wrong"\nstart = ["x"]\ncolour = "red"\n', "wrong")
    done = agents("list")
    assert done.return_value != 2
    assert "mine" in done.stdout
    assert f"not read: {path}:3: unknown key 'colour'" in done.stderr


def test_all_that_is_known_of_an_agent_is_shown(marks: Path) -> None:
    shown = agents("show", "mine").stdout
    for words in ("mine: Mine", "your own", "run with 1.0.0 to 1.9.0", "by stdin", "it cannot be returned to"):
        assert words in shown
    for line in (["start", "{program}", "go"], ["key_files", "~/.mine/login"], ["store.root", "~/.mine"]):
        assert line in [each.split() for each in shown.splitlines()]
    as_data = json.loads(agents("show", "mine", "--json").stdout)
    assert (as_data["start"], as_data["origin"]) == (["{program}", "go"], "user")


def test_every_agent_of_ours_is_shown(marks: Path) -> None:
    for name in [line.split()[0] for line in agents("list").stdout.splitlines()]:
        done = agents("show", name)
        assert done.exception is None
        assert "session" in done.stdout


def test_a_file_is_checked_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "draft.toml"
    path.write_text('name = "draft"\nstart = ["x"]\n')
    done = agents("show", str(path))
    assert done.return_value == 0
    assert "no run uses it" in done.stdout
    path.write_text('name = "draft"\nstart = "x y"\n[[errors]]\nkind = "rain"\n')
    done = agents("show", str(path))
    assert done.return_value == 2
    assert f'{path}:2: start: a list is wanted, not the text "x y"\n  write: start = ["x", "y"]\n' in done.stderr
    assert f"{path}:4: errors.kind: one of rate_limit" in done.stderr
    wrong = json.loads(agents("show", str(path), "--json").stdout)["problems"]
    assert [problem["line"] for problem in wrong] == [2, 4]
    assert "it cannot be read: No such file" in agents("show", str(tmp_path / "none.toml")).stderr


def test_a_file_that_runs_use_is_known_by_its_path_too(marks: Path) -> None:
    path = describe('name = "draft"\nstart = ["x", "a b"]\n', "draft")
    shown = agents("show", str(path)).stdout
    assert f"{path}, your own" in shown
    assert "x 'a b'" in shown


def test_an_unknown_name_gets_the_near_one(marks: Path) -> None:
    for command in ("show", "doctor"):
        error = agents(command, "cluade").exception
        assert isinstance(error, UsageError)
        assert "did you mean claude?" in error.hint


def test_a_healthy_agent(repo: Repo, marks: Path, isolated_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(repo, "one", "two")
    assert agents_link().return_value == 0
    (isolated_home / ".mine").mkdir()
    monkeypatch.setenv("MINE_KEY", "sesame")
    done = agents("doctor", "mine")
    assert done.return_value == 0
    assert "sesame" not in done.output
    found = findings("mine")
    assert {finding["level"] for finding in found.values()} == {"ok"}, found
    words = {about: finding["words"] for about, finding in found.items()}
    assert words["version"] == "1.2.3"
    assert words["login"] == "MINE_KEY is set"
    assert words["skills"] == "it finds those of skills/ in .agents/skills: one, two"
    assert words["seen"] == "it lists them itself"
    assert words["permissions"] == "edit unless you say otherwise"
    assert words["sessions"] == f"they are in {isolated_home}/.mine"
    assert {*marks.read_text().split()} == {"--version", "skills"}


def agents_link() -> Result:
    return CliRunner().invoke(cli, ["skills", "link"], standalone_mode=False)


def test_skills_that_are_not_linked_come_with_the_command_that_links_them(repo: Repo, marks: Path) -> None:
    keep(repo, "one")
    found = findings("mine")
    assert (found["skills"]["level"], found["seen"]["level"]) == ("note", "note")
    assert found["skills"]["words"] == "not in .mine/skills, .agents/skills: one"
    assert found["skills"]["remedy"] == found["seen"]["remedy"] == "agentloop skills link"
    agents_link()
    assert levels("mine")["skills"] == "ok"
    (repo.root / ".agents/skills").unlink()
    (repo.root / ".agents/skills").symlink_to("../gone")
    assert findings("mine")["skills"]["remedy"] == "agentloop skills link"


def test_the_remedy_for_an_agent_with_a_folder_of_its_own_works(repo: Repo, marks: Path) -> None:
    keep(repo, "one")
    describe(ADAPTER.replace(', ".agents/skills"', ""))
    remedy = findings("mine")["skills"]["remedy"]
    assert remedy == "mkdir -p .mine && agentloop skills link"
    here = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(remedy, shell=True, check=True, capture_output=True, env={**os.environ, "PATH": here})
    assert levels("mine")["skills"] == "ok"


def test_a_skill_that_the_agent_does_not_list_although_it_is_there(repo: Repo, marks: Path, tmp_path: Path) -> None:
    keep(repo, "one", "one-more")
    agents_link()
    program(tmp_path, "#!/bin/sh\necho '1.2.3: one-more'\n")
    seen = findings("mine")["seen"]
    assert seen["words"] == "it does not list one, although it reads their folder"
    assert seen["remedy"].endswith("bin/mine skills")


@pytest.mark.parametrize(
    ("source", "level", "words"),
    [
        ("echo 0.9", "note", "0.9 is older than what its file was run with 1.0.0 to 1.9.0"),
        ("echo v1.10.0-rc.1", "note", "1.10.0-rc.1 is newer than"),
        ("echo nothing to see", "note", "it does not say: nothing to see"),
        ("echo 'needs a newer node' >&2; exit 3", "problem", "exit code 3: needs a newer node"),
        ("kill -9 $$", "problem", "signal 9: it printed nothing"),
        ("echo 'again in 2.3s' >&2; echo 1.3.0", "ok", "1.3.0"),
        ("echo 'version 1.3.0' >&2", "ok", "1.3.0"),
        ("printf '\\033[2J1.3.0\\007'", "ok", "1.3.0"),
        ("exec sleep 30", "note", "it did not answer within 1 s"),
    ],
)
def test_what_the_version_is_told_to_be(
    marks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, level: str, words: str
) -> None:
    monkeypatch.setattr(inspection, "_VERSION_TIMEOUT_S", 1.0 if "sleep" in source else 30.0)
    monkeypatch.chdir(tmp_path)
    program(tmp_path, f"#!/bin/sh\n{source}\n")
    done = agents("doctor", "mine", "--json")
    (agent,) = json.loads(done.stdout)["agents"]
    (version,) = [finding for finding in agent["findings"] if finding["about"] == "version"]
    assert (version["level"], version["words"][: len(words)]) == (level, words)
    assert (agent["usable"], done.return_value) == (level != "problem", 5 if level == "problem" else 0)


def test_an_agent_that_is_missing_cannot_be_used(marks: Path, tmp_path: Path) -> None:
    (tmp_path / "bin/mine").unlink()
    done = agents("doctor", "mine")
    assert done.return_value == 5
    assert "mine is not on PATH" in done.stdout
    assert "→ install mine" in done.stdout


def test_without_a_name_those_that_are_missing_come_last(marks: Path, repo: Repo) -> None:
    done = agents("doctor")
    assert done.return_value == 0
    described, missing = done.stdout.split("not installed\n")
    assert "mine: Mine" in described
    assert "offline: " in described
    assert ["codex", "npm", "install", "-g", "@openai/codex"] in [line.split() for line in missing.splitlines()]
    as_data = json.loads(agents("doctor", "--json").stdout)
    assert {each["name"] for each in as_data["not_installed"]} >= {"claude", "codex"}


def test_without_a_key_and_without_a_login(marks: Path, isolated_home: Path) -> None:
    login = findings("mine")["login"]
    assert (login["level"], login["words"]) == ("note", "none of MINE_KEY is set; there is no ~/.mine/login")
    (isolated_home / ".mine").mkdir()
    (isolated_home / ".mine/login").touch(mode=0)
    assert findings("mine")["login"] == {"level": "ok", "words": "there is ~/.mine/login", "remedy": ""}


def test_outside_of_a_repository(marks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = findings("mine")
    assert found["skills"]["words"] == "it reads .mine/skills, .agents/skills of a repository; here is none"
    assert "seen" not in found


def test_a_file_of_ones_own_that_stands_before_ours_is_told_of(marks: Path, tmp_path: Path) -> None:
    describe('name = "codex"\nstart = ["{program}"]\nprograms = ["mine"]\n', "codex")
    assert findings("codex")["file"]["level"] == "note"
    assert "stands before" in findings("codex")["file"]["words"]


def test_a_wrong_file_makes_its_agent_unusable_and_no_other(marks: Path) -> None:
    path = describe('name = "wrong"\nstart = []\n', "wrong")
    done = agents("doctor", "--json")
    assert done.return_value == 5
    as_data = json.loads(done.stdout)
    assert {each["name"]: each["usable"] for each in as_data["agents"]}["mine"] is True
    assert [(each["name"], str(path) in each["words"]) for each in as_data["not_read"]] == [("wrong", True)]
    assert isinstance(agents("doctor", "wrong").exception, AdapterError)


def test_an_installed_package_brings_agents(tmp_path: Path) -> None:
    site = tmp_path / "site"
    package = site / "acme_agents"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('it was imported')\n")
    (package / "acme.toml").write_text('name = "acme"\ntitle = "Acme"\nstart = ["acme"]\n')
    info = site / "acme_agents-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-agents\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[agentloop.agents]\nacme = acme_agents\ngone = no_such_package\n")

    def call(*args: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": str(site)}
        return subprocess.run(
            [sys.executable, "-m", "agentloop", "agents", *args], env=env, capture_output=True, text=True, check=False
        )

    done = call("list", "--json")
    listed: dict[str, Any] = {each["name"]: each for each in json.loads(done.stdout)}
    assert (listed["acme"]["origin"], listed["acme"]["file"]) == ("package", str(package / "acme.toml"))
    assert "gone.toml: it cannot be read" in done.stderr
    assert "of an installed package" in call("show", "acme").stdout
