"""ScriptedInteractiveAgent: an agent that a person talks to in a terminal, and that keeps its sessions in a store.

    python interactive_agent.py [--continue]          "> " asks for lines:
        run COMMAND      call the shell, and tell of it
        clear            begin another session
        size             tell the terminal's size
        quit [CODE]      leave
    python interactive_agent.py --resume ID           a turn of that session: the prompt on stdin, JSON lines on stdout

It writes ~/.scripted/NAME/ID.jsonl. With a prompt it does what $SCRIPTED_TURN, a shell command, says; `{draft}` in it
is the draft folder that the prompt names; the prompt is kept in ~/.scripted/prompts.jsonl. ctrl-C interrupts the
command that it runs, and is told.
"""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path

ROOT = Path.home() / ".scripted"


class Session:
    def __init__(self, name: str = "") -> None:
        folder = ROOT / re.sub(r"\W", "-", str(Path.cwd()))
        folder.mkdir(parents=True, exist_ok=True)
        known = sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
        self.name = known[-1].stem if name == "newest" and known else name or str(uuid.uuid4())
        at = list(ROOT.glob(f"*/{self.name}.jsonl"))
        self.file = at[0] if at else folder / f"{self.name}.jsonl"

    def write(self, **content: object) -> None:
        with self.file.open("a") as file:
            line = {"session": self.name, "cwd": str(Path.cwd()), "time": time.time(), **content}
            file.write(json.dumps(line) + "\n")

    def run(self, command: str) -> None:
        call = uuid.uuid4().hex
        self.write(call={"id": call, "command": command})
        try:
            done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
            code, output = done.returncode, done.stdout + done.stderr
        except KeyboardInterrupt:
            code, output = 130, "interrupted"
        self.write(result={"id": call, "code": code, "output": output})
        print(f"{output.rstrip()} [exit {code}]", flush=True)


def talk(session: Session) -> int:
    session.write(said="hello")
    while True:
        try:
            word, _, rest = input("> ").partition(" ")
        except KeyboardInterrupt:
            print("you typed ctrl-C", flush=True)
            continue
        except EOFError:
            return 0
        match word:
            case "run":
                session.run(rest)
            case "clear":
                session = Session()
                session.write(said="hello again")
            case "size":
                print("size", *os.get_terminal_size(), flush=True)
            case "quit":
                session.write(said="bye")
                return int(rest or 0)


def turn(session: Session) -> int:
    prompt = sys.stdin.read()
    with (ROOT / "prompts.jsonl").open("a") as file:
        told = {"session": session.name, "cwd": str(Path.cwd()), "argv": sys.argv[1:], "prompt": prompt}
        file.write(json.dumps(told) + "\n")
    draft = re.search(r"^Draft folder: `(.+)`", prompt, re.MULTILINE)
    command = os.environ.get("SCRIPTED_TURN", "true").replace("{draft}", draft[1] if draft else "NO-DRAFT-FOLDER")
    print(json.dumps({"session": session.name}), flush=True)
    done = subprocess.run(command, shell=True, check=False, stdout=subprocess.PIPE, text=True)
    session.write(said="written")
    print(json.dumps({"text": done.stdout.strip() or "done", "finished": True}), flush=True)
    return 0


if __name__ == "__main__":
    if "--resume" in sys.argv:
        sys.exit(turn(Session(sys.argv[sys.argv.index("--resume") + 1])))
    sys.exit(talk(Session("newest" if "--continue" in sys.argv else "")))
