"""The name of a setting that somebody misspelt.

`python3 -m bot.setting_names NAME...` reads a line from standard input and prints the nearest of the
names. `scripts/install` runs it before anything is installed, so it needs the standard library alone.
"""

from __future__ import annotations

import difflib
import sys
from typing import Collection, Iterable, Iterator, List, Optional

#: The tunnel reads this one from the same files; the bot ignores it.
TUNNEL_SETTING = "NGROK_AUTHTOKEN"
#: How alike two names are in a file of settings, and in an environment, where most names are other
#: programs' own. 1 is equal.
_ALIKE_IN_FILE, _ALIKE_IN_ENVIRONMENT = 0.7, 0.85
#: A shorter name in an environment, such as MODEL, is rather another program's than misspelt.
_SHORTEST_IN_ENVIRONMENT = 6


def nearest(name: str, known: Collection[str], alike: float = _ALIKE_IN_FILE) -> Optional[str]:
    """The one of `known` that is most like `name`; `None` if each differs too much.

    `alike` is the least likeness, from 0 to 1, as `difflib.SequenceMatcher.ratio` measures it.
    """
    found = difflib.get_close_matches(name.upper(), known, n=1, cutoff=alike)
    return found[0] if found else None


def unknown_in_file(names: Iterable[str], known: Collection[str], file: object) -> Iterator[str]:
    """A sentence about each name in a file of settings that is none of `known`."""
    for name in names:
        if name not in known:
            other = nearest(name, known)
            advice = f"The nearest setting is {other}." if other else "Remove its line."
            yield f"{name} in {file} is no setting of the bot. {advice}"


def misspelt_in_environment(names: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """A sentence about each environment variable that is almost one of `known`."""
    for name in names:
        if name not in known and len(name) >= _SHORTEST_IN_ENVIRONMENT:
            other = nearest(name, known, _ALIKE_IN_ENVIRONMENT)
            if other:
                yield (
                    f"The environment variable {name} is no setting of the bot. The nearest setting"
                    f" is {other}; rename or unset {name}."
                )


def main(known: Optional[List[str]] = None) -> int:
    """Print the name among `known`, or the arguments, that is nearest to the line that is read."""
    # From standard input, not an argument: the wrong line may be a secret, and `ps` shows arguments.
    print(nearest(sys.stdin.readline().strip(), sys.argv[1:] if known is None else known) or "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
