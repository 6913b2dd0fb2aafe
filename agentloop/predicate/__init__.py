"""The success condition: how it is read, how it is run, and what goes back to the agent when it does not hold."""
