"""What the tests of a command came to: from the report that their runner writes, or from what it prints."""
