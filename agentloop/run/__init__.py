"""A run: what it does next (`loop`, pure), and the effects (`supervisor`, `performing` and what they use)."""
