"""Routes beside those of the user's, so that they serve environments."""
