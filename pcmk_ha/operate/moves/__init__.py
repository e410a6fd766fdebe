"""Moving the service, emptying a node, stopping and starting: always previewed, always cleaned up."""
