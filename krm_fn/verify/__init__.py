"""Ask the running mesh: what a proxy does with each request of the plan, by the configuration that it dumps."""
