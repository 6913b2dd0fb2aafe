"""The stores of the agents: what each keeps of a session, read by its adapter; and stores that hold anything.

`stores/NAME/` is what an agent kept of one session, shortened: a command that failed, one that succeeded, two words.
`{cwd}` in it is the folder that the session worked in; a database is there as the SQL that makes it.
"""

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agentloop.agents import registry, store
from agentloop.agents.spec import Adapter
from agentloop.agents.store_spec import Store
from agentloop.events import ToolCalled, ToolEnded

SAMPLES = Path(__file__).with_name("stores")
KEEPING = sorted(name for name, adapter in registry.load_all()[0].items() if adapter.store)


def store_of(adapter: Adapter) -> Store:
    assert adapter.store
    return adapter.store


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def lay_down(adapter: Adapter, cwd: Path) -> None:
    """Put the sample where the agent keeps its sessions."""
    sample, root = SAMPLES / adapter.name, store.folder(store_of(adapter))
    for source in sample.rglob("*"):
        if source.is_file():
            text = source.read_text().replace("{cwd}", str(cwd))
            target = root / source.relative_to(sample)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.suffix == ".sql":
                with closing(sqlite3.connect(target.with_suffix(""))) as database:
                    database.executescript(text)
            else:
                target.write_text(text)


@pytest.mark.parametrize("name", KEEPING)
def test_what_an_agent_kept_of_a_session_is_read(name: str, place: Path) -> None:
    adapter = registry.load(name)
    lay_down(adapter, place / "sub")
    (found,) = store.stored_sessions(adapter, place)
    assert found.cwd == place / "sub"
    assert found.began == pytest.approx(1795646300, abs=100)
    assert found.session
    read = store.transcript(adapter, found)
    called = [event for event in read.events if isinstance(event, ToolCalled)]
    ended = [event for event in read.events if isinstance(event, ToolEnded)]
    assert [event.command for event in called] == ["ls no-such-file", "echo hello"]
    assert [(event.call, event.failed) for event in ended] == [(called[0].call, True), (called[1].call, False)]
    assert "cannot access 'no-such-file'" in ended[0].output
    assert read.reader.text == "All done."
    assert store.newest_session(adapter, place / "sub", 0.0) == found.session
    assert store.newest_session(adapter, place, 0.0) is None
    assert store.transcript(adapter, found, since=time.time()).events == ()


@pytest.mark.parametrize("name", KEEPING)
def test_a_session_of_another_folder_is_nobodys(name: str, place: Path, tmp_path: Path) -> None:
    adapter = registry.load(name)
    lay_down(adapter, tmp_path / "project-2")
    assert not list(store.stored_sessions(adapter, place))
    assert store.count(adapter) == 1


@pytest.fixture
def keep(isolated_home: Path) -> Callable[..., Path]:
    """Write a session of an agent that keeps JSON lines."""

    def write(name: str, *lines: Any, at: float | None = None) -> Path:
        path = isolated_home / ".made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
        if at is not None:
            os.utime(path, (at, at))
        return path

    return write


def made(**changes: Any) -> Adapter:
    told = {"root": "~/.made", "files": "*.jsonl", "session": "id", "cwd": "cwd", "time": "at"}
    kept = {**told, "paths": {"tools": "call && [call]"}, **changes}
    return Adapter.model_validate({"name": "made", "start": ["made"], "store": kept})


def names(adapter: Adapter, place: Path, since: float = 0.0) -> list[str]:
    return [one.session for one in store.stored_sessions(adapter, place, since)]


def test_the_newest_comes_first_and_older_ones_can_be_left_out(keep: Callable[..., Path], place: Path) -> None:
    for number in (2, 1, 3):
        keep(f"{number}.jsonl", {"id": f"s-{number}", "cwd": str(place)}, at=1000.0 * number)
    assert names(made(), place) == ["s-3", "s-2", "s-1"]
    assert names(made(), place, since=1500) == ["s-3", "s-2"]
    assert store.newest_session(made(), place, since=3500) is None


def test_a_session_is_known_by_its_files_name_when_it_names_itself_nowhere(
    keep: Callable[..., Path], place: Path
) -> None:
    keep("s-1.jsonl", {"cwd": str(place)})
    assert names(made(session=""), place) == ["s-1"]


def test_what_a_session_is_may_stand_in_a_text_that_is_json(keep: Callable[..., Path], place: Path) -> None:
    keep("s-1.jsonl", {"meta": json.dumps({"id": "inner", "cwd": str(place)})})
    assert names(made(session="from_json(meta).id", cwd="from_json(meta).cwd"), place) == ["inner"]


@pytest.mark.parametrize("name", ["--last", "-", ["a"], {"a": 1}, True, ""])
def test_a_name_that_would_be_a_flag_or_is_none_is_not_taken(
    keep: Callable[..., Path], place: Path, name: object
) -> None:
    keep("fallback.jsonl", {"id": name, "cwd": str(place)})
    assert names(made(), place) in ([], ["fallback"])


@pytest.mark.parametrize("cwd", ["relative/path", 7, None, "", "/nul\0byte", ["/"], "/" + "x" * 5000])
def test_a_folder_that_is_none_is_nobodys(keep: Callable[..., Path], place: Path, cwd: object) -> None:
    keep("s.jsonl", {"id": "s", "cwd": cwd})
    assert names(made(), place) == []


