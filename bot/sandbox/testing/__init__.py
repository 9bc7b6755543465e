"""For tests: faults on demand, the journal of calls, control from another process."""
