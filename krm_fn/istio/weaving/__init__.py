"""Environments woven into the user's own VirtualServices and DestinationRules."""
