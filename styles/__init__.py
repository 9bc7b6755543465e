"""Style pictures: those that the project paints itself and those that it can fetch."""
