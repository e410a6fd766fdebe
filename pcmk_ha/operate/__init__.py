"""One module per verb: where plans meet nodes."""
