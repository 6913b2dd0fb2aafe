"""Receipts of commits: kept one a tree and a predicate, few enough, and readable without anything heavy."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agentloop.config import state_folder
from agentloop.records import commit_receipts, folders
from agentloop.records.commit_receipts import CommitReceipt

TREE = "a" * 40
RECEIPT = CommitReceipt(TREE, "`true` passes", "pass", 100.0, 1.5, "digest", "/logs")


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "commit-receipts").iterdir())


def test_the_newest_receipt_of_a_tree_is_read(tmp_path: Path) -> None:
    older = replace(RECEIPT, predicate="`false` passes", verdict="fail", at=50.0)
    for receipt in (RECEIPT, older, replace(RECEIPT, tree="b" * 64, at=900.0)):
        commit_receipts.write(tmp_path, receipt)
    assert commit_receipts.read(tmp_path, TREE) == RECEIPT
    assert commit_receipts.read(tmp_path, TREE, older.predicate) == older
    assert commit_receipts.read(tmp_path, TREE, "another") is None
    assert commit_receipts.read(tmp_path, "c" * 40) is None
    commit_receipts.write(tmp_path, replace(RECEIPT, verdict="error", at=101.0))
    assert commit_receipts.read(tmp_path, TREE) == replace(RECEIPT, verdict="error", at=101.0)
    assert len(kept(tmp_path)) == 3


def test_the_oldest_go_and_nothing_unfinished_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_receipts, "_MAX_RECEIPTS", 3)
    for number in range(5):
        commit_receipts.write(tmp_path, replace(RECEIPT, tree=f"{number}" * 40))
        os.utime(kept(tmp_path)[-1], (number + 1, number + 1))
    assert [path.name[0] for path in kept(tmp_path)] == ["2", "3", "4"]


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"tree": 1}', "[" * 100_000, "\xff"])
def test_what_cannot_be_read_is_no_receipt(tmp_path: Path, content: str) -> None:
    commit_receipts.write(tmp_path, RECEIPT)
    kept(tmp_path)[0].write_bytes(content.encode("latin-1"))
    assert commit_receipts.read(tmp_path, TREE) is None


@pytest.mark.parametrize("tree", ["", "../../etc", "A" * 40, "a" * 41, f"{TREE}\n"])
def test_what_is_no_tree_is_neither_written_nor_found(tmp_path: Path, tree: str) -> None:
    assert commit_receipts.read(tmp_path, tree) is None
    with pytest.raises(ValueError, match="no id of a tree"):
        commit_receipts.write(tmp_path, replace(RECEIPT, tree=tree))


@pytest.mark.parametrize("state", ["/somewhere/state", "", "  "])
def test_the_folder_is_the_one_of_the_journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", state)
    folder = commit_receipts.folder_of(tmp_path / "a b/.git")
    assert folder == folders.repository_folder(tmp_path / "a b/.git")
    assert (folder.parent, folder.name[:4]) == (state_folder(), "a-b-")


def test_nothing_but_the_standard_library_is_imported() -> None:
    heavy = ["agentloop.config", "agentloop.records.journal", "pydantic", "click", "platformdirs"]
    told = f"import sys, agentloop.records.commit_receipts; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
