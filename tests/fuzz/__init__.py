"""Random lists in odd texts, and what must hold of the whole function for every one of them."""
