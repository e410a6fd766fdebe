"""A real cluster lab on one machine: User-Mode Linux nodes, networks and IPMI fencing."""
