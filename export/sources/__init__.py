"""Weights: the catalogue, downloads, and readers of their files."""
