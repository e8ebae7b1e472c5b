"""Makes pooling.json: sentence vectors and their gradients computed by PyTorch in float64.

    python3 test/golden/make_pooling_golden.py > test/golden/pooling.json

Numbers are printed as the shortest decimals that are read back exactly. Rows are packed (PackedSequence.data): step after
step, the longest sequence first; y and its cotangent have the longest sequence first too. All sizes differ: T = 5, B = 6,
N = 16, D = 4, A = 3.

The poolings are PyTorch's own operations on padded tensors, one of another kind than the loops they judge: a gather, a masked
mean, a masked maximum, and torch.softmax over scores of -inf where there is no token.
"""

import json
import platform
import sys

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

D, A, LENGTHS = 4, 3, [5, 1, 3, 2, 4, 1]

torch.manual_seed(20261128)
torch.set_default_dtype(torch.float64)


def last(x, mask, lengths):
    return x[torch.arange(len(x)), lengths - 1]


def last_bidirectional(x, mask, lengths):
    half = x.shape[2] // 2
    return torch.cat([last(x, mask, lengths)[:, :half], x[:, 0, half:]], dim=1)


def mean(x, mask, lengths):
    return (x * mask).sum(dim=1) / lengths[:, None]


def maximum(x, mask, lengths):
    return x.masked_fill(~mask, -torch.inf).max(dim=1).values


def attention(x, mask, lengths, W, b, v):
    scores = torch.tanh(x @ W + b) @ v
    alpha = torch.softmax(scores.masked_fill(~mask[:, :, 0], -torch.inf), dim=1)
    return (alpha[:, :, None] * x).sum(dim=1)


POOLINGS = [
    ("last", False, last),
    ("last", True, last_bidirectional),
    ("mean", False, mean),
    ("max", False, maximum),
    ("attention", False, attention),
]


def as_json(named):
    return {name: {"shape": list(x.shape), "data": x.detach().reshape(-1).tolist()} for name, x in named.items()}


def case(name, bidirectional, pool):
    lengths = torch.tensor(sorted(LENGTHS, reverse=True))
    packed = pack_padded_sequence(torch.randn(len(lengths), max(LENGTHS), D), lengths, batch_first=True)
    x = packed.data.clone().requires_grad_(True)
    params = {}
    if name == "attention":
        params = {"W": torch.randn(D, A), "b": torch.randn(A), "v": torch.randn(A)}
        for parameter in params.values():
            parameter.requires_grad_(True)
    padded, _ = pad_packed_sequence(packed._replace(data=x), batch_first=True)
    mask = (torch.arange(max(LENGTHS))[None, :] < lengths[:, None])[:, :, None]
    y = pool(padded, mask, lengths, **params)
    d_y = torch.randn_like(y)
    y.backward(d_y)
    tensors = {"x": x, **params}
    return {
        "pooling": name,
        "bidirectional": bidirectional,
        "lengths": LENGTHS,
        "tensors": as_json(tensors),
        "cotangent": as_json({"y": d_y})["y"],
        "output": as_json({"y": y})["y"],
        "grads": as_json({key: tensor.grad for key, tensor in tensors.items()}),
    }


def main():
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    cases = [case(*pooling) for pooling in POOLINGS]
    sys.stdout.write('{\n"command": "python3 test/golden/make_pooling_golden.py > test/golden/pooling.json",\n')
    sys.stdout.write(f'"versions": {json.dumps(versions)},\n"cases": [\n')
    sys.stdout.write(",\n".join(json.dumps(c) for c in cases))
    sys.stdout.write("\n]\n}\n")


main()
