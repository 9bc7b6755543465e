"""`python -m export COMMAND`: from published weights to graphs and engines."""

from __future__ import annotations

import argparse
import sys
from typing import List, Optional

from export.engines import command as engines_command
from export.graphs import command as onnx_command
from export.sources import command as weights_command
from export.training import command as train_command
from export.training import compare as compare_vgg
from runtime.exit_codes import run_command

#: Each offers `add_parser(subparsers)`, whose parser sets `run` to a function of the arguments
#: that returns the exit code. Vendor libraries are imported by `run`, not by the module.
COMMANDS = (weights_command, onnx_command, engines_command, train_command, compare_vgg)


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    args = parser.parse_args(arguments)
    return run_command(lambda: args.run(args))


if __name__ == "__main__":
    sys.exit(main())
