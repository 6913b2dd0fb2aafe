"""What a push would do, as `git push --dry-run --porcelain` tells it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_FLAGS = " +*-=!"
_ACCEPTED = " +*"
_WITH_WORK = ("refs/heads/", "refs/for/")
"""Where commits go that are somebody's work: branches, and the reviews of Gerrit."""
_HEADS = "refs/heads/"
_FORMER = re.compile(r"([0-9a-f]{4,64})\.\.\.?[0-9a-f]")
_DRY_RUN = "--dry-run"
_SHORT_DRY_RUN = re.compile(r"-[dfquv46]*n[dfnquv46]*")


@dataclass(frozen=True, slots=True)
class PushedRef:
    """A line of it."""

    flag: str
    """As git has it: blank for a fast-forward, `+` forced, `*` new, `-` deleted, `=` up to date, `!` refused."""
    source: str
    """What is pushed, as git names it: `refs/heads/main`, `HEAD`, or what the person wrote; empty for a deletion."""
    target: str
    """The name of the ref over there."""
    former: str = ""
    """The commit that the ref stands on over there, abbreviated; empty for a new one."""

    @property
    def branch(self) -> str:
        """The branch of ours that it is; empty when it is something else."""
        return self.source.removeprefix(_HEADS) if self.source.startswith(_HEADS) else ""

    @property
    def is_head(self) -> bool:
        """It is whatever is checked out."""
        return self.source in ("HEAD", "@")


def parse(text: str) -> list[PushedRef]:
    """Read what git printed; each ref once, although it may go to several places: as where it brings something."""
    found: dict[tuple[str, str], PushedRef] = {}
    for line in text.splitlines():
        flag, names, *rest = [*line.split("\t", 2), "", ""][:3]
        source, colon, target = names.rpartition(":")
        if flag and flag in _FLAGS and colon and (flag in _ACCEPTED or (source, target) not in found):
            former = _FORMER.match(rest[0])
            found[source, target] = PushedRef(flag, source, target, former[1] if former else "")
    return [*found.values()]


def with_work(refs: Iterable[PushedRef]) -> list[PushedRef]:
    """Those that bring commits somewhere: no deletions, tags, notes, and nothing that git refuses."""
    return [ref for ref in refs if ref.flag in _ACCEPTED and ref.target.startswith(_WITH_WORK)]


def over_there(refs: Iterable[PushedRef]) -> list[str]:
    """Names of commits that are there already."""
    return [name for ref in refs for name in (ref.former, ref.source if ref.flag == "=" else "") if name]


def is_dry(arguments: Sequence[str]) -> bool:
    """The person wants to know what would be pushed, and nothing else."""
    options = arguments[: list(arguments).index("--")] if "--" in arguments else arguments
    return any(_SHORT_DRY_RUN.fullmatch(word) or (len(word) > 4 and _DRY_RUN.startswith(word)) for word in options)


def is_quiet(arguments: Sequence[str]) -> bool:
    """Git is told to say little."""
    return "-q" in arguments or "--quiet" in arguments
