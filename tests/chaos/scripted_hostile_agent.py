"""ScriptedHostileAgent: a real command-line agent that misbehaves in one of many ways, and how a run of it has to end.

    python scripted_hostile_agent.py NAME NOTES     (the prompt on stdin)

NOTES is a folder of its own outside of the repository. Where a way says `work()`, the work is done as well: hostility
alone is no failure. Each way stands with the exit code and the outcome of its run.
"""

import json
import os
import random
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SIGN_OF_LIFE = "alive"
"""What grows in the notes as long as something lives that is not seen by looking once."""
LONG_S = 120


@dataclass(frozen=True)
class Way:
    """One way to misbehave, and the end of its run."""

    name: str
    act: Callable[[Path], int | None]
    code: int
    outcome: str
    """Empty: the run has not ended and can be resumed, or its journal is lost."""
    says: str
    """Part of what the person is told."""
    flags: tuple[str, ...]
    is_quick: bool
    resumed: int | None
    """The exit code of a resume."""
    spares: bool
    """What the person had in the repository is still there."""


WAYS: dict[str, Way] = {}


def ends(
    code: int, outcome: str, *flags: str, says: str = "", quick: bool = True, resumed: int | None = None,
    spares: bool = True,
) -> Callable[[Callable[[Path], int | None]], Callable[[Path], int | None]]:  # fmt: skip
    """Enter a way into the table."""

    def enter(act: Callable[[Path], int | None]) -> Callable[[Path], int | None]:
        name = act.__name__
        WAYS[name] = Way(name, act, code, outcome, says, flags, quick, resumed, spares)
        return act

    return enter


def work() -> None:
    Path("count").write_text("3\n")


def say(**event: object) -> None:
    print(json.dumps(event), flush=True)


def megabytes(many: int) -> int:
    """As much as that, or a tenth of it where time is short."""
    return many * 1024 * 1024 // (1 if os.environ.get("CHAOS_WHOLE") else 10)


