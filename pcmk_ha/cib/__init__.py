"""The CIB as values: one module per element."""
