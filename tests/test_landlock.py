"""Whatever a check does, nothing is written outside of its walls: on real processes, under the real kernel."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentloop.process import Landlock, landlock, run_program

pytestmark = pytest.mark.skipif(not landlock.version(), reason="the kernel has no Landlock, or it is switched off")
TRICKS = {
    "write": "open(OUT + '/file', 'w')",
    "append": "open(OUT + '/file', 'a')",
    "read and write": "os.open(OUT + '/file', os.O_RDWR)",
    "truncate by path": "os.truncate(OUT + '/file', 0)",
    "truncate on opening": "os.open(OUT + '/file', os.O_RDONLY | os.O_TRUNC)",
    "create": "open(OUT + '/new', 'x')",
    "create without a name": "os.open(OUT, os.O_TMPFILE | os.O_RDWR)",
    "make a folder": "os.mkdir(OUT + '/new')",
    "make a pipe": "os.mkfifo(OUT + '/new')",
    "make a link": "os.symlink('/etc/passwd', OUT + '/new')",
    "make a socket": "import socket; socket.socket(socket.AF_UNIX).bind(OUT + '/new')",
    "unlink": "os.unlink(OUT + '/file')",
    "remove a folder": "os.rmdir(OUT + '/folder')",
    "remove it all": "import shutil; shutil.rmtree(OUT)",
    "rename there": "os.rename(OUT + '/file', OUT + '/other')",
    "rename out": "open('mine', 'w'); os.rename('mine', OUT + '/new')",
    "rename over": "open('mine', 'w'); os.rename('mine', OUT + '/file')",
    "rename in": "os.rename(OUT + '/file', 'theirs')",
    "link in and write": "os.link(OUT + '/file', 'theirs'); open('theirs', 'w')",
    "link out": "open('mine', 'w'); os.link('mine', OUT + '/new')",
    "by a symbolic link": "os.symlink(OUT + '/file', 'link'); open('link', 'w')",
    "by a link to the folder": "os.symlink(OUT, 'link'); open('link/new', 'w')",
    "by a way up": "open('../outside/file', 'w')",
    "by a descriptor": "fd = os.open(OUT, os.O_RDONLY); os.open('new', os.O_CREAT | os.O_WRONLY, dir_fd=fd)",
    "by its own descriptor's name": "fd = os.open(OUT + '/file', os.O_RDONLY); open(f'/proc/self/fd/{fd}', 'w')",
    "from another folder": "os.chdir(OUT); open('file', 'w')",
    "by a shell": "subprocess.run(['sh', '-c', f'echo x > {OUT}/file'], check=True)",
    "by a mount": "subprocess.run(['mount', '--bind', os.getcwd(), OUT], check=True)",
    "by a namespace": "subprocess.run(['unshare', '-rm', 'sh', '-c', f'echo x > {OUT}/file'], check=True)",
    "by a new root": "os.chroot(OUT); open('/file', 'w')",
    "by a device": "os.mknod('disk', 0o600 | 0o060000, os.makedev(7, 0))",
    "by our memory": "open(f'/proc/{os.getppid()}/mem', 'r+b')",
    "by our descriptors": "us = f'/proc/{os.getppid()}/fd'; [open(f'{us}/{name}', 'r+b') for name in os.listdir(us)]",
}  # fmt: skip
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        try:
            open({outside!r} + '/file', 'w')
        finally:
            open('tried', 'x')
        os._exit(0)
    os._exit(0)
while not os.path.exists('tried'):
    time.sleep(0.01)
"""


def looks(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else ""
        for path in [folder, *sorted(folder.rglob("*"))]
    }


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    (folder / "folder").mkdir(parents=True)
    (folder / "file").write_text("theirs")
    return folder


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    folder = tmp_path / "inside"
    folder.mkdir()
    return folder


def run(source: str, inside: Path, *writable: Path) -> tuple[int | None, str]:
    said = bytearray()
    exited = run_program(
        [sys.executable, "-I", "-S", "-c", source], cwd=inside, env=os.environ, timeout_s=60, on_stdout=said.extend,
        walls=Landlock((inside, Path("/dev/null"), *writable)),
    )  # fmt: skip
    return exited.code, said.decode()