def sleep_on(seconds: float = LONG_S) -> None:
    """However often a signal wakes us."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.1)


def detached(then: Callable[[], None], *, plain_environment: bool = False) -> None:
    """Do something in a daemon: forked twice, in a session of its own, perhaps without our environment."""
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    if plain_environment:
        os.execve(sys.executable, [sys.executable, "-S", __file__, "later", str(Path.cwd())], {})
    then()
    os._exit(0)


def later() -> None:
    time.sleep(1)
    Path("theirs").write_text("edited behind everybody's back\n")
    Path("count").write_text("9\n")
    sleep_on()


# What it does to its own life


@ends(0, "reached", "--turn-timeout", "1s")
def ignores_being_asked_to_end(_notes: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    work()
    sleep_on()


@ends(1, "not_reached", "--max-attempts", "1", "--idle-timeout", "1s", says="it was silent for too long")
def hangs_in_silence(_notes: Path) -> None:
    sleep_on()


@ends(1, "not_reached", "--max-attempts", "1", "--turn-timeout", "2s", "--idle-timeout", "1s",
      says="it took too long")  # fmt: skip
def hangs_at_full_speed(_notes: Path) -> None:
    while True:
        pass


@ends(1, "not_reached", "--max-attempts", "1", "--idle-timeout", "1s", says="it was silent for too long", quick=False)
def stops_itself(_notes: Path) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


@ends(1, "not_reached", "--max-attempts", "1", "--turn-timeout", "1s", says="it took too long", quick=False)
def chatters_for_ever(_notes: Path) -> None:
    while True:
        print("still thinking", flush=True)
        time.sleep(0.05)


@ends(5, "agent_unusable", says="exit code 7")
def fails_at_once(_notes: Path) -> int:
    return 7


@ends(1, "not_reached", "--max-attempts", "50", "--stuck-after", "60", quick=False)
def ends_at_once_fifty_times(_notes: Path) -> None:
    """Nothing is done."""


@ends(3, "stuck", quick=False)
def ends_at_once(_notes: Path) -> None:
    """Nothing is done, and that is seen."""


@ends(5, "agent_unusable", says="signal 9")
def kills_its_process_group(_notes: Path) -> None:
    os.killpg(0, signal.SIGKILL)


@ends(-signal.SIGKILL, "", resumed=0)
def kills_its_parent(notes: Path) -> None:
    if not (notes / "once").exists():
        (notes / "once").touch()
        os.kill(os.getppid(), signal.SIGKILL)
        sleep_on()
    work()


@ends(143, "", says="interrupted by SIGTERM", resumed=0)
def asks_its_parent_to_end(notes: Path) -> None:
    if not (notes / "once").exists():
        (notes / "once").touch()
        os.kill(os.getppid(), signal.SIGTERM)
        sleep_on()
    work()


@ends(0, "reached", quick=False)
def takes_all_of_the_memory_it_may(_notes: Path) -> None:
    work()
    resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28))
    with suppress(MemoryError):
        bytearray(2**29)


# What it leaves running


@ends(0, "reached")
def forks_a_daemon_that_edits_later(_notes: Path) -> None:
    work()
    detached(later)


@ends(0, "reached")
def forks_a_daemon_without_our_environment(_notes: Path) -> None:
    work()
    detached(later, plain_environment=True)


@ends(0, "reached")
def leaves_a_child_that_holds_its_output_open(_notes: Path) -> None:
    work()
    subprocess.Popen(["sleep", str(LONG_S)], start_new_session=True)


@ends(0, "reached")
def leaves_twenty_children(_notes: Path) -> None:
    work()
    for _ in range(20):
        subprocess.Popen(["sh", "-c", f"trap '' TERM; sleep {LONG_S}"], start_new_session=bool(random.getrandbits(1)))


@ends(0, "reached", "--turn-timeout", "2s")
def forks_for_ever(notes: Path) -> None:
    """A child that forks and ends, and so does its child: never the same process twice, so that each notes its life."""
    work()
    while os.fork() == 0:
        with (notes / SIGN_OF_LIFE).open("ab") as file:
            file.write(b".")
        time.sleep(0.005)
    os._exit(0)


# What it prints


@ends(0, "reached", quick=False)
def prints_two_gigabytes(_notes: Path) -> None:
    block = (b"x" * 99 + b"\n") * 10_000
    for _ in range(megabytes(2048) // len(block)):
        sys.stdout.buffer.write(block)
    work()


@ends(0, "reached")
def prints_no_end_of_a_line(_notes: Path) -> None:
    sys.stdout.write("x" * megabytes(40))
    work()


@ends(0, "reached")
def prints_a_huge_line_of_json(_notes: Path) -> None:
    say(type="text", text="x" * megabytes(100))
    work()


@ends(0, "reached")
def prints_json_without_a_bottom(_notes: Path) -> None:
    print('{"type": "text", "text": ' + "[" * 200_000 + "]" * 200_000 + "}")
    print('{"a":' * 500 + "1" + "}" * 500)
    print("[" * 990 + "]" * 990)
    work()


@ends(0, "reached")
def prints_half_a_line_of_json(_notes: Path) -> None:
    work()
    sys.stdout.write('{"type": "done", "te')


@ends(0, "reached")
def prints_what_is_no_text(_notes: Path) -> None:
    """NULs, invalid UTF-8, escape sequences, questions to a terminal, lone surrogates in JSON."""
    sys.stdout.buffer.write(b"\0\0\n\xff\xfe\xc3(\n\x1b[2J\x1b[6n\x1b]0;title\x07\x1b[c\x1bP$q\x1b\\\x9b31m\n")
    sys.stdout.buffer.write(b'{"type": "done", "text": "\\ud800 \\u0000 \\u001b[31m \\u202e"}\n')
    sys.stdout.buffer.write(bytes(range(256)) * 64)
    work()


@ends(0, "reached")
def prints_amounts_that_are_none(_notes: Path) -> None:
    for amount in ("1e999", "-1", "NaN", "-Infinity", "1" + "0" * 400, "1" + "0" * 5000, "1e308", '"many"', "true"):
        print(f'{{"type": "done", "tokens": {amount}, "cost": {amount}}}')
    work()


@ends(0, "reached")
def names_sessions_that_are_none(_notes: Path) -> None:
    for name in ("--help", "-rf", "../../../etc", "$(touch /tmp/x)", "a\nb", "\0", "x" * 100_000, " "):
        say(type="session", id=name)
    odds: tuple[object, ...] = (7, [], {"a": 1})
    for odd in odds:
        say(type="session", id=odd)
    work()


@ends(1, "not_reached", "--max-attempts", "1")
def prints_events_of_agentloop(_notes: Path) -> None:
    for event in ('"run.ended","outcome":"reached","exit_code":0,"reason":"r"', '"check.ended","verdict":"pass"'):
        print(f'{{"seq":99,"at":1.0,"type":{event}}}')
    print("reached: the predicate holds after 1 attempt")


@ends(75, "rate_limited", "--wait", "never", says="usage limit")
def lies_about_the_clock(notes: Path) -> None:
    resets = ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00", -1, "NaN", 1e300, "in 99999999999 years", "9" * 90]
    turn = len(list(notes.iterdir()))
    (notes / str(turn)).touch()
    say(type="error", message="usage limit", resets=resets[turn % len(resets)])
    sys.exit(1)


@ends(0, "reached", quick=False)
def calls_ten_thousand_tools(_notes: Path) -> None:
    work()
    for number in range(10_000):
        say(type="tool", call=str(number), name="Bash", command="x" * 5000)
        say(type="result", call=str(number), failed=True, output="y" * 5000)


@ends(0, "reached")
def closes_its_output_and_works_on(_notes: Path) -> None:
    os.close(1)
    os.close(2)
    time.sleep(0.5)
    work()


@ends(0, "reached")
def closes_its_input(_notes: Path) -> None:
    os.close(0)
    work()


@ends(5, "agent_unusable", says="no terminal to ask at")
def asks_for_a_password(_notes: Path) -> int:
    with suppress(OSError), Path("/dev/tty").open("r+b", buffering=0) as terminal:
        terminal.write(b"Password: ")
        terminal.read(1)
        return 0
    sys.stderr.write("no terminal to ask at\n")
    return 1


# What it does to the tree


@ends(0, "reached")
def makes_files_that_are_none(_notes: Path) -> None:
    """Pipes, sockets, loops, names without an end; also where git and we read: a pipe there is waited for for ever."""
    work()
    for name in ("pipe", "conftest.py", "pytest.ini", "pyproject.toml", "agentloop.toml", "Makefile", "CLAUDE.md"):
        os.mkfifo(name)
    Path("loop").symlink_to("loop")
    Path("up").symlink_to("..")
    Path("zero").symlink_to("/dev/zero")
    Path("setup.cfg").symlink_to("/dev/zero")
    with suppress(OSError):
        os.mknod("device", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
    Path("n" * 250).write_text("long")
    Path("a\nb\t\x1b[31m").write_text("odd")
    with suppress(UnicodeError, OSError):
        Path(os.fsdecode(b"\xff\xfe")).write_text("odd")
    deep = Path(*["d" * 200] * 15)
    deep.mkdir(parents=True)
    (deep / "file").write_text("deep")


@ends(2, "", says="did not end within")
def puts_a_pipe_where_git_reads(_notes: Path) -> None:
    work()
    os.mkfifo(".gitignore")
    os.mkfifo(".gitattributes")


@ends(0, "reached", "--distill", "always")
def drafts_what_is_no_file(_notes: Path) -> None:
    """In the skill's turn, whatever the draft is made of."""
    work()
    for folder in Path(".agentloop-draft").glob("2*"):
        for name in ("pipe", "loop", "zero"):
            (folder / name).mkdir()
        os.mkfifo(folder / "pipe/SKILL.md")
        (folder / "loop/SKILL.md").symlink_to("SKILL.md")
        (folder / "zero/SKILL.md").symlink_to("/dev/zero")
    Path("skills/odd").mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.mkfifo("skills/odd/SKILL.md")


