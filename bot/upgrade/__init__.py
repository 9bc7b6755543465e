"""Upgrades of the service: two releases beside each other, and the trial of the new one."""