def test_no_trick_writes_outside(inside: Path, outside: Path) -> None:
    """All of them in one process, each tried to its end, and none may have changed anything."""
    before = looks(outside)
    tricks = "\n".join(
        f"os.chdir({str(inside)!r})\ntry:\n    {source}\n    print({name!r})\nexcept Exception:\n    pass"
        for name, source in TRICKS.items()
        if name != "by a new root"
    )
    code, said = run(f"import os, subprocess\nOUT = {str(outside)!r}\n{tricks}\nprint('end')", inside)
    assert (code, looks(outside)) == (0, before)
    went_well = set(said.splitlines()) & set(TRICKS)
    assert went_well == set(), said
    assert said.splitlines()[-1] == "end"


def test_a_new_root_is_no_way_out(inside: Path, outside: Path) -> None:
    before = looks(outside)
    run(f"import os\nOUT = {str(outside)!r}\n{TRICKS['by a new root']}", inside)
    assert looks(outside) == before


def test_the_tricks_work_without_walls(inside: Path, outside: Path) -> None:
    """A test that could not fail would prove nothing."""
    before = looks(outside)
    for name in ("write", "rename out", "link in and write", "by a shell", "remove it all"):
        source = f"import os, subprocess\nOUT = {str(outside)!r}\n{TRICKS[name]}"
        subprocess.run([sys.executable, "-I", "-S", "-c", source], cwd=inside, check=True)
        assert looks(outside) != before if outside.exists() else name == "remove it all"


def test_a_daemon_stays_within(inside: Path, outside: Path) -> None:
    before = looks(outside)
    assert run(DAEMON.format(outside=str(outside)), inside)[0] == 0
    assert (inside / "tried").exists()
    assert looks(outside) == before


@pytest.mark.parametrize("known", range(1, 8))
def test_each_version_forbids_and_allows(known: int, inside: Path, outside: Path) -> None:
    """What an older kernel knows is a part of what this one does."""
    allowed = "open('a', 'w').write('x'); os.rename('a', 'b'); os.truncate('b', 0); os.mkdir('c'); os.unlink('b')"
    move = "open('d', 'w'); os.rename('d', 'c/d')"
    forbidden = f"open({str(outside)!r} + '/file', 'w')"
    code = (
        f"import os\n{allowed}\n"
        f"try:\n    {forbidden}\n    print('written')\nexcept PermissionError:\n    pass\n"
        f"try:\n    {move}\n    print('moved')\nexcept OSError:\n    pass\n"
    )
    with landlock.ruleset([inside], known) as rules:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", code], cwd=inside, check=True, capture_output=True, text=True,
            preexec_fn=lambda: landlock.enter(rules), pass_fds=[rules],
        )  # fmt: skip
    assert done.stdout.split() == (["moved"] if known >= landlock.MIN_VERSION else [])


AS_NOBODY = """
import os, sys
source, outside, walled = sys.argv[1:]
known = {"__name__": "landlock"}
exec(compile(open(source).read(), source, "exec"), known)
folder = os.open(outside, os.O_RDONLY)
os.setgid(65534); os.setuid(65534)
if walled == "yes":
    with known["ruleset"]([known["Path"](".")]) as rules:
        known["enter"](rules)
open("mine", "w").close()
try:
    os.close(os.open("file", os.O_WRONLY, dir_fd=folder))
    print("written")
except PermissionError:
    print("denied")
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(("walled", "said"), [("yes", "denied\n"), ("no", "written\n")])
def test_an_ordinary_user_needs_no_privilege(inside: Path, outside: Path, walled: str, said: str) -> None:
    for path in (outside / "file", inside):
        path.chmod(0o777)
    argv = [sys.executable, "-I", "-c", AS_NOBODY, landlock.__file__, str(outside), walled]
    done = subprocess.run(argv, cwd=inside, capture_output=True, text=True, check=True)
    assert done.stdout == said


def test_what_a_shell_is_wont_to_write_to_can_be(inside: Path) -> None:
    said = bytearray()
    exited = run_program(
        ["sh", "-c", "echo a >/dev/null && echo b >/dev/stdout && echo c >/dev/stderr && echo d | tee /dev/stderr"],
        cwd=inside, env=os.environ, timeout_s=30, on_stdout=said.extend, walls=Landlock((Path("/dev/null"),)),
    )  # fmt: skip
    assert exited.code == 0
    assert said.split() == [b"b", b"c", b"d", b"d"]


def test_what_we_start_ends_with_us_also_within_walls(inside: Path) -> None:
    """The kernel forgets the parent-death signal when a program gains privileges; walls are none."""
    source = "import ctypes; n = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(n)); print(n.value)"
    assert run(source, inside)[1] == "9\n"
