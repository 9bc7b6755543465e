"""The order in which jobs are painted, how far they are, and when they will be done."""
