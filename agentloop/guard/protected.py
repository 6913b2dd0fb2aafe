"""Which files a pass may not depend on having been edited. Pure: paths and texts in, answers out.

Two kinds: existing files that say what success is (tests, the runner's configuration, CI, agentloop's own settings,
the script that the predicate names), and new ones that change how tests are collected or judged (a conftest.py, a
configuration beside the old one, a module that shadows the runner). New ordinary tests are welcome.
"""

import configparser
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from pathspec import GitIgnoreSpec

_TESTS = (
    "test_*.py", "*_test.py", "tests.py", "test/", "tests/", "__tests__/", "spec/", "__snapshots__/", "testdata/",
    "*.test.*", "*.spec.*", "*_test.go", "*_spec.rb", "*Test.java", "*Tests.cs", "*Test.php",
)  # fmt: skip
_HOOKS = (
    "conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg", ".coveragerc*",
    "pyproject.toml", "sitecustomize.py", "usercustomize.py", "*.pth", "*.dist-info/", "**/*.egg-info/entry_points.txt",
    "package.json", ".npmrc", "jest.config.*", "jest.setup.*", "vitest.config.*", "vitest.workspace.*", "vite.config.*",
    ".mocharc*", "karma.conf.*", "babel.config.*", ".babelrc*", ".rspec", "phpunit.xml*", "nextest.toml",
    "**/.cargo/config*", "/agentloop.toml",
)  # fmt: skip
_BUILD_FILES = ("Makefile", "GNUmakefile", "makefile", "*.mk", "justfile", ".justfile", "Taskfile.y*ml", "Rakefile")
_CONFIGURATION = (
    *_BUILD_FILES, "noxfile.py", "build.gradle*", "CTestTestfile.cmake", "runtests*", "run_tests*", "expected/",
    "golden/", ".github/workflows/", ".gitlab-ci.yml", ".circleci/", ".travis.yml", "Jenkinsfile",
    "azure-pipelines.yml", ".pre-commit-config.yaml",
)  # fmt: skip
_RUNNERS = (
    "pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments", "exceptiongroup", "tomli", "coverage",
    "xdist", "execnet", "hypothesis", "nose2", "pytest_cov", "pytest_asyncio", "pytest_mock", "anyio", "attr",
)  # fmt: skip
# Python's own tests are in a package that nobody imports, and many a project has a folder of that name.
_SHADOWS = frozenset({*sys.stdlib_module_names, *_RUNNERS}) - {"test"}
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish"})
_INTERPRETER = re.compile(r"^(python[\d.]*|node|deno|bun|ruby|perl|php|lua)$")
_PATH = re.compile(r"[\w./-]+")
_LOOKS_LIKE_A_CHECK = re.compile(r"check|test|verif|valid|assert|spec|smoke|e2e|lint|bench|(^|[_-])ci([_.-]|$)", re.I)


@dataclass(frozen=True, slots=True)
class Changes:
    """What is not as it was at the baseline; paths relative to the root, sorted."""

    changed: tuple[str, ...] = ()
    """Protected files that were modified or deleted."""
    planted: tuple[str, ...] = ()
    """New files that alter what is collected or how it is judged."""
    new_tests: tuple[str, ...] = ()
    """New ordinary tests: welcome, and not to be needed by the old ones."""

    def __bool__(self) -> bool:
        """Anything at all."""
        return bool(self.changed or self.planted or self.new_tests)

    @property
    def files(self) -> tuple[str, ...]:
        """Those that should not have been touched."""
        return tuple(sorted({*self.changed, *self.planted}))


