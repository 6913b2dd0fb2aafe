"""An unchanged tree is not checked twice; whatever changes is."""

import os
import subprocess
from pathlib import Path

import pytest

from agentloop.events import Leaf
from agentloop.predicate.language import grammar
from agentloop.records import receipts
from agentloop.repo import Repo
from agentloop.sandbox import Sandbox

ENV = {"PATH": os.environ["PATH"]}
BOX = Sandbox("none")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "file").write_text("one\n")
    (root / ".gitignore").write_text("ignored\n__pycache__/\n")
    return Repo.create(root, "Begin")


def key(repo: Repo, folder: Path, predicate: str = "true passes") -> str:
    return receipts.key_of(repo.fingerprint(folder), grammar.parse(predicate), repo, ENV, BOX)


def test_the_key_is_the_trees_the_predicates_and_the_tools(repo: Repo, tmp_path: Path) -> None:
    folder = tmp_path / "fingerprint"
    before = key(repo, folder)
    assert key(repo, folder) == before
    assert key(repo, folder, "false passes") != before
    (repo.root / "ignored").write_text("a build, say\n")
    assert key(repo, folder) != before
    (repo.root / "ignored").unlink()
    assert key(repo, folder) == before
    (repo.root / "__pycache__").mkdir()
    (repo.root / "__pycache__" / "x.pyc").write_text("a cache does not count\n")
    assert key(repo, folder) == before
    (repo.root / "new").write_text("untracked counts\n")
    assert key(repo, folder) != before
    (repo.root / "new").unlink()
    assert key(repo, folder) == before
    (repo.root / "file").chmod(0o755)
    assert key(repo, folder) != before


def test_another_sandbox_is_another_key(repo: Repo, tmp_path: Path) -> None:
    tree, node = repo.fingerprint(tmp_path / "f"), grammar.parse("true passes")
    boxes = (BOX, Sandbox("landlock"), Sandbox("landlock", ("~/data",)))
    assert len({receipts.key_of(tree, node, repo, ENV, box) for box in boxes}) == len(boxes)


def test_another_tool_of_the_same_name_is_another_key(repo: Repo, tmp_path: Path) -> None:
    bins = tmp_path / "bin"
    bins.mkdir()
    tool = bins / "mytool"
    tool.write_text("#!/bin/sh\nexit 0\n")
    tool.chmod(0o755)
    tree, node = repo.fingerprint(tmp_path / "f"), grammar.parse("mytool passes")
    env = {"PATH": f"{bins}:{ENV['PATH']}"}
    before = receipts.key_of(tree, node, repo, env, BOX)
    tool.write_text("#!/bin/sh\nexit 1\n")
    assert receipts.key_of(tree, node, repo, env, BOX) != before


@pytest.mark.parametrize(
    "predicate",
    [
        "url http://127.0.0.1:9 is up",
        "file x exists",
        "true passes within 1s",
        "duration < 5s",
        "true passes and approved",
    ],
)
def test_what_looks_outside_of_the_tree_gets_none(repo: Repo, tmp_path: Path, predicate: str) -> None:
    assert key(repo, tmp_path / "f", predicate) == ""


def test_a_receipt_without_its_logs_is_of_no_use_to_a_run(tmp_path: Path) -> None:
    log = tmp_path / "1.log"
    log.write_text("x")
    kept = receipts.Receipts(tmp_path / "receipts")
    leaf = Leaf(source="true passes", verdict="pass", reason="exited 0", log=str(log))
    kept.remember("k", receipts.receipt_of("t", grammar.parse("true passes"), "pass", [leaf]))
    assert kept.recall("k", with_logs=True)
    log.unlink()
    assert kept.recall("k", with_logs=True) is None
    assert kept.recall("k", with_logs=False)
    assert kept.recall("", with_logs=False) is None
    (tmp_path / "receipts/k.json").write_text("{torn")
    assert kept.recall("k", with_logs=False) is None


def test_the_oldest_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "_MAX_RECEIPTS", 3)
    kept = receipts.Receipts(tmp_path)
    for number in range(5):
        kept.remember(f"k{number}", receipts.receipt_of("t", grammar.parse("true passes"), "pass", []))
        os.utime(tmp_path / f"k{number}.json", (number, number))
    assert len(list(tmp_path.glob("*.json"))) == 3
    assert kept.recall("k4", with_logs=False)


def test_the_fingerprint_writes_nothing_into_the_repository(repo: Repo, tmp_path: Path) -> None:
    (repo.root / "staged").write_text("s\n")
    subprocess.run(["git", "add", "staged"], cwd=repo.root, check=True)
    (repo.root / "staged").write_text("s and more\n")
    (repo.root / "untracked").write_text("secret draft\n")
    before = {path: path.read_bytes() for path in (repo.root / ".git").rglob("*") if path.is_file()}
    first = repo.fingerprint(tmp_path / "f")
    assert repo.fingerprint(tmp_path / "f") == first
    assert {path: path.read_bytes() for path in (repo.root / ".git").rglob("*") if path.is_file()} == before
    assert repo.snapshot("r", 0, tmp_path / "index").tree == first
