"""The reference of the generator's figures: CycleGAN's resnet_9blocks in eager torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from export.graphs.generator import build_generator
from export.sources.generator_layouts import Generator, read_generator
from runtime.backends.base import available_threads
from tests.bench.generator import NAME
from tests.support.export.torch_generators import cyclegan

#: resnet_9blocks has as many channels behind its first convolution, and as many blocks.
WIDTH, BLOCKS = 64, 9


class Network:
    """The generator on a device, with random weights that are the same on every machine."""

    def __init__(self, width: int = WIDTH, blocks: int = BLOCKS, *, device: str = "cpu") -> None:
        torch.set_num_threads(available_threads())
        self._device = device
        self._module = cyclegan(width, blocks).to(device)

    def run(self, image: np.ndarray) -> np.ndarray:
        """What the generator makes of `image`, as numbers on the CPU."""
        with torch.inference_mode():
            return self._module(torch.from_numpy(image).to(self._device)).cpu().numpy()

    def install(self, folder: Path) -> Generator:
        """Write its graph into `folder` as that of the generator `NAME`."""
        tensors = {name: each.cpu().numpy() for name, each in self._module.state_dict().items()}
        generator = read_generator(tensors)
        build_generator(NAME, generator).save(folder)
        return generator
