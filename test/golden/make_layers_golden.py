"""Makes layers.json: losses and optimizer trajectories computed by PyTorch in float64.

    python3 test/golden/make_layers_golden.py > test/golden/layers.json

Numbers are printed with 17 significant digits, so they are read back exactly.
"""

import json
import platform
import sys

import torch

torch.manual_seed(20240607)
torch.set_default_dtype(torch.float64)


def loss_cases():
    n, k = 7, 5
    logits = 3 * torch.randn(n, k)
    targets = torch.tensor([4, 0, -1, 2, 2, 1, -1])
    weights = torch.tensor([0.3, 1.7, 0.9, 2.5, 1.1])
    for reduction in ("sum", "mean"):
        for smoothing in (0.0, 0.15, 1.0):
            for weight in (None, weights):
                x = logits.clone().requires_grad_(True)
                loss = torch.nn.functional.cross_entropy(
                    x, targets, weight=weight, ignore_index=-1, reduction=reduction, label_smoothing=smoothing
                )
                loss.backward()
                yield {
                    "reduction": reduction,
                    "labelSmoothing": smoothing,
                    "classWeights": None if weight is None else weight.tolist(),
                    "logits": logits.tolist(),
                    "targets": targets.tolist(),
                    "loss": loss.item(),
                    "dLogits": x.grad.tolist(),
                }


OPTIMIZERS = [
    ("sgd", {"lr": 0.07}, torch.optim.SGD),
    ("sgd", {"lr": 0.07, "weightDecay": 0.02}, torch.optim.SGD),
    ("sgd", {"lr": 0.03, "momentum": 0.8, "weightDecay": 0.02}, torch.optim.SGD),
    ("sgd", {"lr": 0.03, "momentum": 0.8, "nesterov": True}, torch.optim.SGD),
    ("sgd", {"lr": 0.03, "momentum": 0.6, "nesterov": True, "weightDecay": 0.05}, torch.optim.SGD),
    ("adam", {"lr": 0.02}, torch.optim.Adam),
    ("adam", {"lr": 0.02, "beta1": 0.7, "beta2": 0.9, "epsilon": 1e-3, "weightDecay": 0.1}, torch.optim.Adam),
    ("adamw", {"lr": 0.02}, torch.optim.AdamW),
    ("adamw", {"lr": 0.05, "beta1": 0.0, "beta2": 0.95, "epsilon": 1e-6, "weightDecay": 0.3}, torch.optim.AdamW),
]


def torch_options(options):
    names = {"lr": "lr", "momentum": "momentum", "nesterov": "nesterov", "weightDecay": "weight_decay", "epsilon": "eps"}
    out = {names[key]: value for key, value in options.items() if key in names}
    if "beta1" in options:
        out["betas"] = (options["beta1"], options["beta2"])
    return out


def optimizer_cases():
    start = torch.randn(2, 3)
    gradients = [torch.randn(2, 3) for _ in range(6)]
    for name, options, make in OPTIMIZERS:
        parameter = start.clone().requires_grad_(True)
        optimizer = make([parameter], **torch_options(options))
        trajectory = []
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimizer.step()
            trajectory.append(parameter.detach().flatten().tolist())
        yield {
            "name": name,
            "options": options,
            "start": start.tolist(),
            "gradients": [gradient.tolist() for gradient in gradients],
            "trajectory": trajectory,
        }


golden = {
    "command": "python3 test/golden/make_layers_golden.py > test/golden/layers.json",
    "versions": {"python": platform.python_version(), "torch": torch.__version__},
    "losses": list(loss_cases()),
    "optimizers": list(optimizer_cases()),
}
json.dump(golden, sys.stdout, indent=1)
sys.stdout.write("\n")
