"""The right skill comes first: for words, for other forms of them, and for the text of an error."""

from pathlib import Path

import pytest

from agentloop.skills.search import search

# Every tool with every problem, so that each skill has near misses on both sides.
TOOLS = {
    "postgres": ("PostgreSQL", "psql", "the catalogue tables", "could not obtain lock on relation"),
    "redis": ("Redis", "redis-cli", "the keyspace", "MOVED 3999 127.0.0.1:6381"),
    "webpack": ("webpack", "npx webpack", "the chunk graph", "Module not found: Error: Can't resolve"),
    "docker": ("Docker", "docker compose", "the layer cache", "no space left on device"),
    "numpy": ("NumPy", "python -m numpy", "the strides", "ValueError: operands could not be broadcast together"),
    "terraform": ("Terraform", "terraform plan", "the state file", "Error acquiring the state lock"),
    "django": ("Django", "manage.py", "the app registry", "AppRegistryNotReady: Apps aren't loaded yet"),
    "grpc": ("gRPC", "grpcurl", "the channel pool", "DEADLINE_EXCEEDED"),
}
PROBLEMS = {
    "migrations": ("Migrate without downtime", "Expand first, backfill in batches, contract last; never rename."),
    "flaky-tests": (
        "Steady the flaky tests",
        "Seed the random numbers, freeze the clock, wait for events, never sleep.",
    ),
    "upgrades": ("Upgrade to the next major version", "Read the deprecation list, pin, then bump one at a time."),
    "memory": ("Find memory leaks", "Take two heap dumps and compare; look at retained sizes, not at totals."),
    "logging": ("Log what happened", "One structured line an event with a correlation id; no secrets in it."),
}
WANTED = {
    "postgres migration": "postgres-migrations",
    "migrating a PostgreSQL table": "postgres-migrations",
    "how do I migrate redis": "redis-migrations",
    "flaky django test": "django-flaky-tests",
    "webpack leaks memory": "webpack-memory",
    "upgrading terraform": "terraform-upgrades",
    "logs in docker": "docker-logging",
    "grpc heap dump": "grpc-memory",
    "psql backfill batches": "postgres-migrations",
    "structured logging with correlation ids for numpy": "numpy-logging",
    "MIGRATIONS REDIS": "redis-migrations",
    "terraform-flaky-tests": "terraform-flaky-tests",
    "AppRegistryNotReady: Apps aren't loaded yet": "django-upgrades",
    "Error: Error acquiring the state lock (lock held by ci)": "terraform-upgrades",
    "ModuleNotFoundError: No module named 'foo'": "vendored-imports",
    "ImportError: cannot import name 'bar' from 'foo'": "circular-imports",
    "fatal: refusing to merge unrelated histories": "graft-histories",
    "straße größe": "umlauts",
    "数据库迁移": "chinese",
}
OTHERS = {
    "vendored-imports": "Use when pytest says ModuleNotFoundError: No module named 'vendor'.",
    "circular-imports": "Use when Python says ImportError: cannot import name, from a partially initialized module.",
    "graft-histories": "Use when git says that it is refusing to merge unrelated histories.",
    "merge-queue": "How the merge queue is fed. Use when a merge waits for ever.",
    "umlauts": "Wo Straße und Größe stehen.",
    "chinese": "如何进行数据库迁移。",
}


def write(root: Path, name: str, description: str, body: str, metadata: str = "") -> None:
    folder = root / name
    folder.mkdir(parents=True)
    text = f'---\nname: {name}\ndescription: "{description}"\n{metadata}---\n\n# {name}\n\n{body}\n'
    (folder / "SKILL.md").write_text(text, encoding="utf-8")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    root = tmp_path / "skills"
    marks = 'metadata:\n  "agentloop-agent": "webpack"\n  "agentloop-until": "quuxcheck passes"\n'
    for tool, (title, program, place, error) in TOOLS.items():
        for problem, (task, advice) in PROBLEMS.items():
            said = f" Use when it says {error}." if problem == "upgrades" else ""
            body = f"{advice}\n\nWith `{program}`, look at {place} of {title} before and after."
            write(root, f"{tool}-{problem}", f"{task} of {title}.{said}", body, marks)
    for name, description in OTHERS.items():
        write(root, name, description, "Look before you leap.")
    return root


@pytest.mark.parametrize(("query", "wanted"), WANTED.items())
def test_the_right_skill_comes_first(library: Path, query: str, wanted: str) -> None:
    assert search(library, query, 3)[0].folder.name == wanted


def test_the_best_line_is_shown(library: Path) -> None:
    hit = search(library, "grpcurl channel pool", 1)[0]
    assert hit.text.startswith("With `grpcurl`, look at the channel pool")
    lines = (hit.folder / "SKILL.md").read_text().splitlines()
    assert lines[hit.line - 1] == hit.text


def test_equals_are_in_order_of_name_and_no_more_than_wanted(library: Path) -> None:
    for name in ("z", "b", "a"):
        write(library, f"same-{name}", "What is a zyzzyva?", "text")
    assert [hit.folder.name for hit in search(library, "zyzzyva", 10)] == ["same-a", "same-b", "same-z"]
    assert len(search(library, "zyzzyva", 2)) == 2


@pytest.mark.parametrize("query", ["quuxcheck", "kubernetes", "", "  ", "!?", "\0", "\ud800"])
def test_nothing_is_found_of_what_no_skill_says(library: Path, query: str) -> None:
    assert search(library, query, 5) == []


def test_words_that_say_nothing_count_when_there_are_no_others(library: Path) -> None:
    assert search(library, "you", 1)[0].text == "Look before you leap."


def test_what_cannot_be_read_is_passed_over(library: Path) -> None:
    (library / "file").write_text("zyzzyva")
    (library / "empty").mkdir()
    (library / "folder/SKILL.md").mkdir(parents=True)
    (library / "loop").symlink_to(library)
    (library / "link").mkdir()
    (library / "link/SKILL.md").symlink_to("/etc/passwd")
    (library / "binary").mkdir()
    (library / "binary/SKILL.md").write_bytes(b"\xff\xfe\0 zyzzyva \x80" * 10)
    assert [hit.folder.name for hit in search(library, "zyzzyva root daemon", 5)] == ["binary"]
    assert search(library / "none", "zyzzyva", 5) == []


def test_a_long_query_and_a_huge_skill_are_bounded(library: Path) -> None:
    (library / "huge").mkdir()
    (library / "huge/SKILL.md").write_bytes(b"---\nname: huge\n" + b"zyzzyva " * 1_300_000)
    (hit,) = search(library, "zyzzyva", 5)
    assert len(hit.text) <= 160
    traceback = "Traceback (most recent call last):\n" + 'File "x.py", line 1, in f\n' * 100_000
    assert len(search(library, f"AppRegistryNotReady {traceback}", 5)) == 5
