"""The forecast for a Jetson Nano, from the graphs."""
