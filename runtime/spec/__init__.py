"""The contract between `export`, which writes graphs and engines, and `runtime`."""
