"""Plan → what Istio reads: VirtualServices, DestinationRules, EnvoyFilters, and edits of the user's own."""
