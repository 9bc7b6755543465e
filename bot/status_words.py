"""The words with which a service's status says that it cannot paint: `bot.upgrade.health` looks for them.

The standard library alone is imported.
"""

from __future__ import annotations

NO_PAINTER = "no painter"
NO_BACKEND = "no backend yet"
NO_CONNECTION = "no connection to the fleet"
