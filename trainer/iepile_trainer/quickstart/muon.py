"""Muon in float32: with it the small model learns to copy in a third of AdamW's steps."""

import math
from typing import Any

import torch

# The odd polynomials of degree five that together bring 0.02 … 1 nearest to 1 (https://arxiv.org/abs/2505.16932).
_POLYNOMIALS = ((7.711, -22.1138, 16.2488), (3.2153, -2.4112, 0.5013), (2.2183, -1.594, 0.4107))


class Muon(torch.optim.AdamW):
    """Orthogonal steps for the matrices between embedding and output, AdamW for everything else.

    Momentum is made orthogonal as in https://kellerjordan.github.io/posts/muon, in float32 and the matrices of one
    shape together; the step is as large as one of AdamW (https://arxiv.org/abs/2502.16982).

    Args:
        model: Its parameters are trained.
        learning_rate: In the scale of AdamW.
        momentum: Of the matrices.

    >>> model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.Linear(4, 2))
    >>> optimizer = Muon(model, 0.01)
    >>> [len(group["params"]) for group in optimizer.param_groups]
    [2, 2]
    """

    def __init__(self, model: Any, learning_rate: float, momentum: float = 0.95) -> None:
        groups: tuple[list[Any], list[Any]] = ([], [])
        for name, weight in model.named_parameters():
            groups[weight.ndim == 2 and "embed" not in name].append(weight)
        super().__init__(groups[0], lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0)
        self.add_param_group({"params": groups[1], "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update all weights from their gradients."""
        group = self.param_groups[1]
        shapes: dict[tuple[int, ...], list[Any]] = {}
        for weight in group["params"]:
            shapes.setdefault(tuple(weight.shape), []).append(weight)
        for shape, weights in shapes.items():
            momenta = []
            for weight in weights:
                state = self.state[weight]
                if not state:  # AdamW looks for a step wherever it loads a state
                    state.update(step=torch.tensor(0.0), momentum=torch.zeros_like(weight))
                average = state["momentum"]
                average.lerp_(weight.grad, 1 - group["momentum"])
                momenta.append(weight.grad.lerp(average, group["momentum"]))
                weight.grad = None  # AdamW passes it over
            steps = orthogonal(torch.stack(momenta)) * (0.2 * math.sqrt(max(shape)) * group["lr"])
            for weight, step in zip(weights, steps):
                weight.sub_(step)
        return super().step(closure)


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """Matrices with the same singular vectors; singular values from a fiftieth of the Frobenius norm on become about 1.

    Args:
        matrices: (number, rows, columns).

    >>> values = torch.linalg.svdvals(orthogonal(torch.diag(torch.tensor([1.0, 2.0, 3.0]))[None]))
    >>> bool(((values - 1).abs() < 0.1).all())
    True
    """
    wide = matrices if matrices.shape[1] <= matrices.shape[2] else matrices.mT
    wide = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for linear, cubic, quintic in _POLYNOMIALS:
        gram = wide @ wide.mT
        wide = linear * wide + (quintic * gram @ gram + cubic * gram) @ wide
    return wide if matrices.shape[1] <= matrices.shape[2] else wide.mT
