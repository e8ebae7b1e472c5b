"""Makes variants.json: outputs and gradients of variants of the cells, computed by PyTorch in float64.

    python3 test/golden/make_variants_golden.py > test/golden/variants.json

The form is that of recurrent.json (make_golden.py). `lstm:projection=3` is torch.nn.LSTM with proj_size; its cell state of 3H numbers is
cut into c1, c2 and c3. PyTorch has no layer-normalized cell: theirs are composed here of torch.nn.functional.layer_norm, one sequence
at a time, from the equations of Ba, Kiros & Hinton (2016). Our update gate z is 1 minus the paper's. T = 5, B = 7, N = 21, D = 3.
"""

import json
import platform
import sys

import torch
from torch.nn.functional import layer_norm
from torch.nn.utils.rnn import pack_padded_sequence

D, LENGTHS = 3, [5, 1, 3, 2, 5, 1, 4]
SORTED = sorted(LENGTHS, reverse=True)
N, B = sum(LENGTHS), len(LENGTHS)

torch.manual_seed(20261129)
torch.set_default_dtype(torch.float64)


def row(t, b):
    """Packed row of step t of sequence b, longest first."""
    return sum(min(length, t) for length in SORTED) + b


def norm(v, gain, bias):
    return layer_norm(v, (len(gain),), gain, bias, eps=1e-5)


def lstm_layer_norm(p, x, state):
    h, c = state
    a = norm(x @ p["Wx"] + p["b"], p["gainX"], p["biasX"]) + norm(h @ p["Wh"], p["gainH"], p["biasH"])
    i, f, g, o = a.chunk(4)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(norm(c, p["gainC"], p["biasC"])), c


def gru_layer_norm(p, x, state):
    (h,) = state
    H = len(h)
    v, u = x @ p["Wx"] + p["b"], h @ p["Wh"]
    of = lambda w, part, cut: norm(w[cut], p["gain" + part][cut], p["bias" + part][cut])
    gates, candidate = slice(0, 2 * H), slice(2 * H, 3 * H)
    r, z = torch.sigmoid(of(v, "X", gates) + of(u, "H", gates)).chunk(2)
    n = torch.tanh(of(v, "X", candidate) + r * of(u, "H", candidate))
    return ((1 - z) * n + z * h,)


CELLS = {"lstm:layernorm": (lstm_layer_norm, 4, ("h", "c")), "gru:layernorm": (gru_layer_norm, 3, ("h",))}


def shapes(cell, width, H):
    G = CELLS[cell][1]
    sizes = {"Wx": (width, G * H), "Wh": (H, G * H), "b": (G * H,)}
    for part in "XH":
        sizes.update({"gain" + part: (G * H,), "bias" + part: (G * H,)})
    if G == 4:
        sizes.update(gainC=(H,), biasC=(H,))
    return sizes


def composed(cell, hidden, directions):
    """Tensors to differentiate by, and outputs, of a network of such a cell."""
    step, _, names = CELLS[cell]
    tensors, outputs = {"x": torch.randn(N, D)}, {}
    width = D
    for l, H in enumerate(hidden):
        for d in directions:
            for name, shape in shapes(cell, width, H).items():
                tensors[f"layers.{l}.{d}.{name}"] = 0.6 * torch.randn(shape)
            for name in names:
                tensors[f"initial.{l}.{d}.{name}"] = torch.randn(B, H)
        width = H * len(directions)
    for tensor in tensors.values():
        tensor.requires_grad_(True)
    ys, finals = {}, {}
    for b, length in enumerate(SORTED):
        sequence = [tensors["x"][row(t, b)] for t in range(length)]
        for l in range(len(hidden)):
            halves = []
            for d in directions:
                prefix = f"layers.{l}.{d}."
                p = {name[len(prefix) :]: x for name, x in tensors.items() if name.startswith(prefix)}
                state = tuple(tensors[f"initial.{l}.{d}.{name}"][b] for name in names)
                out = [None] * length
                for t in range(length) if d == "forward" else reversed(range(length)):
                    state = step(p, sequence[t], state)
                    out[t] = state[0]
                halves.append(out)
                for name, value in zip(names, state):
                    finals[f"final.{l}.{d}.{name}", b] = value
            sequence = [torch.cat(parts) for parts in zip(*halves)]
        for t, y in enumerate(sequence):
            ys[row(t, b)] = y
    outputs["y"] = torch.stack([ys[n] for n in range(N)])
    for l in range(len(hidden)):
        for d in directions:
            for name in names:
                outputs[f"final.{l}.{d}.{name}"] = torch.stack([finals[f"final.{l}.{d}.{name}", b] for b in range(B)])
    return tensors, outputs, lambda: {name: x.grad for name, x in tensors.items()}


