"""PyTorch as a peer of `bptt bench`: peer_pytorch.py [--sparse] --threads N. The protocol is that of src/bench/peers.ts.

The model is what one writes in PyTorch: nn.Embedding, nn.LSTM(bidirectional=True), nn.Linear, cross_entropy, backward,
clip_grad_norm_, Adam. With characters every distinct word of a batch goes through one more nn.LSTM, packed. nn.LSTM, nn.GRU and nn.RNN have two biases that are added up, bptt has one (and, in a GRU, that of the
candidate inside the reset gate): gradients of the second one are masked so that both learn the same.
"""

import base64
import json
import re
import sys
import time

import blas

THREADS = int(sys.argv[sys.argv.index("--threads") + 1])
SPARSE = "--sparse" in sys.argv
blas.limit(THREADS)  # torch sets those of OpenMP and MKL alone, and Debian's runs on whatever BLAS is installed


def say(answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


try:
    import numpy
    import torch
except ImportError as error:
    say({"absent": f"{sys.executable}: {error}"})
    sys.exit(0)


def decode(text, dtype="<f4"):
    return torch.from_numpy(numpy.frombuffer(base64.b64decode(text), dtype=dtype).copy())


def encode(x):
    return base64.b64encode(x.detach().contiguous().numpy().astype("<f4").tobytes()).decode()


GATES = {"lstm": 4, "gru": 3, "rnn": 1}
MODULES = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}


def set_direction(module, suffix, cell, width, H, p):
    """Copies Wx [I, G·H], Wh [H, G·H], b [G·H] and, of a GRU, bn [H] into one direction of a module."""
    G = GATES[cell]
    get = lambda name: getattr(module, f"{name}_l0{suffix}")
    second = torch.zeros(G * H)
    mask = torch.zeros(G * H)
    if cell == "gru":
        second[2 * H :] = p["bn"].reshape(-1)
        mask[2 * H :] = 1
    with torch.no_grad():
        get("weight_ih").copy_(p["Wx"].reshape(width, G * H).t())
        get("weight_hh").copy_(p["Wh"].reshape(H, G * H).t())
        get("bias_ih").copy_(p["b"].reshape(-1))
        get("bias_hh").copy_(second)
    get("bias_hh").register_hook(lambda g: g * mask)


def prepare_gemm(r):
    M, K, N = r["size"]
    a, b = decode(r["a"]), decode(r["b"])
    x = a.reshape(K, M).t() if r["product"] == "addMatmulTA" else a.reshape(M, K)
    y = b.reshape(N, K).t() if r["product"] == "addMatmulTB" else b.reshape(K, N)
    out = torch.empty(M, N)

    def act():
        torch.mm(x, y, out=out)

    act()
    return {"out": encode(out)}, act


def prepare_layer(r):
    T, B, I, H = r["T"], r["B"], r["I"], r["H"]
    module = MODULES[r["cell"]](I, H)
    set_direction(module, "", r["cell"], I, H, {name: decode(text) for name, text in r["params"].items()})
    both = r["phase"] == "both"
    x = decode(r["x"]).reshape(T, B, I).requires_grad_(both)
    dY = decode(r["dY"]).reshape(T, B, H)

    def forward():
        with torch.no_grad():
            return module(x)[0]

    def forward_backward():
        y = module(x)[0]
        y.backward(dY)
        return y

    act = forward_backward if both else forward
    y = act()
    answer = {"y": encode(y), "dX": encode(x.grad) if both else None}
    return answer, act


def crf_log_z(a, A, s, e):
    alpha = s + a[0]
    for t in range(1, len(a)):
        alpha = torch.logsumexp(alpha[:, :, None] + A, dim=1) + a[t]
    return torch.logsumexp(alpha + e, dim=1)


def crf_gold(a, A, s, e, y):
    score = s[y[0]] + e[y[-1]] + a.gather(2, y[:, :, None]).sum((0, 2))
    return score + A[y[:-1], y[1:]].sum(0)


