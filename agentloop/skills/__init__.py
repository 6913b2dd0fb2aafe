"""Skills: the format, what can be wrong with one, the library, and the links by which agents find it."""
