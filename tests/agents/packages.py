"""Pinned programs from the npm registry and from PyPI, kept by name and version in the user's cache folder.

Each lies in `${XDG_CACHE_HOME:-~/.cache}/agentloop/clis/NAME-VERSION/`, whole or not at all. npm and pip ask the
registries that they are configured for.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Asked once: the tests give each test a home and a cache folder of its own.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agentloop" / "clis"
_PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
_PYTHON = re.compile(r"Python (\d+)\.(\d+)")


class NoPythonError(Exception):
    """No Python here is new enough for a program."""


@dataclass(frozen=True, slots=True)
class Package(ABC):
    """A package, and what we call it."""

    name: str
    package: str
    version: str

    @property
    def folder(self) -> Path:
        """Where it is installed."""
        return CACHE / f"{self.name}-{self.version}"

    @property
    @abstractmethod
    def bin(self) -> Path:
        """The folder with its programs."""

    @abstractmethod
    def _fill(self, folder: Path) -> None:
        """Install it into an empty folder."""

    def install(self) -> bool:
        """Install it whole or not at all.

        The folder's name is a link that is made last: the programs of a venv know the path that they were made at.

        Returns:
            False when it was there already.

        Raises:
            subprocess.CalledProcessError: npm or pip failed; it has said why.
            NoPythonError: see there.
        """
        if self.folder.is_dir():
            return False
        CACHE.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f"{self.name}-{self.version}.", dir=CACHE))
        try:
            self._fill(made)
            self.folder.symlink_to(made.name)
        except FileExistsError:  # somebody else was first
            shutil.rmtree(made)
        except BaseException:
            shutil.rmtree(made)
            raise
        return True


@dataclass(frozen=True, slots=True)
class NpmPackage(Package):
    """A package from the npm registry."""

    @property
    def bin(self) -> Path:
        """See `Package`."""
        return self.folder / "node_modules" / ".bin"

    def _fill(self, folder: Path) -> None:
        flags = ["--no-audit", "--no-fund", "--no-save", "--loglevel=error", "--prefix", str(folder)]
        # Not where we are: some packages put hooks into the repository that they are installed from.
        subprocess.run(["npm", "install", *flags, f"{self.package}@{self.version}"], cwd=folder, check=True)


@dataclass(frozen=True, slots=True)
class PypiPackage(Package):
    """A package from PyPI, in a venv of its own."""

    beside: tuple[str, ...] = ()
    """What else has to be installed for it to run, as pip takes it: `mcp==1.2`."""
    python: tuple[int, int] = (3, 11)
    """The oldest Python that it runs on."""

    @property
    def bin(self) -> Path:
        """See `Package`."""
        return self.folder / "bin"

    def _fill(self, folder: Path) -> None:
        subprocess.run([_python(self.python), "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, f"{self.package}=={self.version}", *self.beside], check=True)


def _python(oldest: tuple[int, int]) -> str:
    """A Python that is new enough, our own first."""
    for program in _pythons():
        if shutil.which(program):
            done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
            version = _PYTHON.match(done.stdout)
            if version and (int(version[1]), int(version[2])) >= oldest:
                return program
    raise NoPythonError(f"no Python {oldest[0]}.{oldest[1]} or newer is here")


def _pythons() -> Iterator[str]:
    yield sys.executable
    for minor in (12, 13, 14):
        yield f"python3.{minor}"
        yield from map(str, sorted(_PYENV.glob(f"3.{minor}.*/bin/python3")))
