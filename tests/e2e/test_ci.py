"""In CI: the examples' jobs on real repositories, each in a checkout of its own, and what differs where `CI` is set."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from agentloop.cli.run import run as run_command
from agentloop.predicate.language import grammar

from .conftest import Bench, git
from .terminal import at_terminal, end
from .test_limits import LATER, bench
from .test_run import RIGHT, WRONG

__all__ = ["bench"]
EXAMPLES = Path(__file__).parents[2] / "examples/ci"
FLAGS = ("--until", "sh check.sh passes", "--agent", "scripted", "--max-cost", "5", "--wait", "never")
GITHUB = {"GITHUB_ACTIONS": "true"}
GITLAB = {"GITLAB_CI": "true", "CI_PIPELINE_URL": "http://localhost/pipelines/7"}
SCRIPTED_GH = """#!/bin/sh
printf '%s\\n' "$@" >"$0.told"
cat >"$0.body"
"""
NOTE_OPTIONS = """#!/bin/sh
i=0
while [ "$i" -lt "${GIT_PUSH_OPTION_COUNT:-0}" ]; do eval "echo \\"\\$GIT_PUSH_OPTION_$i\\""; i=$((i + 1)); done >told
"""
Step = Callable[..., dict[str, Any]]


@dataclass
class Pipeline:
    """A repository over there whose branch `main` fails, and jobs that are run for it."""

    remote: Path
    folder: Path

    def checkout(self, name: str) -> Path:
        """What a job finds: a clone of its own, and nobody's name."""
        path = self.folder / name
        git(self.folder, "clone", "-q", str(self.remote), str(path))
        return path

    def job(self, cwd: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
        return subprocess.run(
            ["sh", "ci/mend.sh", *words], cwd=cwd, env={**os.environ, "PATH": path, "CI": "true", **env},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def propose(self, bundle: Path | None, **env: str) -> subprocess.CompletedProcess[str]:
        """The second job, with the artifacts of the first."""
        there = self.checkout("second")
        (there / "agentloop-out").mkdir()
        (there / "agentloop-out/report.md").write_text("The report.\n" * 9000)
        if bundle:
            (there / "agentloop-out/work.bundle").write_bytes(bundle.read_bytes())
        return self.job(there, "propose", "main", **env)

    def bundle(self, *branches: str, change: str = "count") -> Path:
        """What an agent could leave: branches with one commit."""
        there = self.checkout("forged")
        (there / change).write_text("3\n")
        git(there, "add", change)
        git(there, "-c", "user.name=x", "-c", "user.email=x@example.invalid", "commit", "-qm", "Mend it")
        for branch in branches:
            git(there, "update-ref", f"refs/heads/{branch}", "HEAD")
        path = self.folder / "forged.bundle"
        git(there, "bundle", "create", "-q", str(path), *[f"origin/main..{branch}" for branch in branches])
        return path

    def branches(self) -> list[str]:
        return git(self.remote, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()

    def gh(self, what: str) -> Path:
        return self.folder / f"bin/gh.{what}"


@pytest.fixture
def pipeline(bench: Bench, tmp_path: Path, isolated_home: Path) -> Pipeline:
    (bench.repo / "ci").mkdir()
    (bench.repo / "ci/mend.sh").write_bytes((EXAMPLES / "mend.sh").read_bytes())
    git(bench.repo, "add", "ci")
    git(bench.repo, "commit", "-qm", "Mend in CI")
    remote = tmp_path / "over there.git"
    git(tmp_path, "clone", "-q", "--bare", str(bench.repo), str(remote))
    (isolated_home / ".gitconfig").unlink()
    gh = tmp_path / "bin/gh"
    gh.parent.mkdir()
    gh.write_text(SCRIPTED_GH)
    gh.chmod(0o755)
    return Pipeline(remote, tmp_path)


def artifacts(checkout: Path) -> list[str]:
    return sorted(path.name for path in (checkout / "agentloop-out").iterdir() if path.name != ".gitignore")


def test_a_failing_branch_gets_a_pull_request_with_the_fix_and_the_skill(
    pipeline: Pipeline, bench: Bench, write_skill: Step
) -> None:
    bench.steps(WRONG, RIGHT, write_skill())
    first, summary = pipeline.checkout("first"), pipeline.folder / "summary.md"
    done = pipeline.job(first, "run", *FLAGS, GITHUB_STEP_SUMMARY=str(summary), **GITHUB)
    assert done.returncode == 0, done.stderr
    out = first / "agentloop-out"
    assert artifacts(first) == ["log.ndjson", "report.md", "result.json", "work.bundle"]
    assert "## agentloop: reached" in summary.read_text()
    assert summary.read_text() == (out / "report.md").read_text()
    assert json.loads((out / "log.ndjson").read_text().splitlines()[-1])["type"] == "run.ended"
    assert git(first, "status", "--porcelain") == ""
    assert pipeline.branches() == ["main"]

    proposed = pipeline.propose(out / "work.bundle", **GITHUB)
    assert proposed.returncode == 0, proposed.stderr
    branch = f"agentloop/{json.loads((out / 'result.json').read_text())['run']}"
    assert pipeline.branches() == [branch, "main"]
    log = git(pipeline.remote, "log", "--format=%an: %s", f"main..{branch}").splitlines()
    assert log == [
        "agentloop: Link skills for agents",
        "agentloop: Add skill keep-counting",
        "agentloop: Make it so that sh check.sh passes",
    ]
    assert git(pipeline.remote, "show", f"{branch}:count") == "3\n"
    assert pipeline.gh("told").read_text().split("\n") == [
        "pr", "create", "--base", "main", "--head", branch, "--title", "Mend main",
        "--body-file", "-", "",
    ]  # fmt: skip
    assert pipeline.gh("body").read_text() == ("The report.\n" * 9000)[:60000]


@pytest.mark.parametrize(("step", "flags", "code", "left", "said"), [
    (WRONG, ("--max-attempts", "1"), 1, ["log.ndjson", "report.md", "result.json", "unfinished.bundle"],
     "::warning title=agentloop::Not mended (exit code 1): see report.md in the artifacts.\n"),
    (LATER, (), 75, ["log.ndjson", "report.md", "result.json"],
     "::warning title=agentloop::The agent is rate-limited, and nothing waits here: run this job again later.\n"),
    (RIGHT, ("--max-cost", "much"), 2, ["result.json"], ""),
])  # fmt: skip
@pytest.mark.slow
def test_what_does_not_pass_is_told_kept_and_never_proposed(
    pipeline: Pipeline,
    bench: Bench,
    step: dict[str, Any],
    flags: tuple[str, ...],
    code: int,
    left: list[str],
    said: str,
) -> None:
    bench.steps(step)
    first = pipeline.checkout("first")
    done = pipeline.job(first, "run", *FLAGS, *flags, **GITHUB)
    assert (done.returncode, done.stdout) == (code, said), done.stderr
    assert artifacts(first) == left
    proposed = pipeline.propose(None, **GITHUB)
    assert (proposed.returncode, proposed.stdout) == (0, "::warning title=agentloop::There is nothing to propose.\n")
    assert (pipeline.branches(), pipeline.gh("told").exists()) == (["main"], False)


@pytest.mark.slow
def test_a_branch_that_passes_by_now_costs_nothing(pipeline: Pipeline, bench: Bench) -> None:
    bench.steps(RIGHT)
    first = pipeline.checkout("first")
    done = pipeline.job(first, "run", "--until", "file ci/mend.sh exists", *FLAGS[2:])
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert not bench.script.with_suffix(".log").exists()
    assert "work.bundle" not in artifacts(first)


@pytest.mark.slow
def test_a_merge_request_is_asked_for_by_the_push_itself(pipeline: Pipeline) -> None:
    git(pipeline.remote, "config", "receive.advertisePushOptions", "true")
    hook = pipeline.remote / "hooks/pre-receive"
    hook.write_text(NOTE_OPTIONS)
    hook.chmod(0o755)
    done = pipeline.propose(pipeline.bundle("agentloop/1-a"), PUSH_TO=str(pipeline.remote), **GITLAB)
    assert done.returncode == 0, done.stderr
    assert pipeline.branches() == ["agentloop/1-a", "main"]
    assert (pipeline.remote / "told").read_text().splitlines() == [
        "merge_request.create",
        "merge_request.target=main",
        "merge_request.title=Mend main",
        "merge_request.description=By agentloop; the report is in the artifacts of http://localhost/pipelines/7",
    ]
    assert not pipeline.gh("told").exists()


@pytest.mark.parametrize(("branches", "change", "words"), [
    (["main"], "count", "does not hold one branch"),
    (["agentloop/1-a", "agentloop/2-b"], "count", "does not hold one branch"),
    (["agentloop/1-a"], ".gitlab-ci.yml", "it changes the pipeline itself"),
    (["agentloop/1-a"], "ci/mend.sh", "it changes the pipeline itself"),
])  # fmt: skip
def test_of_what_an_agent_could_forge_nothing_is_pushed(
    pipeline: Pipeline, branches: list[str], change: str, words: str
) -> None:
    done = pipeline.propose(pipeline.bundle(*branches, change=change), **GITHUB)
    assert (done.returncode, words in done.stdout) == (1, True), done.stderr
    assert (pipeline.branches(), pipeline.gh("told").exists()) == (["main"], False)


@pytest.mark.slow
def test_a_branch_that_is_there_is_not_overwritten(pipeline: Pipeline) -> None:
    bundle = pipeline.bundle("agentloop/1-a")
    named = ("-c", "user.name=x", "-c", "user.email=x@example.invalid")
    other = git(pipeline.remote, *named, "commit-tree", "-m", "Other", "main^{tree}", "-p", "main").strip()
    git(pipeline.remote, "branch", "agentloop/1-a", other)
    assert pipeline.propose(bundle, **GITHUB).returncode == 1
    assert git(pipeline.remote, "rev-parse", "agentloop/1-a").strip() == other


def test_nobody_is_asked_in_ci_not_even_at_a_terminal(bench: Bench) -> None:
    with at_terminal(bench.repo, "check", "approved", CI="true") as child:
        code, told = end(child)
    assert (code, "nobody can be asked" in told) == (2, True)


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(EXAMPLES / name)
    return content


def commands(job: dict[str, Any]) -> list[str]:
    lines = job["script"] if "script" in job else [step["run"] for step in job["steps"] if "run" in step]
    return [line for text in lines for line in text.splitlines()]


@pytest.mark.parametrize("job", [
    pytest.param(read("github-actions.yml")["jobs"]["run"], id="github"),
    pytest.param(read("gitlab-ci.yml")["mend"], id="gitlab"),
])  # fmt: skip
def test_the_command_line_of_the_example_is_one(job: dict[str, Any]) -> None:
    (line,) = [line for line in commands(job) if "mend.sh run" in line]
    script, verb, *words = shlex.split(line)[1:]
    assert (script, verb) == ("ci/mend.sh", "run")
    context = run_command.make_context("run", ["--worktree", "--no-input", "--json", *words])
    assert isinstance(context, click.Context)
    assert (context.params["wait"], context.params["max_cost"]) == ("never", "5")
    for source in context.params["until"]:
        grammar.parse(source, grammar.Names({}, {}))
    assert "pip" in " ".join(commands(job))
    assert "agentloop-skills" in " ".join(commands(job))


def test_github_the_key_and_the_right_to_write_are_in_two_jobs_and_no_branch_name_is_in_a_script() -> None:
    workflow = read("github-actions.yml")
    run, propose = workflow["jobs"]["run"], workflow["jobs"]["propose"]
    assert (workflow["permissions"], run["permissions"]) == ({}, {"contents": "read"})
    assert propose["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert ("secrets." in str(run), "secrets." in str(propose)) == (True, False)
    assert run["steps"][0]["with"]["persist-credentials"] is False
    # For all, those that are skipped would push out one that waits.
    assert ("concurrency" in workflow, "head_branch" in run["concurrency"]["group"]) == (False, True)
    assert "head_repository.full_name == github.repository" in run["if"]
    assert "workflow_run.event == 'push'" in run["if"]
    assert set(workflow["on"]) == {"workflow_run", "workflow_dispatch"}
    assert not [line for job in (run, propose) for line in commands(job) if "${{" in line]


def test_gitlab_the_key_and_the_right_to_write_are_in_two_environments() -> None:
    pipeline = read("gitlab-ci.yml")
    mend, propose = pipeline["mend"], pipeline["propose"]
    assert (mend["environment"]["name"], propose["environment"]["name"]) == ("agentloop/run", "agentloop/propose")
    assert ("AGENTLOOP_PUSH_TOKEN" in str(mend), "AGENTLOOP_PUSH_TOKEN" in str(propose)) == (False, True)
    assert (mend["allow_failure"], mend["artifacts"]["when"]) == ({"exit_codes": 75}, "always")
    assert propose["needs"] == ["mend"]
    assert not [rule for job in (mend, propose) for rule in job["rules"] if "CI_COMMIT_BRANCH" not in rule["if"]]
