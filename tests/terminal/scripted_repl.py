"""ScriptedRepl: a plain program that reads a line, works in silence, and answers.

    python scripted_repl.py LOG

Each prompt is a line of LOG: the hexadecimal bytes; of one that says so, the bytes of the file that it names.
"""

import re
import sys
import time
from pathlib import Path


def main() -> None:
    log = Path(sys.argv[1])
    while True:
        sys.stdout.write("you> ")
        sys.stdout.flush()
        line = sys.stdin.buffer.readline().removesuffix(b"\n")
        if not line:
            return
        file = re.search(rb"Read your instructions from the file (\S+)", line)
        words = Path(file[1].decode()).read_bytes() if file else line
        with log.open("a") as out:
            out.write(words.hex() + "\n")
        time.sleep(1.5)
        print(f"answer to {words[:40].decode(errors='replace')!r}", flush=True)


if __name__ == "__main__":
    main()