@torch.no_grad()
def crf_viterbi(a, A, s, e):
    delta, back = s + a[0], []
    for t in range(1, len(a)):
        best, where = (delta[:, :, None] + A).max(dim=1)
        back.append(where)
        delta = best + a[t]
    y = [(delta + e).argmax(dim=1)]
    for where in reversed(back):
        y.append(where.gather(1, y[-1][:, None])[:, 0])
    return torch.stack(y[::-1])


def prepare_crf(r):
    """A linear-chain CRF as NCRF++ and its kin write it: padded batches, one logsumexp a step, gradients by autograd."""
    K, T, B = r["K"], r["T"], r["B"]
    shapes = {"emissions": (T, B, K), "transitions": (K, K), "start": (K,), "end": (K,)}
    x = [decode(r["params"][name]).reshape(shape).requires_grad_() for name, shape in shapes.items()]
    y = decode(r["targets"]).long().reshape(T, B)
    if r["work"] == "viterbi":
        return {"labels": encode(crf_viterbi(*x).reshape(-1).float())}, lambda: crf_viterbi(*x)

    def both():
        loss = (crf_log_z(*x) - crf_gold(*x, y)).sum() / y.numel()
        return loss, torch.autograd.grad(loss, x)

    loss, grads = both()
    return {"loss": loss.item(), "gradients": {name: encode(g) for name, g in zip(shapes, grads)}}, both


class Characters(torch.nn.Module):
    """The vector of a word: the last states of an LSTM over its characters, from either end; every distinct word once."""

    def __init__(self, spellings, weights):
        super().__init__()
        own = {name[len("encoders.characters.") :]: w for name, w in weights.items() if "characters." in name}
        C, D = own["embedding"]["shape"]
        H = own["forward.Wh"]["shape"][0]
        self.lengths = torch.tensor([len(each) for each in spellings])
        padded = [torch.tensor(each, dtype=torch.long) for each in spellings]
        self.spellings = torch.nn.utils.rnn.pad_sequence(padded, batch_first=True)
        self.embedding = torch.nn.Embedding(C, D)
        self.recurrent = torch.nn.LSTM(D, H, bidirectional=True)
        with torch.no_grad():
            self.embedding.weight.copy_(decode(own["embedding"]["data"]).reshape(C, D))
        for direction, suffix in (("forward", ""), ("reverse", "_reverse")):
            p = {name.split(".")[1]: decode(w["data"]) for name, w in own.items() if name.startswith(f"{direction}.")}
            set_direction(self.recurrent, suffix, "lstm", D, H, p)

    def forward(self, ids):
        words, places = torch.unique(ids, return_inverse=True)
        lengths, order = self.lengths[words].sort(descending=True)
        characters = self.embedding(self.spellings[words[order], : lengths[0]]).transpose(0, 1)
        packed = torch.nn.utils.rnn.pack_padded_sequence(characters, lengths)
        _, (h, _) = self.recurrent(packed)
        vectors = torch.cat([h[0], h[1]], dim=1)[torch.argsort(order)]
        return vectors[places]


class Tagger(torch.nn.Module):
    def __init__(self, r):
        super().__init__()
        V, E, H, K, cell = r["V"], r["E"], r["H"], r["K"], r["cell"]
        weights = {name: decode(w["data"]) for name, w in r["weights"].items()}
        self.embedding = torch.nn.Embedding(V, E, sparse=SPARSE)
        self.characters = Characters(r["spellings"], r["weights"]) if "spellings" in r else None
        width = E if self.characters is None else E + 2 * self.characters.recurrent.hidden_size
        self.recurrent = MODULES[cell](width, H, bidirectional=True)
        self.output = torch.nn.Linear(2 * H, K)
        with torch.no_grad():
            self.embedding.weight.copy_(weights["encoders.words.weight"].reshape(V, E))
            self.output.weight.copy_(weights["heads.labels.W"].reshape(2 * H, K).t())
            self.output.bias.copy_(weights["heads.labels.b"])
        for direction, suffix in (("forward", ""), ("reverse", "_reverse")):
            prefix = f"layers.0.{direction}."
            own = {name[len(prefix) :]: w for name, w in weights.items() if name.startswith(prefix)}
            set_direction(self.recurrent, suffix, cell, width, H, own)

    def forward(self, ids):
        x = self.embedding(ids)
        if self.characters is not None:
            x = torch.cat([x, self.characters(ids)], dim=2)
        return self.output(self.recurrent(x)[0])


