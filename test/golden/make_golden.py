"""Makes recurrent.json: outputs and gradients of recurrent networks computed by PyTorch in float64.

    python3 test/golden/make_golden.py > test/golden/recurrent.json

Numbers are printed as the shortest decimals that are read back exactly. Tensors carry the names and layouts of this
project: `layers.0.forward.Wx` is PyTorch's `weight_ih_l0` transposed, and so on; x, the outputs and their cotangents hold
packed rows (PackedSequence.data), initial and final states have the longest sequence first.

PyTorch has two biases for each gate, which only occur as a sum; b is that sum. In the n gate of a GRU the second one stands
inside the reset product; there it is bn. All sizes differ: T = 5, B = 7, N = 21, D = 3, H = 2.
"""

import json
import platform
import sys

import torch
from torch.nn.utils.rnn import pack_padded_sequence

D, H, LENGTHS = 3, 2, [5, 1, 3, 2, 5, 1, 4]

torch.manual_seed(20260805)
torch.set_default_dtype(torch.float64)


def network(cell, layers, bidirectional):
    options = {"num_layers": layers, "bidirectional": bidirectional}
    if cell == "lstm":
        net = torch.nn.LSTM(D, H, **options)
    elif cell == "gru":
        net = torch.nn.GRU(D, H, **options)
    else:
        net = torch.nn.RNN(D, H, nonlinearity="relu" if cell == "rnn-relu" else "tanh", **options)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.6)
    return net


def parameters(net, cell, layers, directions, read):
    """Our parameters, or their gradients: `read` takes a PyTorch parameter to its value or its gradient."""
    grads = read is not value
    for layer in range(layers):
        for direction in directions:
            suffix = f"l{layer}" + ("_reverse" if direction == "reverse" else "")
            weight_ih, weight_hh, bias_ih, bias_hh = (
                read(getattr(net, f"{name}_{suffix}")) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            b = bias_ih.clone()  # the gradient of a sum is the gradient of either term
            if not grads:
                shared = 2 * H if cell == "gru" else len(b)
                b[:shared] += bias_hh[:shared]
            prefix = f"layers.{layer}.{direction}."
            yield prefix + "Wx", weight_ih.t()
            yield prefix + "Wh", weight_hh.t()
            yield prefix + "b", b
            if cell == "gru":
                yield prefix + "bn", bias_hh[2 * H :]


def value(parameter):
    return parameter.detach()


def gradient(parameter):
    return parameter.grad


def states(kind, cell, layers, directions, tensors):
    """`kind.layer.direction.h` and, for an LSTM, c: slices of PyTorch's [layers * directions, B, H]."""
    for name, tensor in zip(("h", "c"), tensors):
        for layer in range(layers):
            for k, direction in enumerate(directions):
                yield f"{kind}.{layer}.{direction}.{name}", tensor[layer * len(directions) + k]


def as_json(named):
    return {name: {"shape": list(x.shape), "data": x.detach().reshape(-1).tolist()} for name, x in named}


def case(cell, layers, bidirectional):
    directions = ["forward", "reverse"] if bidirectional else ["forward"]
    net = network(cell, layers, bidirectional)
    lengths = sorted(LENGTHS, reverse=True)
    padded = torch.randn(len(lengths), lengths[0], D)
    packed = pack_padded_sequence(padded, lengths, batch_first=True)
    x = packed.data.clone().requires_grad_(True)
    packed = packed._replace(data=x)
    names = 2 if cell == "lstm" else 1
    initial = [torch.randn(layers * len(directions), len(lengths), H).requires_grad_(True) for _ in range(names)]
    y, final = net(packed, tuple(initial) if cell == "lstm" else initial[0])
    final = final if cell == "lstm" else (final,)
    d_y = torch.randn_like(y.data)
    d_final = [torch.randn_like(state) for state in final]
    torch.autograd.backward([y.data, *final], [d_y, *d_final])

    of_states = lambda kind, tensors: states(kind, cell, layers, directions, tensors)
    return {
        "cell": cell,
        "direction": "bidirectional" if bidirectional else "forward",
        "initial": "given",
        "hidden": [H] * layers,
        "input": D,
        "lengths": LENGTHS,
        "tensors": as_json(
            [("x", x), *parameters(net, cell, layers, directions, value), *of_states("initial", initial)]
        ),
        "cotangents": as_json([("y", d_y), *of_states("final", d_final)]),
        "outputs": as_json([("y", y.data), *of_states("final", final)]),
        "grads": as_json(
            [
                ("x", x.grad),
                *parameters(net, cell, layers, directions, gradient),
                *of_states("initial", [state.grad for state in initial]),
            ]
        ),
    }


def main():
    versions = {"torch": torch.__version__, "python": platform.python_version()}
    cases = [
        case(cell, layers, bidirectional)
        for cell in ("rnn", "rnn-relu", "lstm", "gru")
        for layers in (1, 2)
        for bidirectional in (False, True)
    ]
    sys.stdout.write('{\n"command": "python3 test/golden/make_golden.py > test/golden/recurrent.json",\n')
    sys.stdout.write(f'"versions": {json.dumps(versions)},\n"cases": [\n')
    sys.stdout.write(",\n".join(json.dumps(c) for c in cases))
    sys.stdout.write("\n]\n}\n")


main()
