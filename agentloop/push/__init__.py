"""`git push` with a check before it, and the skills of the sessions that made the commits in it.

* refs.py: what would be pushed
* places.py: a clean worktree of a pushed commit
* checking.py: the check in it, and its receipt
* behind.py: the sessions that made the commits
* learning.py: those asked for what they learned
* mending.py: a run that makes a failing commit pass
* flow.py: one after the other, and then the push
* queued.py: the sessions behind a plain `git push`, asked later
"""
