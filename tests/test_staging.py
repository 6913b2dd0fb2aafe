"""The staging folder is ours alone, whatever an agent made of it."""

from pathlib import Path

import pytest

from agentloop.distill.staging import STAGING, Staging


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    (tmp_path / ".gitignore").write_text("mine\n")
    return Staging(tmp_path, "run-1")


def test_it_ignores_itself_and_goes_away(staging: Staging) -> None:
    staging.open()
    assert (staging.root / STAGING / ".gitignore").read_text() == "*\n"
    staging.close()
    assert [path.name for path in staging.root.iterdir()] == [".gitignore"]


def test_it_does_not_follow_a_link_to_the_persons_folder(staging: Staging) -> None:
    (staging.root / STAGING).symlink_to(".")
    staging.open()
    assert (staging.root / ".gitignore").read_text() == "mine\n"
    assert staging.folder.is_dir()
    assert not (staging.root / "run-1").exists()


def test_neither_a_file_in_its_place_nor_a_linked_ignore_file_hinders(staging: Staging) -> None:
    (staging.root / STAGING).write_text("a file\n")
    staging.open()
    staging.close()
    (staging.root / STAGING).mkdir()
    (staging.root / STAGING / ".gitignore").symlink_to("../.gitignore")
    staging.folder.symlink_to("..")
    staging.open()
    assert (staging.root / ".gitignore").read_text() == "mine\n"
    assert (staging.root / STAGING / ".gitignore").read_text() == "*\n"
    assert not staging.folder.is_symlink()


def test_what_a_link_leads_to_is_no_draft_and_is_not_taken_away(staging: Staging, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "run-1/a").mkdir(parents=True)
    (staging.root / STAGING).symlink_to(outside)
    assert staging.drafts() == []
    staging.close()
    assert (outside / "run-1/a").is_dir()
    assert not (staging.root / STAGING).is_symlink()
