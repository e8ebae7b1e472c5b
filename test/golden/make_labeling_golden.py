"""Makes labeling.json: a CRF's loss, sums of embeddings and vectors of words by their characters, with gradients, by PyTorch in float64.

    python3 test/golden/make_labeling_golden.py > test/golden/labeling.json

Numbers are printed as the shortest decimals that are read back exactly. Rows are packed (PackedSequence.data): step after step, the
longest sequence first. All sizes differ.

The operations are PyTorch's own: torch.logsumexp over padded batches for the CRF, as NCRF++ and its kin do it, nn.EmbeddingBag,
nn.Conv1d with a maximum, nn.LSTM over packed sequences. Gradients are those of autograd.
"""

import json
import platform
import sys

import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

torch.manual_seed(20261128)
torch.set_default_dtype(torch.float64)


def as_json(named):
    return {name: {"shape": list(x.shape), "data": x.detach().reshape(-1).tolist()} for name, x in named.items()}


def draw(*shape):
    return torch.randn(*shape, requires_grad=True)


def log_z(emissions, lengths, transitions, start, end):
    """emissions [B, T, K], forbidden labels at -inf; the log of the sum over all paths, per sequence."""
    alpha = start + emissions[:, 0]
    for t in range(1, emissions.shape[1]):
        step = torch.logsumexp(alpha[:, :, None] + transitions, dim=1) + emissions[:, t]
        alpha = torch.where((t < lengths)[:, None], step, alpha)
    return torch.logsumexp(alpha + end, dim=1)


def crf(K, lengths, missing):
    a, A, s, e = draw(sum(lengths), K), draw(K, K), draw(K), draw(K)
    longest_first = sorted(lengths, reverse=True)
    counts = torch.tensor(longest_first)
    targets = torch.randint(K, (sum(lengths),))
    targets[torch.rand(sum(lengths)) < missing] = -1
    sizes = torch.tensor([sum(1 for n in longest_first if n > t) for t in range(longest_first[0])])
    packed = nn.utils.rnn.PackedSequence(a, sizes)
    padded, _ = pad_packed_sequence(packed, batch_first=True)
    gold, _ = pad_packed_sequence(nn.utils.rnn.PackedSequence(targets, sizes), batch_first=True, padding_value=-1)
    labels = torch.arange(K)
    agrees = (gold[:, :, None] < 0) | (gold[:, :, None] == labels)
    losses = log_z(padded, counts, A, s, e) - log_z(padded.masked_fill(~agrees, -torch.inf), counts, A, s, e)
    loss = losses.sum() / (targets >= 0).sum()
    tensors = {"emissions": a, "transitions": A, "start": s, "end": e}
    found = torch.autograd.grad(loss, list(tensors.values()), allow_unused=True)  # transitions, where all have one step
    grads = {name: torch.zeros_like(x) if g is None else g for (name, x), g in zip(tensors.items(), found)}
    return {
        **{"K": K, "lengths": lengths, "targets": targets.tolist(), "loss": loss.item()},
        **{"tensors": as_json(tensors), "grads": as_json(grads)},
    }


def bag(R, E, N, k):
    table, cotangent = draw(R, E), torch.randn(N, E)
    rows = torch.randint(R, (N, k))
    y = nn.functional.embedding_bag(rows, table, mode="sum")
    (grad,) = torch.autograd.grad((y * cotangent).sum(), [table])
    return {
        **{"columns": k, "rows": rows.reshape(-1).tolist(), "tensors": as_json({"weight": table})},
        **{"cotangent": as_json({"y": cotangent}), "output": as_json({"y": y}), "grads": as_json({"weight": grad})},
    }


WORDS = [[1, 2, 3], [4], [1, 2, 3], [5, 5, 0, 2, 1], [4], [3, 2]]


def cnn(C, D, E, K):
    embedding, W, b = draw(C, D), draw(K * D, E), draw(E)
    kernel = W.reshape(K, D, E).permute(2, 1, 0)
    left = (K - 1) // 2
    vectors = []
    for word in WORDS:
        x = nn.functional.pad(embedding[torch.tensor(word)].T[None], (left, K - 1 - left))
        vectors.append(torch.tanh(nn.functional.conv1d(x, kernel, b)[0].max(dim=1).values))
    return torch.stack(vectors), {"embedding": embedding, "W": W, "b": b}


def lstm(C, D, E, K):
    network = nn.LSTM(D, E // 2, bidirectional=True)
    embedding = draw(C, D)
    params = {"embedding": embedding}
    for direction, suffix in [("forward", ""), ("reverse", "_reverse")]:
        Wx, Wh, b = (getattr(network, f"{name}_l0{suffix}") for name in ["weight_ih", "weight_hh", "bias_ih"])
        getattr(network, f"bias_hh_l0{suffix}").data.zero_()
        params.update({f"{direction}.Wx": Wx, f"{direction}.Wh": Wh, f"{direction}.b": b})
    words = pack_sequence([embedding[torch.tensor(word)] for word in WORDS], enforce_sorted=False)
    _, (h, _) = network(words)
    return torch.cat([h[0], h[1]], dim=1), params


def characters(network, make, C, D, E, K):
    y, params = make(C, D, E, K)
    cotangent = torch.randn(len(WORDS), E)
    grads = dict(zip(params, torch.autograd.grad((y * cotangent).sum(), list(params.values()))))
    for tensors in [params, grads]:  # nn.LSTM has the transposes of our weights
        tensors.update({name: x.T for name, x in tensors.items() if name.endswith((".Wx", ".Wh"))})
    return {
        **{"network": network, "size": C, "embedding": D, "width": E, "window": K, "words": WORDS},
        **{"tensors": as_json(params), "grads": as_json(grads)},
        **{"cotangent": as_json({"y": cotangent}), "output": as_json({"y": y})},
    }


json.dump(
    {
        "command": "python3 test/golden/make_labeling_golden.py",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "crf": [crf(4, [5, 1, 3, 2, 4, 1], 0), crf(3, [1, 6, 2], 0.4), crf(9, [7, 5], 0), crf(2, [1], 0)],
        "bags": [bag(6, 4, 5, 3), bag(5, 3, 4, 1)],
        "characters": [characters("cnn", cnn, 7, 3, 5, 3), characters("cnn", cnn, 7, 2, 3, 4), characters("lstm", lstm, 7, 3, 4, 3)],
    },
    sys.stdout,
)
print()
