"""Plan → manifests, one module per kind of mesh. They know nothing of each other, and nothing of YAML."""
