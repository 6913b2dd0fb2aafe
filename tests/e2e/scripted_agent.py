"""ScriptedAgent: a real command-line agent without a mind; it does what its script says, a step a turn.

    python scripted_agent.py SCRIPT [--session ID]     (the prompt on stdin)
    python scripted_agent.py SCRIPT --repl             (a prompt a line, or in the file that the line names)

SCRIPT is a JSON list of steps: {"run": shell command, "say": text, "sleep_s": seconds, "exit": code}. `{draft}` in a
command is the draft folder that the prompt names. Each turn is noted in SCRIPT.log: the session and the prompt. New
sessions are called s-1, s-2, ...
"""

import itertools
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path


def main() -> int:
    script = Path(sys.argv[1])
    if sys.argv[2:] == ["--repl"]:
        return converse(script)
    session = sys.argv[3] if len(sys.argv) > 3 else ""
    return take_turn(script, sys.stdin.read(), session, resumed=bool(session))


def converse(script: Path) -> int:
    for turn in itertools.count():
        print("you> ", end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            break
        file = re.search(r"instructions from the file (\S+)", line)
        prompt = Path(file[1]).read_text() if file else line
        take_turn(script, prompt, f"process {os.getpid()}", resumed=turn > 0)
    return 0


def take_turn(script: Path, prompt: str, session: str, *, resumed: bool) -> int:
    log = script.with_suffix(".log")
    before = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    turn = len(before)
    session = session or f"s-{1 + sum(not one['resumed'] for one in before)}"
    with log.open("a") as file:
        file.write(json.dumps({"session": session, "resumed": resumed, "prompt": prompt}) + "\n")
    print(f"session: {session}", flush=True)
    steps = json.loads(script.read_text())
    step = steps[min(turn, len(steps) - 1)]
    if "run" in step:
        draft = re.search(r"^Draft folder: `(.+)`", prompt, re.MULTILINE)
        command = step["run"].replace("{draft}", draft[1] if draft else "NO-DRAFT-FOLDER")
        subprocess.run(command, shell=True, check=False, stdout=sys.stdout)
    time.sleep(step.get("sleep_s", 0))
    print(step.get("say", "done"), flush=True)
    return int(step.get("exit", 0))


if __name__ == "__main__":
    sys.exit(main())
