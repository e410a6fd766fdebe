"""Settling a split brain: what each side holds, saving what is given up, and one copy again."""
