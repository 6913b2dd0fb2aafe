"""Real agent CLIs, run against a scripted model on loopback."""
