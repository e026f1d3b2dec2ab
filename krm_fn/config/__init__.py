"""What a user may set, and where it stands: an object, a functionConfig, `--set`."""
