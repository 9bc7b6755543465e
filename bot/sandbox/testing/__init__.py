"""For tests: faults on demand, the log of calls, control from another process."""
