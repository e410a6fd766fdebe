"""A client as applications are: it writes through the VIP and keeps a ledger of what was acknowledged."""
