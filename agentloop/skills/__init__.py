"""Skills: the format, what can be wrong with one, and the links by which agents find them."""
