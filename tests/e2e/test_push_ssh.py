"""`agentloop push` over ssh: a real sshd on loopback, where there is one."""

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import git
from .terminal import at_terminal
from .test_by_hand import FOUND_OUT, Hands, hands, wait_until

__all__ = ["hands"]
_SSHD = shutil.which("sshd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
pytestmark = [pytest.mark.slow, pytest.mark.skipif(_SSHD is None, reason="there is no sshd (openssh-server)")]
CONFIGURATION = """
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PasswordAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile none
LogLevel VERBOSE
"""


@contextmanager
def server(folder: Path) -> Iterator[int]:
    """A server that lets us in; its port. Its log is `folder/log`."""
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "sshd_config").write_text(CONFIGURATION.format(folder=folder))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    argv = [_SSHD or "", "-D", "-e", "-f", str(folder / "sshd_config"), "-p", str(port)]
    with (folder / "log").open("wb") as log, subprocess.Popen(argv, stderr=log) as process:
        try:
            wait_until(lambda: "listening" in (folder / "log").read_text() or process.poll() is not None)
            if process.poll() is not None:
                pytest.skip(f"sshd does not start: {(folder / 'log').read_text()}")
            yield port
        finally:
            process.terminate()


def ssh(folder: Path, port: int) -> str:
    """The command that reaches the server, whose key nobody knows."""
    return f"ssh -p {port} -i {folder}/ssh/user -o IdentitiesOnly=yes -o UserKnownHostsFile=/dev/null"


@pytest.mark.parametrize(("flags", "is_asked"), [([], True), (["--no-input"], False)])
def test_ssh_asks_nobody_who_does_not_want_to_be_asked(
    hands: Hands, tmp_path: Path, flags: list[str], is_asked: bool
) -> None:
    with server(tmp_path / "ssh") as port:
        git(hands.repo, "remote", "add", "origin", f"ssh://{getpass.getuser()}@127.0.0.1{tmp_path}")
        env = {**hands.env, "GIT_SSH_COMMAND": ssh(tmp_path, port)}
        with at_terminal(hands.repo, "push", *flags, "origin", "main", **env) as child:
            assert child.expect(["verification failed", "continue connecting"]) == is_asked


def test_the_skill_is_in_the_same_push_and_nothing_is_connected_while_it_is_checked(
    hands: Hands, tmp_path: Path
) -> None:
    remote, log = tmp_path / "remote.git", tmp_path / "ssh/log"
    git(tmp_path, "init", "-q", "--bare", str(remote))
    with server(tmp_path / "ssh") as port:
        hands.env["GIT_SSH_COMMAND"] = f"{ssh(tmp_path, port)} -o StrictHostKeyChecking=no -o BatchMode=yes"
        git(hands.repo, "remote", "add", "origin", f"ssh://{getpass.getuser()}@127.0.0.1{remote}")
        hands.by_hand(*FOUND_OUT, "run git commit -am 'Count to three'")
        seen = tmp_path / "seen"
        until = f"sh -c 'sleep 1; cp {log} {seen}; sh check.sh' passes"
        done = hands.call("push", "--until", until, "--sandbox", "none", "-u", "origin", "main")
    assert done.returncode == 0, done.stderr
    subjects = git(remote, "log", "--format=%s", "main").splitlines()
    assert subjects[1:] == ["Add skill keep-counting", "Count to three", "Begin"]
    told = seen.read_text()
    assert told.count("Accepted publickey") == told.count("Disconnected from user") == 1
    assert log.read_text().count("Accepted publickey") == 2
