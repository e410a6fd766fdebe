"""A new machine in the place of one that is lost."""
