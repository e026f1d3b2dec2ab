"""Plan → what any mesh reads: Services of single environments, HTTPRoutes, GRPCRoutes, ReferenceGrants."""
