"""From facts and desired to ordered actions."""
