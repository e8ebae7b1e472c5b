"""A linear-chain CRF as NCRF++ and its kin write it: padded batches, one logsumexp a step, gradients by autograd.

Answers lines of JSON on standard input: {"K", "T", "B", "emissions", "transitions", "start", "end", "targets", "ms"} gives the loss, the
gradients, the best labels, and the milliseconds of processor time that a call of either takes, on one thread.
"""

import json
import sys
import time

import torch

torch.set_num_threads(1)


def log_z(a, A, s, e):
    alpha = s + a[0]
    for t in range(1, len(a)):
        alpha = torch.logsumexp(alpha[:, :, None] + A, dim=1) + a[t]
    return torch.logsumexp(alpha + e, dim=1)


def gold(a, A, s, e, y):
    score = s[y[0]] + e[y[-1]] + a.gather(2, y[:, :, None]).sum((0, 2))
    return score + A[y[:-1], y[1:]].sum(0)


def loss_of(a, A, s, e, y):
    return (log_z(a, A, s, e) - gold(a, A, s, e, y)).sum() / y.numel()


@torch.no_grad()
def viterbi(a, A, s, e):
    delta, back = s + a[0], []
    for t in range(1, len(a)):
        best, where = (delta[:, :, None] + A).max(dim=1)
        back.append(where)
        delta = best + a[t]
    y = [(delta + e).argmax(dim=1)]
    for where in reversed(back):
        y.append(where.gather(1, y[-1][:, None])[:, 0])
    return torch.stack(y[::-1])


def timed(act, ms):
    """Milliseconds of processor time of one call."""
    act()
    calls, start = 0, time.process_time()
    while calls == 0 or 1000 * (time.process_time() - start) < ms:
        act()
        calls += 1
    return 1000 * (time.process_time() - start) / calls


for line in sys.stdin:
    q = json.loads(line)
    K, T, B = q["K"], q["T"], q["B"]
    shapes = {"emissions": (T, B, K), "transitions": (K, K), "start": (K,), "end": (K,)}
    x = [torch.tensor(q[name]).reshape(shape).requires_grad_() for name, shape in shapes.items()]
    y = torch.tensor(q["targets"]).reshape(T, B)

    def both():
        loss = loss_of(*x, y)
        return loss, torch.autograd.grad(loss, x)

    loss, grads = both()
    answer = {"version": torch.__version__, "threads": torch.get_num_threads(), "loss": loss.item()}
    answer["grads"] = {name: g.reshape(-1).tolist() for name, g in zip(shapes, grads)}
    answer["labels"] = viterbi(*x).reshape(-1).tolist()
    answer["both"], answer["viterbi"] = timed(both, q["ms"]), timed(lambda: viterbi(*x), q["ms"])
    print(json.dumps(answer), flush=True)
