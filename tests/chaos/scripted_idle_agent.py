"""ScriptedIdleAgent: a real command-line agent that waits, then does what a turn is for.

    python scripted_idle_agent.py SECONDS [COUNT]     (the prompt on stdin)

It writes COUNT into the file `count`; without one, what stands there and one more.
"""

import sys
import time
from pathlib import Path

time.sleep(float(sys.argv[1]))
count = Path("count")
count.write_text(f"{sys.argv[2] if len(sys.argv) > 2 else int(count.read_text()) + 1}\n")
print("counted")
