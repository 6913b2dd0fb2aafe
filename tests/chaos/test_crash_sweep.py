"""Killed anywhere, a run is resumed to the same end."""

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from .conftest import Undisturbed
from .crashing import RESUME, RUN, Forge, World, differences

pytestmark = pytest.mark.usefixtures("unmeasured_children")

KINDS = (
    "run.started", "check.started", "check.ended", "tree.snapshotted", "guard.began", "turn.started", "session.opened",
    "tool.called", "skill.loaded", "tool.ended", "turn.ended", "guard.ended", "skill.drafted", "skill.published",
    "skills.linked", "run.ended",
)  # fmt: skip
EVENTS = 48
SEEDS = 2
MANY_SEEDS = 200
SPAN_S = 2.5


def expect_same_end(forge: Forge, world: World, undisturbed: Undisturbed) -> None:
    """Resume the run, begin it when it never began, and leave it alone when it has ended."""
    if not (world.has_begun and world.state.ended):
        forge.run(world, RESUME if world.has_begun else RUN)
    said = world.out.read_text()
    assert "Traceback" not in said
    assert world.state.ended, said
    assert world.state.ended.exit_code == 0
    assert differences(world.end, undisturbed.end) == []


def kill_at(moment: str, forge: Forge, undisturbed: Undisturbed, tmp_path: Path) -> None:
    world = undisturbed.world.copy(tmp_path / "world")
    assert forge.run(world, RUN, moment) == -signal.SIGKILL, world.out.read_text()
    expect_same_end(forge, world, undisturbed)


def test_each_kind_of_event_is_swept_over(undisturbed: Undisturbed) -> None:
    assert set(undisturbed.kinds) == set(KINDS)
    assert len(undisturbed.kinds) == EVENTS


@pytest.mark.parametrize(("at", "kind"), [*enumerate(KINDS)][1::2])
def test_kill_9_at_an_event_then_resume_comes_to_the_same_end(
    at: int, kind: str, the_forge: Forge, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    last = len(undisturbed.kinds) - undisturbed.kinds[::-1].index(kind)
    kill_at(f"{'before' if at % 4 == 1 else 'after'}:{last}", the_forge, undisturbed, tmp_path)


@pytest.mark.chaos
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("number", range(1, EVENTS + 1))
def test_kill_9_at_every_event_then_resume_comes_to_the_same_end(
    number: int, side: str, the_forge: Forge, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    kill_at(f"{side}:{number}", the_forge, undisturbed, tmp_path)


@pytest.mark.parametrize(
    "seed", [*range(SEEDS), *(pytest.param(seed, marks=pytest.mark.chaos) for seed in range(SEEDS, MANY_SEEDS))]
)
def test_kill_9_at_random_instants_then_resume_comes_to_the_same_end(
    seed: int, the_forge: Forge, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """Killed once to three times; an instant behind the end changes nothing."""
    world, chance = undisturbed.world.copy(tmp_path / "world"), random.Random(seed)
    argv: tuple[str, ...] = RUN
    for _ in range(chance.randint(1, 3)):
        run = os.pidfd_open(the_forge.start(world, argv))
        time.sleep(chance.random() * SPAN_S)
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(run, signal.SIGKILL)
        os.close(run)
        the_forge.wait()
        if world.has_begun:
            argv = RESUME
    expect_same_end(the_forge, world, undisturbed)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.chaos) for seed in range(1, 10))])
def test_killed_again_and_again_it_still_gets_there(
    seed: int, the_forge: Forge, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    world, chance = undisturbed.world.copy(tmp_path / "world"), random.Random(seed)
    the_forge.run(world, RUN, "after:1")
    kills = 1
    while not world.state.ended:
        assert the_forge.run(world, RESUME, f"after:{chance.randint(6, 12)}") == -signal.SIGKILL or world.state.ended
        kills += 1
    assert kills > 4
    assert differences(world.end, undisturbed.end) == []
