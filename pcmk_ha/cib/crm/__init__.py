"""The words of the crm shell: one module per kind of CIB element."""
