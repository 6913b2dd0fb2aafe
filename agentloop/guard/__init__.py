"""What keeps a pass honest: protected files, the baseline's tests, and the replay in a clean worktree."""