def clip(parameters, limit):
    """clip_grad_norm_, which refuses sparse gradients."""
    grads = []
    for p in parameters:
        if p.grad.is_sparse:
            p.grad = p.grad.coalesce()
        grads.append(p.grad.values() if p.grad.is_sparse else p.grad)
    norm = torch.norm(torch.stack([torch.norm(g) for g in grads]))
    if norm > limit:
        for g in grads:
            g.mul_(limit / (norm + 1e-6))


def prepare_tagger(r):
    model = Tagger(r)
    T, B, K = r["T"], r["B"], r["K"]
    read = lambda text: decode(text, "<i4").long()
    batches = [(read(b["ids"]).reshape(T, B), read(b["targets"])) for b in r["batches"]]
    if r["phase"] == "infer":
        if SPARSE:
            return {"declined": "another optimizer changes nothing in inference"}, None
        model.eval()

        def infer(batch):
            with torch.no_grad():
                return model(batch[0])

        return {"logits": encode(infer(batches[0]))}, over(batches, infer)
    dense = [p for name, p in model.named_parameters() if not (SPARSE and name == "embedding.weight")]
    optimizers = [torch.optim.Adam(dense, lr=r["lr"])]
    if SPARSE:
        optimizers.append(torch.optim.SparseAdam([model.embedding.weight], lr=r["lr"]))

    steps = {"done": 0}

    def train(batch):
        ids, targets = batch
        if SPARSE:  # SparseAdam adds ε before the correction of the second moment, Adam after it: made equal
            steps["done"] += 1
            optimizers[1].param_groups[0]["eps"] = 1e-8 * (1 - 0.999 ** steps["done"]) ** 0.5
        loss = torch.nn.functional.cross_entropy(model(ids).reshape(T * B, K), targets)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        if SPARSE:
            clip(list(model.parameters()), r["clip"])
        else:
            torch.nn.utils.clip_grad_norm_(model.parameters(), r["clip"])
        for optimizer in optimizers:
            optimizer.step()
        return loss.item()

    return {"losses": [train(batches[0]) for _ in range(r["steps"])]}, over(batches, train)


def over(batches, act):
    """Calls with one batch after the other."""
    state = {"next": 0}

    def call():
        act(batches[state["next"] % len(batches)])
        state["next"] += 1

    return call


def sample(act, least_ms):
    start = time.perf_counter()
    calls = 0
    while True:
        act()
        calls += 1
        cost = 1000 * (time.perf_counter() - start)
        if cost >= least_ms:
            return {"ms": cost / calls, "cost": cost}


def library():
    """What multiplies matrices: MKL may be inside of torch itself, which no name of a file tells."""
    if torch.backends.mkl.is_available():
        match = re.search(r"Math Kernel Library Version (\S+)", torch.__config__.show())
        return f"MKL {match.group(1)} (in torch)" if match else "MKL (in torch)"
    return blas.describe()


PREPARE = {"gemm": prepare_gemm, "layer": prepare_layer, "crf": prepare_crf, "tagger": prepare_tagger}


def main():
    torch.set_num_threads(THREADS)
    threads = torch.get_num_threads()
    torch.mm(torch.ones(8, 8), torch.ones(8, 8))  # what is loaded late is loaded now
    version = torch.__version__
    say({"system": "pytorch", "version": version, "backend": "cpu", "blas": library(), "threads": threads})
    act = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["op"] == "sample":
                say(sample(act, request["ms"]))
            else:
                answer, act = PREPARE[request["suite"]](request)
                say(answer if act is None else {**answer, "ran": blas.threads_in(act)})
        except Exception as error:  # the other side decides what an error means
            say({"error": f"{type(error).__name__}: {error}"})


main()
