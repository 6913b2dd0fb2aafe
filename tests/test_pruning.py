"""Old records taken away: real journals, real repositories, real snapshots."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from agentloop import events as ev
from agentloop.records import folders, journal, pruning
from agentloop.records.pruning import Limits
from agentloop.repo import Repo

from .old_records import place, record

DAY_S = 86400.0
ENDED = ev.RunEnded(outcome="not_reached", exit_code=1, reason="it does not hold")
DRAFT = (
    ev.SkillDrafted(name="n", path="d/n"),
    ev.SkillKeptBack(reason="put off", path="d/n"),
)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "a").write_text("1\n")
    return Repo.create(folder, "Begin")


def prune(repo: Repo, limits: Limits) -> None:
    for each in pruning.choose([*pruning.look_at(place(repo))], limits, time.time()):
        assert pruning.remove(each, repo)


def left(repo: Repo) -> list[str]:
    return [folder.run for folder in folders.of(place(repo))]


def test_what_is_old_goes_with_its_snapshots_and_what_is_young_stays(repo: Repo) -> None:
    old, young = record(repo, 40, ENDED), record(repo, 20, ENDED)
    assert repo.snapshotted_runs() == [old.run, young.run]
    prune(repo, Limits(older_than_s=30 * DAY_S))
    assert left(repo) == [young.run]
    assert repo.snapshotted_runs() == [young.run]
    assert [path.name for path in place(repo).iterdir()] == [young.run]


def test_what_somebody_may_still_need_stays(repo: Repo) -> None:
    record(repo, 49, ENDED)
    cut_off, draft = record(repo, 48), record(repo, 47, *DRAFT, ENDED)
    working, damaged = record(repo, 46, ENDED), record(repo, 45, ENDED)
    damaged.journal.write_text(damaged.journal.read_text().replace('"seq":0', '"seq":0,"what":1'))
    book = journal.Journal(working)
    try:
        prune(repo, Limits(older_than_s=0, keep=0, max_bytes=0))
        assert left(repo) == [cut_off.run, draft.run, working.run, damaged.run]
        found = {each.folder.run: each.needed for each in pruning.look_at(place(repo))}
        assert found == {
            cut_off.run: "it can be resumed",
            draft.run: "",
            working.run: "it is at work",
            damaged.run: "its journal cannot be read",
        }
    finally:
        book.close()
    prune(repo, Limits(older_than_s=0, drafts_too=True))
    assert left(repo) == [cut_off.run, damaged.run]


def test_a_run_whose_worktree_is_gone_cannot_be_resumed(repo: Repo, tmp_path: Path) -> None:
    cut_off = record(repo, 40)
    repo.root.rename(tmp_path / "moved")
    (only,) = pruning.look_at(cut_off.path.parent)
    assert only.needed == ""


def test_so_many_are_kept_and_so_much(repo: Repo) -> None:
    folders = [record(repo, 10 - n, ENDED, snapshots=False, size=100_000) for n in range(5)]
    prune(repo, Limits(keep=4))
    assert left(repo) == [folder.run for folder in folders[1:]]
    prune(repo, Limits(max_bytes=250_000))
    assert left(repo) == [folder.run for folder in folders[3:]]


def test_one_that_is_taken_up_between_the_choice_and_the_removal_stays(repo: Repo) -> None:
    old = record(repo, 40, ENDED)
    (chosen,) = pruning.look_at(place(repo))
    book = journal.Journal(old)
    try:
        assert not pruning.remove(chosen, repo)
    finally:
        book.close()
    assert left(repo) == [old.run]
    assert repo.snapshotted_runs() == [old.run]


def test_what_a_kill_left_is_swept(repo: Repo) -> None:
    old = record(repo, 40, ENDED)
    old.path.rename(old.path.with_name(f".pruned-{old.run}"))
    assert left(repo) == []
    pruning.sweep(place(repo))
    assert [*place(repo).iterdir()] == []


def test_what_fingerprints_gathered_goes_after_a_day_unless_it_is_in_use(repo: Repo, tmp_path: Path) -> None:
    repository = folders.repository_folder(repo.common_dir)
    places = [folders.fingerprint_folder(repo.common_dir, tmp_path / name) for name in ("young", "used", "old")]
    trees = [repo.fingerprint(folder) for folder in places]
    yesterday = time.time() - 90000
    for folder in places[1:]:
        os.utime(folder / "index.excludes", (yesterday, yesterday))
    os.utime(places[2], (yesterday, yesterday))
    pruning.sweep(repository)
    assert [folder.exists() for folder in places] == [True, True, False]
    assert [repo.fingerprint(folder) for folder in places] == trees


def test_snapshots_without_a_record_go_when_they_are_old(repo: Repo, tmp_path: Path) -> None:
    kept = record(repo, 50, ENDED)
    young = time.strftime("%Y%m%d-%H%M%S-0001")
    for run in ("20200101-000000-abcd", young, "not-a-run"):
        repo.snapshot(run, 0, tmp_path / "index")
    assert pruning.orphans(repo, place(repo), 30 * DAY_S) == ["20200101-000000-abcd"]
    assert kept.run in repo.snapshotted_runs()


def test_a_folder_in_which_nothing_began_goes_after_a_while(repo: Repo) -> None:
    empty = folders.new_run(repo.common_dir)
    assert [each.needed for each in pruning.look_at(place(repo))] == ["it is about to begin"]
    os.utime(empty.path, (1, 1))
    prune(repo, Limits(older_than_s=DAY_S))
    assert left(repo) == []


def test_a_repository_is_known_by_its_runs_until_it_is_gone(repo: Repo, tmp_path: Path) -> None:
    old = record(repo, 40, ENDED)
    folder = place(repo)
    assert folders.repositories() == [folder]
    found = pruning.repository_of(folder)
    assert found is not None
    assert found.root == repo.root
    repo.root.rename(tmp_path / "moved")
    assert pruning.repository_of(folder) is None
    subprocess.run(["git", "init", "-q", str(tmp_path / "other")], check=True)
    (tmp_path / "other").rename(repo.root)  # the same path: the same repository, as far as its records say
    assert pruning.repository_of(folder) is not None
    (chosen,) = pruning.look_at(folder)
    assert not pruning.remove_rest(folder)
    pruning.remove(chosen, None)
    assert pruning.remove_rest(folder)
    assert not old.path.parent.exists()


def test_unasked_it_is_done_once_a_day_and_never_when_all_is_to_be_kept(repo: Repo) -> None:
    record(repo, 100, ENDED)
    assert pruning.prune_daily(repo, Limits(), 60) == 0
    limits = Limits(older_than_s=90 * DAY_S)
    assert pruning.prune_daily(repo, limits, 60) == 1
    again = record(repo, 100, ENDED)
    assert pruning.prune_daily(repo, limits, 60) == 0
    os.utime(place(repo) / "pruned", (1, 1))
    assert pruning.prune_daily(repo, limits, 60) == 1
    assert not again.path.exists()


def test_unasked_it_stops_when_its_time_is_up(repo: Repo) -> None:
    for _ in range(6):
        record(repo, 100, ENDED, snapshots=False)
    clock = iter(range(1000))
    removed = pruning.prune_daily(repo, Limits(older_than_s=DAY_S), 8, clock=lambda: float(next(clock)))
    assert 0 < removed < 6