def projected(k, hidden, directions):
    """The same of torch.nn.LSTM(D, k * H, proj_size=H)."""
    H = hidden[0]
    net = torch.nn.LSTM(D, k * H, len(hidden), bidirectional=len(directions) == 2, proj_size=H)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.6)
    padded = torch.randn(B, SORTED[0], D)
    packed = pack_padded_sequence(padded, SORTED, batch_first=True)
    x = packed.data.clone().requires_grad_(True)
    places = [(l, d) for l in range(len(hidden)) for d in directions]
    h0 = torch.randn(len(places), B, H).requires_grad_(True)
    c0 = torch.randn(len(places), B, k * H).requires_grad_(True)
    y, (h, c) = net(packed._replace(data=x), (h0, c0))

    def states(kind, of_h, of_c):
        for n, (l, d) in enumerate(places):
            yield f"{kind}.{l}.{d}.h", of_h[n]
            for s in range(k):
                yield f"{kind}.{l}.{d}.c{s + 1}", of_c[n][:, s * H : (s + 1) * H]

    def parameters(read):
        for l, d in places:
            suffix = f"l{l}" + ("_reverse" if d == "reverse" else "")
            of = lambda name: read(getattr(net, f"{name}_{suffix}"))
            grads = read is gradient
            yield f"layers.{l}.{d}.Wx", of("weight_ih").t()
            yield f"layers.{l}.{d}.Wh", of("weight_hh").t()
            yield f"layers.{l}.{d}.b", of("bias_ih") if grads else of("bias_ih") + of("bias_hh")
            yield f"layers.{l}.{d}.Wr", of("weight_hr").t()

    value, gradient = (lambda w: w.detach()), (lambda w: w.grad)
    tensors = {"x": x, **dict(parameters(value)), **dict(states("initial", h0, c0))}
    outputs = {"y": y.data, **dict(states("final", h, c))}
    return tensors, outputs, lambda: {"x": x.grad, **dict(parameters(gradient)), **dict(states("initial", h0.grad, c0.grad))}


def as_json(named):
    return {name: {"shape": list(x.shape), "data": x.detach().reshape(-1).tolist()} for name, x in named.items()}


def case(cell, hidden, directions):
    projection = cell.partition("projection=")[2]
    make = (lambda *rest: projected(int(projection), *rest)) if projection else (lambda *rest: composed(cell, *rest))
    tensors, outputs, grads = make(hidden, directions)
    cotangents = {name: torch.randn_like(output) for name, output in outputs.items()}
    torch.autograd.backward(list(outputs.values()), list(cotangents.values()))
    return {
        "cell": cell,
        "direction": "bidirectional" if len(directions) == 2 else "forward",
        "initial": "given",
        "hidden": hidden,
        "input": D,
        "lengths": LENGTHS,
        "tensors": as_json(tensors),
        "cotangents": as_json(cotangents),
        "outputs": as_json(outputs),
        "grads": as_json(grads()),
    }


def main():
    versions = {"torch": torch.__version__, "python": platform.python_version()}
    both = ["forward", "reverse"]
    cases = [case(cell, [3], ["forward"]) for cell in (*CELLS, "lstm:projection=3")]
    cases += [case(cell, [2, 2] if "projection" in cell else [3, 2], both) for cell in (*CELLS, "lstm:projection=2")]
    sys.stdout.write('{\n"command": "python3 test/golden/make_variants_golden.py > test/golden/variants.json",\n')
    sys.stdout.write(f'"versions": {json.dumps(versions)},\n"cases": [\n')
    sys.stdout.write(",\n".join(json.dumps(c) for c in cases))
    sys.stdout.write("\n]\n}\n")


main()
