"""ScriptedAgent: a real command-line agent without a mind; it does what its script says, a step a turn.

    python scripted_agent.py SCRIPT [--session ID]     (the prompt on stdin)

SCRIPT is a JSON list of steps: {"run": shell command, "say": text, "sleep_s": seconds, "exit": code}. `{draft}` in a
command is the draft folder that the prompt names. Each turn is noted in SCRIPT.log: the session and the prompt. New
sessions are called s-1, s-2, ...
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path


def main() -> int:
    script = Path(sys.argv[1])
    prompt = sys.stdin.read()
    log = script.with_suffix(".log")
    before = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    turn = len(before)
    session = sys.argv[3] if len(sys.argv) > 3 else f"s-{1 + sum(not one['resumed'] for one in before)}"
    with log.open("a") as file:
        file.write(json.dumps({"session": session, "resumed": len(sys.argv) > 3, "prompt": prompt}) + "\n")
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
