"""The mounts whose calls are told apart by method and path: operations, routes and wordings for each."""
