"""What the user asked for, as frozen values."""