@dataclass(frozen=True)
class Protection:
    """Which paths are protected in a run.

    Args:
        named: files that the predicate's commands run.
        protect: the user's further globs, as in .gitignore.
        may_edit: globs of what the task is about; they win.
        builds: there were build files at the start, so that another one beside them is a second opinion.
    """

    named: frozenset[str] = frozenset()
    protect: tuple[str, ...] = ()
    may_edit: tuple[str, ...] = ()
    builds: bool = True

    @cached_property
    def _existing(self) -> GitIgnoreSpec:
        return GitIgnoreSpec.from_lines([*_TESTS, *_HOOKS, *_CONFIGURATION, *self.protect])

    @cached_property
    def _new(self) -> GitIgnoreSpec:
        return GitIgnoreSpec.from_lines([*_HOOKS, *(_BUILD_FILES if self.builds else ()), *self.protect])

    @cached_property
    def _tests(self) -> GitIgnoreSpec:
        return GitIgnoreSpec.from_lines(_TESTS)

    @cached_property
    def _free(self) -> GitIgnoreSpec:
        return GitIgnoreSpec.from_lines(self.may_edit)

    def may_change(self, path: str) -> bool:
        """The user said that the task is about this file."""
        return self._free.match_file(path)

    def holds(self, path: str) -> bool:
        """An existing file at this path has to stay as it is."""
        return not self.may_change(path) and (path in self.named or self._existing.match_file(path))

    def refuses_new(self, path: str) -> bool:
        """A new file at this path alters what is collected or how it is judged."""
        return not self.may_change(path) and (self._new.match_file(path) or _shadows(path))

    def changes(self, before: Mapping[str, str], after: Mapping[str, str]) -> Changes:
        """Compare what counts in two states of a tree.

        Args:
            before: digests by path at the baseline, of all files that matter here; empty where nothing counts.
            after: likewise, now.
        """
        new = [path for path, digest in after.items() if path not in before and digest]
        planted = [path for path in new if self.refuses_new(path)]
        tests = [path for path in new if path not in planted and self._tests.match_file(path)]
        changed = [path for path, digest in before.items() if self.holds(path) and after.get(path, "") != digest]
        return Changes(*(tuple(sorted(paths)) for paths in (changed, planted, tests)))


def has_build_files(paths: Iterable[str]) -> bool:
    """There is a build file among the paths."""
    known = GitIgnoreSpec.from_lines(_BUILD_FILES)
    return any(known.match_file(path) for path in paths)


def _shadows(path: str) -> bool:
    """A module at the root, or in a source folder there, that would be imported in place of a runner's or Python's."""
    if not path.endswith((".py", ".pyc", ".so", ".pyd")):
        return False
    first, *rest = PurePosixPath(path).parts
    if first in ("src", "lib") and rest:
        first, *rest = rest
    return first.partition(".")[0] in _SHADOWS


def named_scripts(commands: Iterable[Sequence[str]], paths: Iterable[str]) -> frozenset[str]:
    """The files of the tree that are themselves the check: a shell script that is run, a program or script named so.

    A program of the tree of any other name is taken for the work.

    Args:
        commands: the argv of each command of the predicate.
        paths: the files of the tree.
    """
    known = set(paths)
    scripts = (str(PurePosixPath(script)) for argv in commands if (script := _script(argv)))
    return frozenset(script for script in scripts if script in known)


def scripts_in(text: str, paths: Iterable[str]) -> frozenset[str]:
    """The scripts of the tree that a build file names."""
    words = {str(PurePosixPath(word)) for word in _PATH.findall(text)}
    return frozenset(path for path in words.intersection(paths) if _is_check(path))


def _script(argv: Sequence[str]) -> str:
    if not argv:
        return ""
    program = PurePosixPath(argv[0]).name
    first = next((word for word in argv[1:] if not word.startswith("-")), "")
    if program in _SHELLS or (_INTERPRETER.match(program) and _is_check(first)):
        return first
    return argv[0] if "/" in argv[0] and _is_check(argv[0]) else ""


def _is_check(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.endswith(".sh") or bool(_LOOKS_LIKE_A_CHECK.search(name))


def what_counts(path: str, text: str) -> Any:
    """The part of a configuration file that has a say in what success is; the whole text of any other file."""
    reader = _READERS.get(PurePosixPath(path).name)
    if reader is None:
        return text
    try:
        return reader(text)
    except (ValueError, configparser.Error, RecursionError, AttributeError, TypeError):
        return text


def _pyproject(text: str) -> Any:
    tools = tomllib.loads(text).get("tool", {})
    return {key: tools.get(key) for key in ("pytest", "coverage", "tox", "nox", "agentloop", "unittest", "hatch")}


def _package_json(text: str) -> Any:
    content = json.loads(text)
    return {key: content.get(key) for key in ("scripts", "jest", "vitest", "mocha", "ava", "c8", "nyc", "babel")}


def _ini(text: str) -> Any:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string(text)
    wanted = ("tool:pytest", "pytest", "coverage:run", "coverage:report", "aliases", "tox", "nosetests")
    return {name: dict(parser[name]) for name in parser.sections() if name in wanted or name.startswith("testenv")}


_READERS: dict[str, Callable[[str], Any]] = {
    "pyproject.toml": _pyproject,
    "package.json": _package_json,
    "setup.cfg": _ini,
    "tox.ini": _ini,
}
