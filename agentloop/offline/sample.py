"""The demo's sample project: a small hostel's bookings with its tests, and a real defect put into it.

All defects are of one family, and a sample and its sibling have theirs in different modules, so that what was learned
from the one can help with the other. The repair agent knows nothing of this module.
"""

import random
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import NamedTuple

CHECK = "python3 -m unittest -q"
"""The command that proves the sample; it needs nothing but Python."""

FAMILY = "a bound that belongs to its range is left out"

_PACKAGE = "hostel"
_MODULES = ("__init__", "ledger", "periods", "prices", "rooms", "tariffs")


@dataclass(frozen=True, slots=True)
class Defect:
    """What was put in: in `function` of the file `path`, the text `right` became `wrong`."""

    family: str
    path: str
    function: str
    right: str
    wrong: str


class _Site(NamedTuple):
    module: str
    function: str
    right: str
    wrong: str


_SITES = (
    _Site("periods", "Period.contains", "day <= self.last", "day < self.last"),
    _Site("periods", "weekends", "weekday >= SATURDAY", "weekday > SATURDAY"),
    _Site("prices", "stay_discount", "period.days >= days", "period.days > days"),
    _Site("tariffs", "age_percent", "age <= oldest", "age < oldest"),
    _Site("tariffs", "group_discount", "guests >= GROUP_SIZE", "guests > GROUP_SIZE"),
    _Site("tariffs", "city_tax", "age >= TAXED_FROM", "age > TAXED_FROM"),
)


def make_sample(folder: Path, seed: int) -> Defect:
    """Write the project with the seed's defect into a folder, which is made when it is missing."""
    return _write(folder, _pair(seed)[0])


def make_sibling(folder: Path, seed: int) -> Defect:
    """Write the project with a defect of the same family in another module."""
    return _write(folder, _pair(seed)[1])


def _pair(seed: int) -> tuple[_Site, _Site]:
    chance = random.Random(seed)
    first = chance.choice(_SITES)
    return first, chance.choice([site for site in _SITES if site.module != first.module])


def _write(folder: Path, site: _Site) -> Defect:
    data = resources.files(__package__) / "sample_project"
    package, tests = folder / _PACKAGE, folder / "tests"
    for path in (package, tests):
        path.mkdir(parents=True, exist_ok=True)
    for module in _MODULES:
        text = (data / f"{module}.txt").read_text(encoding="utf-8")
        if module == site.module:
            text = text.replace(site.right, site.wrong, 1)
        (package / f"{module}.py").write_text(text, encoding="utf-8")
    (tests / "__init__.py").write_text("", encoding="utf-8")
    test = (data / "test_ledger.txt").read_text(encoding="utf-8")
    (tests / "test_ledger.py").write_text(test, encoding="utf-8")
    return Defect(FAMILY, f"{_PACKAGE}/{site.module}.py", site.function, site.right, site.wrong)
