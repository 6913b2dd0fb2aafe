"""The predicate language: words in, a tree of conditions out."""
