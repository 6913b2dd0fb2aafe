"""Whatever an agent does: the run ends as the table says, nothing runs on, nothing of the person's is lost."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Undisturbed
from .crashing import ADAPTER, HERE, RESUME, Forge, World
from .scripted_hostile_agent import SIGN_OF_LIFE, WAYS, Way

pytestmark = pytest.mark.usefixtures("unmeasured_children")

HOSTILE = (
    ADAPTER.replace("%(agent)s", str(HERE / "scripted_hostile_agent.py"))
    .replace("steady", "hostile")
    .replace('"%(sessions)s"', '"%(way)s", "%(sessions)s"')
    .replace("finished = \"type=='done'\"", 'input_tokens = "type==\'done\' && tokens"\nreset = "resets"')
    + '\n[[errors]]\nkind = "rate_limit"\npattern = "usage limit"\n'
)
BASE = (
    "run", "--until", "sh check.sh passes", "--agent", "hostile", "--max-time", "60s", "--check-timeout", "20s",
    "Make the count 3",
)  # fmt: skip
MAX_LOG_BYTES = 40 * 1024 * 1024


def processes_of(world: World) -> Iterator[str]:
    """What still runs and was begun there: by its folder, or by its environment."""
    for pid in (name for name in os.listdir("/proc") if name.isdigit()):
        try:
            place = str(Path("/proc", pid, "cwd").readlink())
            environment = Path("/proc", pid, "environ").read_bytes()
            state = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and (place.startswith(str(world.root)) or str(world.root).encode() in environment):
            yield f"{pid}: {Path('/proc', pid, 'cmdline').read_bytes()!r}"


def grows(file: Path) -> bool:
    """Something writes to it that is never the same process twice."""
    if not file.exists():
        return False
    before = file.stat().st_size
    time.sleep(0.3)
    return file.stat().st_size > before


def theirs(world: World) -> tuple[str, ...]:
    """What a person has that is no business of a run."""
    return (
        (world.repo / "theirs").read_text(),
        world.git("show", ":theirs"),
        world.git("stash", "list", "--format=%T"),
        world.git("show", "main:theirs"),
    )


def rows() -> Iterator[object]:
    for number, way in enumerate(WAYS.values()):
        is_bounded = way.is_quick and number % 2 == 0
        yield pytest.param(way, id=way.name, marks=() if is_bounded else pytest.mark.chaos)


def test_there_are_enough_of_them() -> None:
    assert len(WAYS) >= 25


@pytest.mark.parametrize("way", [*rows()])
def test_a_hostile_agent_comes_to_the_stated_end(
    way: Way, the_forge: Forge, undisturbed: Undisturbed, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    world = undisturbed.world.copy(tmp_path / "world")
    notes = world.root / "notes"
    notes.mkdir()
    told = {"way": way.name, "sessions": notes}
    (world.root / "home/.config/agentloop/agents/hostile.toml").write_text(HOSTILE % told)
    before = theirs(world)
    whole = {"CHAOS_WHOLE": "yes"} if request.config.option.markexpr == "chaos" else {}
    git_timeout_s = 3 if way.name == "puts_a_pipe_where_git_reads" else 600
    code = the_forge.run(world, (*BASE, *way.flags), "never", git_timeout_s, **whole)
    said = world.out.read_text()
    assert "Traceback" not in said
    assert code == way.code, said
    assert way.says in said, said
    if way.outcome:
        assert world.state.ended
        assert world.state.ended.outcome == way.outcome
    if way.resumed is not None:
        assert the_forge.run(world, RESUME, "never", git_timeout_s, **whole) == way.resumed, world.out.read_text()
    time.sleep(1.5 if "daemon" in way.name else 0)
    assert [*processes_of(world)] == []
    assert not grows(notes / SIGN_OF_LIFE)
    if way.code >= 0:
        assert os.listdir(world.root / "tmp") == []
    assert not (world.repo / ".agentloop-draft").exists()
    if way.spares:
        assert theirs(world) == before
    for file in (world.root / "state").rglob("*"):
        assert not file.is_file() or file.stat().st_size < MAX_LOG_BYTES
