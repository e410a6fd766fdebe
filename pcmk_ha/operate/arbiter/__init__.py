"""From two votes to three and back, while the service runs."""
