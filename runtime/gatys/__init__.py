"""Gatys' style transfer in its parts: graphs, targets, descent, the coarse and the fine stage."""
