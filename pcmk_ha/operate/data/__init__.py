"""The two copies of the data: comparing, copying, growing."""
