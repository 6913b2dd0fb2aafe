"""agentloop: supervise any CLI coding agent until a command proves success, then keep what it learned.

The words, one for each thing, in code, flags, events and documents:

* **run**: one supervised job, from the first check to the committed skill; it has an id and a journal.
* **agent**: a CLI coding agent, described by an adapter (a TOML file).
* **session**: the agent's own memory across turns; resumed, never restarted, unless said so.
* **turn**: one prompt and what the agent did until it stopped.
* **attempt**: one turn and the check after it.
* **predicate**: the success condition; a **check** of it gives a **verdict**: pass, fail or error.
* **journal**: the run's append-only record of events; the run's state is a fold over it.
* **draft**: a skill as the agent wrote it; a **finding** is something wrong with it.
* **skill**: a folder `skills/<name>/` with a SKILL.md in the Agent Skills format.
"""

__version__ = "0.1.0"
