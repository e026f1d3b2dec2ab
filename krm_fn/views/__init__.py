"""Plan → something to read. No view computes an answer of its own."""
