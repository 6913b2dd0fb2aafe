"""Isolation for every test: a home, a state folder and a git identity of its own, and no variable of git's."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

_XDG = {"XDG_STATE_HOME": ".local/state", "XDG_CONFIG_HOME": ".config", "XDG_CACHE_HOME": ".cache"}

_FROM_WHERE_WE_RUN = ("GIT_", "AGENTLOOP_", "GITHUB_")


@pytest.fixture(autouse=True, scope="session")
def nothing_of_where_we_run() -> Iterator[None]:
    """Take out what a hook or a CI has set, before any test and any fixture that several tests share."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(_FROM_WHERE_WE_RUN)]:
            patch.delenv(name)
        patch.delenv("CI", raising=False)
        yield


@pytest.fixture(autouse=True)
def isolated_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point HOME, the XDG folders and git's configuration into a temporary folder."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name, folder in _XDG.items():
        monkeypatch.setenv(name, str(home / folder))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Test\n\temail = test@example.invalid\n[init]\n\tdefaultBranch = main\n",
        encoding="utf-8",
    )
    return home


@pytest.fixture
def unmeasured_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave coverage to the tests themselves: traced, the hundreds of programs that they start take twice as long."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_PROCESS_")]:
        monkeypatch.delenv(name)
