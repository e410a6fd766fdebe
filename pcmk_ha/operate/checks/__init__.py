"""Questions of the preflight, by subject."""
