"""The mounts whose calls are named by method and path: for each its requests, results, errors and routes."""
