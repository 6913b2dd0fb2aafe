"""ScriptedTui: a program for people, with a screen of its own, in the terminal's raw mode and with marked pastes.

    python scripted_tui.py LOG [WORD...]

Each prompt is a line of LOG: the hexadecimal bytes. An Enter that comes in the same read as the paste is swallowed. A
word changes how it behaves: `trust` asks before it takes a prompt, `asks` asks in the middle of a turn, `queries` waits
for the terminal's answers first, `deaf` ignores what asks it to end, `clock` never comes to rest, `late` takes no Enter
for a second after a paste, `hoarse` says a limit was met, `SESSION=ID` names the session that it was started in.
"""

import os
import re
import select
import signal
import sys
import time
import tty
from pathlib import Path

LOG, WORDS = Path(sys.argv[1]), sys.argv[2:]
BEGINS, ENDS = b"\x1b[200~", b"\x1b[201~"


def show(*lines: str) -> None:
    sys.stdout.write("\x1b[H\x1b[2J" + "\r\n".join(lines))
    sys.stdout.flush()


def read(timeout_s: float | None = None) -> bytes:
    return os.read(0, 65536) if select.select([0], [], [], timeout_s)[0] else b""


def ask(question: str) -> None:
    show(question, "y/n")
    while b"y" not in read():
        pass


def query() -> None:
    sys.stdout.write("\x1b[6n\x1b[c")
    sys.stdout.flush()
    answers = b""
    while not re.search(rb"\x1b\[\d+;\d+R", answers) or not re.search(rb"\x1b\[\?[\d;]+c", answers):
        answers += read()


def prompt(said: list[str]) -> bytes:
    """Read a paste, and an Enter after it."""
    show(*said, "", "> ")
    paste = b""
    while ENDS not in paste:
        paste += read()
    show(*said, "", f"> [{len(paste)} bytes pasted]")
    if "late" in WORDS:
        ends_at = time.monotonic() + 1
        while time.monotonic() < ends_at:
            read(0.1)
    while read() != b"\r":
        pass
    return paste[paste.index(BEGINS) + len(BEGINS) : paste.index(ENDS)]


def work(said: list[str]) -> None:
    for turn in range(8):
        show(*said, f"{'⠋⠙⠹⠸'[turn % 4]} Thinking ({turn}s · esc to interrupt)", "> ")
        time.sleep(0.05)


def main() -> None:
    tty.setraw(0)
    if "deaf" in WORDS:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.stdout.write("\x1b[?1049h\x1b[>1u\x1b[?2004h")
    if "queries" in WORDS:
        query()
    if "trust" in WORDS:
        ask("Do you trust this folder?")
    said: list[str] = [word for word in WORDS if word.startswith("SESSION=")]
    while True:
        words = prompt(said)
        with LOG.open("a") as log:
            log.write(words.hex() + "\n")
        if b"please die" in words:
            sys.exit(3)
        work(said)
        if "asks" in WORDS:
            ask("May I delete everything?")
        for second in range(10_000 if "clock" in WORDS else 0):
            show(f"it is second {second}", "> ")
            time.sleep(0.02)
        first = words.decode(errors="replace").split("\n")[0][:60]
        said = [*said, f"⏺ answer to {first}", "  API Error: 429 slow down" if "hoarse" in WORDS else "  all done"][
            -40:
        ]


if __name__ == "__main__":
    main()
