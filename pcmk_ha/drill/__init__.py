"""Break it on purpose, measure the outage, prove that nothing is lost."""
