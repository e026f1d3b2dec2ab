"""What in the list keeps requests from the routes, and what a mesh does not do with them."""
