"""The optimiser of a training run: two phases, their learning rates, and float16 gradients.

The first phase trains the new layers only, the second all layers, the pretrained ones at a lower
rate. Within each phase the rates follow a cosine.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, ContextManager, Dict, List, Mapping, Tuple

from export.training.options import TrainOptions

if TYPE_CHECKING:
    import torch

#: The names of the phases, as displayed and reported.
NEW_LAYERS, ALL_LAYERS = "new layers", "all layers"

#: The largest norm of a gradient, which is clipped to it, and the rate at the end of a phase as a
#: share of the rate at its start.
MAX_GRADIENT_NORM, FINAL_RATE = 5.0, 0.01


class PhasedOptimizer:
    """AdamW for the layers of the current `phase`; `start_epoch` before anything else."""

    phase = ""

    def __init__(
        self,
        options: TrainOptions,
        network: torch.nn.Module,
        pretrained: Tuple[str, ...],
        device: torch.device,
    ) -> None:
        self._options = options
        self._network = network
        self._pretrained = pretrained
        self._device = device
        self._mixed = options.mixed and device.type == "cuda"
        self._scaler = _gradient_scaler(self._mixed)

    @property
    def rate(self) -> float:
        """The learning rate of the new layers."""
        return float(self._adam.param_groups[0]["lr"])

    def start_epoch(self, epoch: int) -> None:
        """Enter the phase of `epoch`, counted from 0; a new phase starts with a new AdamW."""
        import torch

        new_only = epoch < self._options.head_epochs
        phase = NEW_LAYERS if new_only else ALL_LAYERS
        if phase == self.phase:
            return
        self.phase = phase
        new: List[Any] = []
        pretrained: List[Any] = []
        for name, layer in self._network.named_children():
            (pretrained if name in self._pretrained else new).extend(layer.parameters())
        for parameter in pretrained:
            parameter.requires_grad_(not new_only)
        groups = [{"params": new, "full_rate": self._options.rate}]
        if not new_only and pretrained:
            groups.append({"params": pretrained, "full_rate": self._options.lower_rate})
        self._adam = torch.optim.AdamW(groups, weight_decay=self._options.decay)

    def autocast(self) -> ContextManager[Any]:
        """The context of the forward pass: float16 where the options and the device allow it."""
        import torch

        # Not autocast(enabled=False): torch 1.13 rejects float16 on a processor all the same.
        if not self._mixed:
            return contextlib.nullcontext()
        return torch.autocast(self._device.type, dtype=torch.float16)

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradients of `loss` to those since the last step."""
        self._scaler.scale(loss).backward()

    def step(self, progress: float) -> None:
        """Change the weights; `progress` is in epochs since the start of the training."""
        import torch

        options = self._options
        if self.phase == NEW_LAYERS:
            done = progress / options.head_epochs
        else:
            done = (progress - options.head_epochs) / options.epochs
        share = FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * done)) / 2
        for group in self._adam.param_groups:
            group["lr"] = group["full_rate"] * share
        self._scaler.unscale_(self._adam)
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), MAX_GRADIENT_NORM)
        self._scaler.step(self._adam)
        self._scaler.update()
        self._adam.zero_grad(set_to_none=True)

    def state_dict(self) -> Dict[str, Any]:
        """What a checkpoint must hold to resume, beside the epoch."""
        return {"optimizer": self._adam.state_dict(), "scaler": self._scaler.state_dict()}

    def load_state_dict(self, stored: Mapping[str, Any]) -> None:
        """Resume from `state_dict`, after `start_epoch`."""
        self._adam.load_state_dict(stored["optimizer"])
        self._scaler.load_state_dict(stored["scaler"])


def _gradient_scaler(enabled: bool) -> Any:
    """The scaler of float16 gradients, which newer versions of torch have moved."""
    import torch

    if hasattr(torch.amp, "GradScaler"):
        return torch.amp.GradScaler("cuda", enabled=enabled)
    return torch.cuda.amp.GradScaler(enabled=enabled)
