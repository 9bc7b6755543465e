"""`make bench`: time to equal loss against the reference recipe, in one process."""
