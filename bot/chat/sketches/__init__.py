"""The sheet of sketches to choose a style from, and the film of how a picture was painted."""