@pytest.mark.parametrize("inner", ["x" * 5000, "\ud800", "loop/inner"])
def test_a_folder_in_the_tree_that_cannot_be_one_is_nobodys(keep: Callable[..., Path], place: Path, inner: str) -> None:
    (place / "loop").symlink_to("loop")
    keep("s.jsonl", {"id": "s", "cwd": f"{place}/{inner}"})
    assert names(made(), place) == []
    assert store.newest_session(made(), place, since=0) is None


NO_TIMES: tuple[Any, ...] = ("yesterday", -1, True, {}, "9" * 400, 10**400, "0001-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("said", "began"),
    [
        ("2026-01-02T03:04:05.5Z", 1767323045.5),
        (1767323045.5, 1767323045.5),
        (1767323045500, 1767323045.5),
        *((wrong, None) for wrong in NO_TIMES),
    ],
)
def test_times_are_read_in_any_usual_form(
    keep: Callable[..., Path], place: Path, said: object, began: float | None
) -> None:
    keep("s.jsonl", {"id": "s", "cwd": str(place), "at": said})
    (found,) = store.stored_sessions(made(), place)
    assert found.began == began


def test_what_leads_out_of_the_store_or_is_no_file_is_passed_over(
    keep: Callable[..., Path], place: Path, tmp_path: Path
) -> None:
    outside = keep("fine.jsonl", {"id": "fine", "cwd": str(place)}).parent
    secret = tmp_path / "secret.jsonl"
    secret.write_text(json.dumps({"id": "secret", "cwd": str(place)}))
    (outside / "link.jsonl").symlink_to(secret)
    (outside / "gone.jsonl").symlink_to("nowhere")
    (outside / "loop.jsonl").symlink_to("loop.jsonl")
    (outside / "folder.jsonl").mkdir()
    os.mkfifo(outside / "fifo.jsonl")
    keep("about.jsonl", {"id": "about"})
    (outside / "place").symlink_to(secret)
    assert names(made(), place) == ["fine"]
    assert names(made(about="place"), place) == ["fine"]


def test_a_store_that_is_itself_a_link_is_read(isolated_home: Path, place: Path, keep: Callable[..., Path]) -> None:
    keep("s.jsonl", {"id": "s", "cwd": str(place)})
    shutil.move(isolated_home / ".made", isolated_home / "kept-elsewhere")
    (isolated_home / ".made").symlink_to("kept-elsewhere")
    assert names(made(), place) == ["s"]


def test_hostile_lines_are_survived(keep: Callable[..., Path], place: Path) -> None:
    keep(
        "s.jsonl",
        "[" * 100_000 + "\n",
        "\0\xff not JSON\n",
        {"id": "s", "cwd": str(place)},
        {"call": {"name": "\x1b[31mshell", "command": "a" * 100_000, "call": "1"}},
        {"call": {"name": "shell", "command": "again", "call": "1"}},
        {"call": "x" * 9_000_000},
        *({"call": {"name": "shell", "command": str(number)}} for number in range(12_000)),
    )
    (found,) = store.stored_sessions(made(), place)
    events = store.transcript(made(), found).events
    assert len(events) == 10_000
    assert isinstance(events[-1], ToolCalled)
    assert events[-1].command == "11999"


def test_a_file_without_an_end_of_its_first_line_is_not_read_whole(keep: Callable[..., Path], place: Path) -> None:
    path = keep("s.jsonl", "")
    with path.open("wb") as file:
        file.truncate(3 * 1024**3)  # a hole of three gigabytes
    assert names(made(), place) == []


TABLE = "create table session (id, cwd, began, changed)"


def database(path: Path, *statements: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def in_database(**changes: str) -> Adapter:
    sessions = "select id as session, cwd, began, changed from session order by changed desc"
    queries = {"sessions": sessions, "lines": "select line from line where session = :session", **changes}
    return made(files="store.db", session="", cwd="", time="", **queries)


@pytest.mark.parametrize(
    "changes",
    [
        {"sessions": "select nothing from nowhere"},
        {"sessions": "select 1"},
        {"sessions": "with recursive r(n) as (select 1 union all select n + 1 from r) select count(*) from r"},
        {"sessions": "drop table session"},
        {"sessions": "attach 'other.db' as other"},
    ],
)
def test_a_query_that_cannot_be_had_says_nothing_and_changes_nothing(
    isolated_home: Path, place: Path, changes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentloop.agents.database._TIMEOUT_S", 0.2)
    path = isolated_home / ".made/store.db"
    database(path, TABLE, f"insert into session values ('s', '{place}', 1, 2)")
    before = path.read_bytes()
    assert names(in_database(**changes), place) == []
    assert names(in_database(), place) == ["s"]
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_passed_over(isolated_home: Path, place: Path) -> None:
    path = isolated_home / ".made/store.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    assert names(in_database(), place) == []


def test_the_last_change_of_a_database_is_its_sessions_own(isolated_home: Path, place: Path) -> None:
    path = isolated_home / ".made/store.db"
    rows = [f"insert into session values ('s-{at}', '{place}', 1, {at})" for at in (100, 300, 200)]
    database(path, TABLE, *rows)
    os.utime(path, (1.0, 1.0))  # the file beside it has what is new
    assert names(in_database(), place, since=150) == ["s-300", "s-200"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cwd": ""}, "cwd is wanted"),
        ({"sessions": "select 1"}, "go together"),
        ({"sessions": "select 1", "lines": "select 1"}, "cwd is wanted, or"),
        ({"time": "a b"}, "no valid JMESPath"),
    ],
)
def test_a_wrong_store_is_told(changes: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        made(**changes)
