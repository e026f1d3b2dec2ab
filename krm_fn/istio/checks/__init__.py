"""What in the list keeps requests from the routes: gateways, visibility, joined namespaces."""
