"""The pre-push hook: what it says to a push, and how it comes into a repository.

Git has connected to the remote before it runs the hook, so the hook is there at once: `entry` and all that it needs
import the standard library alone.

* decision.py: what git said, the environment and the receipts in, what is said and done out; pure
* rules.py: the settings and the predicate that decide, kept between pushes
* asking.py: what is asked of git
* entry.py: `agentloop hook pre-push`; does what was decided; lastly.py: remembers it
* checking.py: pushed commits checked while git waits
* marks.py: our part of a file of somebody else's, found again and taken out
* installing.py: where the hook goes; raw.py, husky.py, lefthook.py, pre_commit.py: how
"""
