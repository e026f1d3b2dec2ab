"""Bytes <-> values, and edits of texts. The only package that knows YAML and JSON."""
