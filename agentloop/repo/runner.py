"""Git, run: the one door to it. GitPython serves as a runner of commands, and as nothing else.

GitPython's own index and object code fails on index version 4 and on SHA-256 repositories; the commands do not.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from agentloop.errors import RepoError
from agentloop.process import RUN_TAG, bind_to_us, git_free_environment, run_program
from agentloop.text.quoting import plain

NO_HOOKS = ("-c", "core.hooksPath=/dev/null")
"""The person's hooks have no business in what git does for us alone."""
_MAX_WORDS_CHARS = 2000
ASK_TIMEOUT_S = 600.0
"""What no command of ours takes, however large the tree: a named pipe called `.gitignore` is waited for for ever."""


class GitFailedError(RepoError):
    """Git came to no good end.

    Args:
        command: what was asked, in short.
        words: what git printed about it.
    """

    def __init__(self, command: str, words: str) -> None:
        self.words = plain(words).strip()[-_MAX_WORDS_CHARS:] or "it says nothing"
        super().__init__(f"{command} failed: {self.words}")


class Git:
    """Git in one folder.

    Args:
        folder: where it runs.
        top: the folder is the top of a working tree; when its repository is gone, one around it is none of ours.
    """

    def __init__(self, folder: Path, *, top: bool = False) -> None:
        self.folder = folder
        self._env = {"GIT_CEILING_DIRECTORIES": str(folder.parent)} if top else {}
        self._runner = _runner(folder)

    def ask(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        fine: Collection[int] = (0,),
        whole: bool = False,
        ends_with_us: bool = False,
    ) -> str:
        """What a command prints, without the last line end. For commands that take milliseconds.

        Args:
            words: the command and its arguments, without `git`.
            env: variables on top of ours.
            stdin: what it reads.
            fine: the exit codes that are no failure.
            whole: with the last line end.
            ends_with_us: for one that may take long, or for ever: after our death it is asked to end. That takes
                another few milliseconds to begin.

        Raises:
            GitFailedError: it exits with another code, does not end, or the folder is gone.
        """
        if not self.folder.is_dir():  # git would run wherever we are
            raise GitFailedError(_named(words), f"the folder {self.folder} is gone")
        bound = {"preexec_fn": bind_to_us} if ends_with_us and sys.platform == "linux" else {}
        with tempfile.TemporaryFile() as source:
            if stdin:
                source.write(stdin)
                source.seek(0)
            running = self._runner.execute(  # kept: GitPython ends what nobody holds any more
                ["git", *words],
                istream=source if stdin else None,
                env={**self._env, **(env or {})},
                as_process=True,
                **bound,
            )
            out, err = _outputs(running.proc, _named(words))
        if running.proc.returncode not in fine:
            raise GitFailedError(_named(words), f"{err}\n{out}")
        return out if whole else out.removesuffix("\n")

    def find(self, *words: str) -> str:
        """What a command prints; empty when git refuses."""
        try:
            return self.ask(*words)
        except GitFailedError:
            return ""

    def perform(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, timeout_s: float) -> str:
        """What a program prints that may take long, since it runs the person's own: hooks, signing.

        Args:
            argv: the program and its arguments.
            env: variables on top of ours.
            timeout_s: the time it may take.

        Raises:
            GitFailedError: it fails, or takes too long.
            Interrupted: a signal was noted meanwhile; the program is ended.
        """
        out, err = _Tail(), _Tail()
        environment = {
            **git_free_environment(),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_EDITOR": ":",
            **self._env,
            **(env or {}),
        }
        environment.pop(RUN_TAG, None)  # an outer run's tag would make that run a part of this program
        exited = run_program(
            argv, cwd=self.folder, env=environment, timeout_s=timeout_s, on_stdout=out.feed, on_stderr=err.feed
        )
        if exited.ended_by == "timeout":
            raise GitFailedError(" ".join(argv[:2]), f"it did not end within {timeout_s:g} s")
        if exited.code != 0:
            raise GitFailedError(" ".join(argv[:2]), f"{err.text}\n{out.text}")
        return out.text.strip()

    @cached_property
    def version(self) -> tuple[int, ...]:
        """Git's version."""
        return tuple(self._runner.version_info)

    @cached_property
    def git_dir(self) -> Path:
        """Where git keeps what is of this working tree alone: its index, and HEAD."""
        return Path(self.ask("rev-parse", "--absolute-git-dir"))

    def path(self, name: str) -> Path:
        """Where git keeps a file of its own that settings may have put elsewhere, such as `hooks/pre-commit`."""
        return self.folder / self.ask("rev-parse", "--git-path", name)


def _named(words: Sequence[str]) -> str:
    """The command without its options: `git add`."""
    at = 0
    while words[at] == "-c":
        at += 2
    return f"git {words[at]}"


def _outputs(process: "subprocess.Popen[bytes]", command: str) -> list[str]:
    """What it prints until its end, and what it complains of."""
    try:
        printed = process.communicate(timeout=ASK_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.wait()
        words = (
            f"{command} did not end within {ASK_TIMEOUT_S:g} s; a named pipe called .gitignore makes it wait for ever"
        )
        raise GitFailedError(command, words) from error
    return [text.decode("utf-8", "surrogateescape") for text in printed]


class _Tail:
    """The last of what a program printed."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, chunk: bytes) -> None:
        self._kept = (self._kept + chunk)[-4 * _MAX_WORDS_CHARS :]

    @property
    def text(self) -> str:
        return self._kept.decode(errors="replace")


@contextmanager
def _quiet_import() -> Iterator[None]:
    before = os.environ.get("GIT_PYTHON_REFRESH")
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"
    try:
        yield
    finally:
        if before is None:
            del os.environ["GIT_PYTHON_REFRESH"]
        else:
            os.environ["GIT_PYTHON_REFRESH"] = before


def _runner(folder: Path) -> Any:
    """A GitPython command runner, blind to the variables that git sets for its hooks."""
    with _quiet_import():
        import git
    for name in set(os.environ) - set(git_free_environment()):
        del os.environ[name]
    runner = git.Git(folder.absolute())  # as a text it would be taken for one with variables in it
    runner.update_environment(
        GIT_TERMINAL_PROMPT="0", GIT_OPTIONAL_LOCKS="0", GIT_NO_REPLACE_OBJECTS="1", LC_ALL="C.UTF-8"
    )
    return runner