@ends(0, "reached")
def takes_permissions_away(_notes: Path) -> None:
    work()
    folder = Path("closed")
    folder.mkdir()
    (folder / "file").write_text("f")
    Path("unreadable").write_text("u")
    Path("unreadable").chmod(0)
    folder.chmod(0)


@ends(0, "reached", quick=False)
def makes_twenty_thousand_files(_notes: Path) -> None:
    work()
    for number in range(200):
        folder = Path("many", str(number))
        folder.mkdir(parents=True)
        for name in range(megabytes(1) // 10_486):
            (folder / str(name)).touch()


@ends(2, "repository_lost", says="repository", spares=False)
def deletes_the_repository(_notes: Path) -> None:
    shutil.rmtree(".git")


@ends(2, "repository_lost", says="is gone", spares=False)
def deletes_the_working_tree(_notes: Path) -> None:
    shutil.rmtree(Path.cwd())


@ends(0, "reached")
def commits_and_rewrites_history(_notes: Path) -> None:
    work()
    for words in (
        "commit -qm one -- count", "commit -q --amend -m two --only", "checkout -q -b other", "tag -f main",
        "commit -q --allow-empty -m three --only", "branch -f main HEAD~1", "update-ref -d refs/heads/main",
        "branch main",
    ):  # fmt: skip
        subprocess.run(["git", *words.split()], check=False, capture_output=True)


@ends(0, "reached", "--distill", "never")
def leaves_locks_of_gits(_notes: Path) -> None:
    work()
    for name in ("index.lock", "HEAD.lock", "config.lock", "packed-refs.lock", "refs/heads/main.lock"):
        Path(".git", name).touch()


# What it does to agentloop, and to its own session


def run_folder() -> Path:
    return next(Path(os.environ["XDG_STATE_HOME"]).glob(f"agentloop/*/{os.environ['AGENTLOOP_RUN']}"))


@ends(2, "", says="somebody else has written to")
def writes_into_the_journal(_notes: Path) -> None:
    with (run_folder() / "journal.jsonl").open("a") as file:
        file.write('{"seq":9,"at":1.0,"type":"run.ended","outcome":"reached","exit_code":0,"reason":"r"}\n')


@ends(2, "", says="somebody else has written to")
def empties_the_journal(_notes: Path) -> None:
    (run_folder() / "journal.jsonl").write_text("")


@ends(2, "", says="is not there any more")
def deletes_the_state_folder(_notes: Path) -> None:
    shutil.rmtree(Path(os.environ["XDG_STATE_HOME"], "agentloop"))


@ends(0, "reached")
def removes_its_session(notes: Path) -> int | None:
    """The second turn finds no session to go on in."""
    turn = len(list(notes.iterdir()))
    (notes / str(turn)).touch()
    if turn == 1:
        say(type="error", message="no session s")
        return 1
    if turn > 1:
        work()
    return None


def main() -> int:
    name, notes = sys.argv[1:3]
    if name == "later":
        os.chdir(notes)
        later()
        return 0
    sys.stdin.read()
    say(type="session", id="s")
    return WAYS[name].act(Path(notes)) or 0


if __name__ == "__main__":
    sys.exit(main())
