"""`python -m tests.bench.gpu`: the figures of a machine with a CUDA GPU, and bench-gpu.json.

Each part runs in a process of its own; one that cannot run is reported with its reason, and the
others go on. Nothing is fetched: VGG-19's first layers come with the repository, the generator's
weights are random, and the others are those that `make weights` has fetched before. It ends in less
than ten minutes.

Exit codes: 0 figures were taken, 1 no part could run, 3 there is no CUDA GPU.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import List, Optional

from tests.bench.gpu.cuda_driver import Driver, DriverError
from tests.bench.gpu.measure import Bench, Settings
from tests.bench.pairs import ROOT

NO_GPU = 3


def main(arguments: Optional[List[str]] = None) -> int:
    """Take all figures, print them and write them; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gpu", description=__doc__)
    parser.add_argument("--repeats", type=int, default=Settings.repeats, help="of each; medians")
    parser.add_argument(
        "--seconds", type=float, default=Settings.seconds, help="for all parts together"
    )
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "bench-gpu.json")
    args = parser.parse_args(arguments)
    try:
        driver = Driver()
    except DriverError as error:
        print(f"{error} These figures are for a machine with a CUDA GPU.", file=sys.stderr)
        return NO_GPU
    print(f"{driver.name}, Python {platform.python_version()}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Settings(repeats=args.repeats, seconds=args.seconds), Path(folder))
        found = {"gpu": driver.name, **bench.measure()}
    args.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"All figures are in {args.output}.")
    rows = [*found["stages"], *found["paintings"], found["generator"], *found["gatys"]]
    parts = [part for row in rows for part in row["parts"].values()]
    return 1 if all("reason" in part for part in parts) else 0


if __name__ == "__main__":
    sys.exit(main())
