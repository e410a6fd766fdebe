"""From raw output of real programs to typed facts."""
