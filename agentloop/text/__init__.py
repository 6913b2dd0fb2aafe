"""Text from outside and in commands: made fit to be shown, freed of secrets, taken apart, and read as amounts."""
