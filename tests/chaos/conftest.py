"""A forge for each test program, and a run that nobody disturbed to hold the others against."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentloop.records import journal

from .crashing import RUN, Forge, World, forge


@dataclass(frozen=True)
class Undisturbed:
    """A run from its beginning to its end."""

    world: World
    """The repository as it was before."""
    kinds: tuple[str, ...]
    """Its events by their names."""
    end: dict[str, Any]


@pytest.fixture(scope="session")
def the_forge() -> Iterator[Forge]:
    """Where agentloop is run from."""
    with forge() as made:
        yield made


@pytest.fixture(scope="session")
def undisturbed(the_forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The run that all others are to be equal to."""
    root: Path = tmp_path_factory.mktemp("undisturbed")
    world = World.make(root / "before")
    after = world.copy(root / "after")
    assert the_forge.run(after, RUN) == 0, after.out.read_text()
    events = journal.read(after.folder.journal)
    return Undisturbed(world, tuple(event.type for event in events), after.end)
