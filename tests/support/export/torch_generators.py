"""CycleGAN generators in torch, with the module names that published checkpoints were saved from."""

from __future__ import annotations

from typing import List, Sequence

import torch
from torch import nn


class Residual(nn.Module):
    """A residual block that keeps its layers under `attribute`."""

    def __init__(self, attribute: str, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.attribute = attribute
        setattr(self, attribute, nn.Sequential(*layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + getattr(self, self.attribute)(x)


class Separable(nn.Module):
    """GAN Compression's convolution: depthwise, instance norm, pointwise."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, inputs, 3, groups=inputs),
            nn.InstanceNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


class Generator(nn.Module):
    """The residual generator of CycleGAN around `blocks`, of the given widths."""

    def __init__(
        self, widths: Sequence[int], blocks: Sequence[nn.Module], *, affine: bool = False
    ) -> None:
        super().__init__()
        one, two, three = widths

        def finish(width: int) -> List[nn.Module]:
            return [nn.InstanceNorm2d(width, affine=affine), nn.ReLU()]

        self.model = nn.Sequential(
            nn.ReflectionPad2d(3),
            nn.Conv2d(3, one, 7),
            *finish(one),
            nn.Conv2d(one, two, 3, 2, 1),
            *finish(two),
            nn.Conv2d(two, three, 3, 2, 1),
            *finish(three),
            *blocks,
            nn.ConvTranspose2d(three, two, 3, 2, 1, 1),
            *finish(two),
            nn.ConvTranspose2d(two, one, 3, 2, 1, 1),
            *finish(one),
            nn.ReflectionPad2d(3),
            nn.Conv2d(one, 3, 7),
            nn.Tanh(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


def cyclegan(
    width: int = 64, blocks: int = 9, *, dropout: bool = False, seed: int = 0
) -> Generator:
    """resnet_9blocks and its kin, as the authors of CycleGAN save them."""
    torch.manual_seed(seed)
    inner = 4 * width

    def convolution() -> List[nn.Module]:
        return [nn.ReflectionPad2d(1), nn.Conv2d(inner, inner, 3), nn.InstanceNorm2d(inner)]

    def block() -> nn.Module:
        between = [nn.ReLU(), nn.Dropout(0.5)] if dropout else [nn.ReLU()]
        return Residual("conv_block", convolution() + between + convolution())

    return Generator((width, 2 * width, inner), [block() for _ in range(blocks)]).eval()


def gan_compression(
    widths: Sequence[int] = (16, 32, 128),
    inner: Sequence[int] = (64, 64, 64, 128, 128, 128, 128, 128, 128),
    *,
    seed: int = 0,
) -> Generator:
    """The separable layout; the widths are those of the published horse2zebra."""
    torch.manual_seed(seed)
    outer = widths[2]

    def block(width: int) -> nn.Module:
        return Residual(
            "conv_block",
            [
                nn.ReflectionPad2d(1),
                Separable(outer, width),
                nn.InstanceNorm2d(width),
                nn.ReLU(),
                nn.Dropout(0.0),
                nn.ReflectionPad2d(1),
                Separable(width, outer),
                nn.InstanceNorm2d(outer),
            ],
        )

    return Generator(widths, [block(width) for width in inner]).eval()


def affine(width: int = 64, blocks: int = 9, *, seed: int = 0) -> Generator:
    """The layout whose instance norms have a scale and a shift, here random ones."""
    torch.manual_seed(seed)
    inner = 4 * width

    def block() -> nn.Module:
        return Residual(
            "block",
            [
                nn.ReflectionPad2d(1),
                nn.Conv2d(inner, inner, 3),
                nn.InstanceNorm2d(inner, affine=True),
                nn.ReLU(),
                nn.ReflectionPad2d(1),
                nn.Conv2d(inner, inner, 3),
                nn.InstanceNorm2d(inner, affine=True),
            ],
        )

    generator = Generator((width, 2 * width, inner), [block() for _ in range(blocks)], affine=True)
    for module in generator.modules():
        if isinstance(module, nn.InstanceNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return generator.eval()
