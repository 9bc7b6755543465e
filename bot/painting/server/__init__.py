"""The files of the fleet's NATS server: `scripts/fleet` makes them."""
