/** Python code for training on several machines: DistributedDataParallel over the shards of an export. */

/** Returns the text of `train_ddp.py`. */
export const TRAIN_DDP = String.raw`"""
Trains the tagger of this folder further, on one machine or several: PyTorch DistributedDataParallel.

    python3 train_ddp.py --epochs 5                               one process
    torchrun --nproc-per-node 2 train_ddp.py --epochs 5           two on this machine; on Python 3.11 with torch 1.13 add -r 1 -t 1
    RANK=0 WORLD_SIZE=2 MASTER_ADDR=10.0.0.1 MASTER_PORT=29500 python3 train_ddp.py      no launcher: once per rank
    bptt import FOLDER --out tagger.safetensors                   the weights, back

A batch has the same sentences for any number of ranks. Each shard of shards/ gives its part of every batch, and a rank reads every
WORLD_SIZE-th shard. The loss is a sum over a rank's words, divided by the number of words of the whole batch: what one machine computes.
The weights are replaced, whole, after every epoch. Where a rank ends early the others end with an error, after --timeout seconds at most.
"""
import argparse
import datetime
import json
import os
import random
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
for name in ("NCCL_ASYNC_ERROR_HANDLING", "TORCH_NCCL_ASYNC_ERROR_HANDLING"):
    os.environ.setdefault(name, "1")  # or a rank of NCCL would wait without an end

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from model import FOLDER, load, read_json, write_weights


def arguments():
    parser = argparse.ArgumentParser(description="Trains the tagger of this folder with DistributedDataParallel.")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32, help="sentences in a batch, of all ranks together")
    parser.add_argument("--optimizer", choices=("adam", "adamw", "sgd"), default="adam")
    parser.add_argument("--lr", type=float, help="step size; default 0.003, of sgd 0.5")
    parser.add_argument("--momentum", type=float, default=0.9, help="of sgd")
    parser.add_argument("--clip", type=float, default=5.0, help="largest norm of the gradient; 0 for none")
    parser.add_argument("--dropout", type=float, help="default: that of the model")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, help="stop after so many updates")
    parser.add_argument("--out", help="file of the weights, .safetensors or .pt; default: those of the folder")
    parser.add_argument("--backend", choices=("gloo", "nccl"), help="default: nccl where there is CUDA, else gloo")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds after which a rank that hears nothing ends")
    parser.add_argument("--json", action="store_true", help="rank 0 prints an object per epoch")
    asked = parser.parse_args()
    for name in ("epochs", "batch"):
        if getattr(asked, name) < 1:
            parser.error("--%s must be at least 1" % name)
    if asked.lr is None:
        asked.lr = 0.5 if asked.optimizer == "sgd" else 0.003
    return asked


class Shards:
    """The sentences of this rank's shards, and the batches they are dealt into."""

    def __init__(self, rank, world):
        facts = read_json(os.path.join("shards", "shards.json"))
        self.count, self.total = facts["shards"], facts["sentences"]
        if world > self.count:
            raise ValueError("%d ranks and %d shards: export again with --shards %d" % (world, self.count, world))
        self.own = {}
        for shard in range(rank, self.count, world):
            name = os.path.join(FOLDER, "shards", facts["files"][shard])
            with open(name, encoding="utf-8") as file:
                self.own[shard] = [json.loads(line) for line in file]

    def batches(self, size, seed, epoch):
        """
        This rank's part of every batch of an epoch. Sentence i is in shard i modulo S, so shard s has ceil((N - s) / S) of the first N. It
        gives sentences floor((x + S - 1 - s) / S) up to that of the next batch, x being the number dealt before: size in all.
        """
        orders = {}
        for shard, sentences in self.own.items():
            orders[shard] = list(range(len(sentences)))
            random.Random("%d %d %d" % (seed, epoch, shard)).shuffle(orders[shard])
        for begin in range(0, self.total, size):
            end = min(begin + size, self.total)
            part = []
            for shard, sentences in self.own.items():
                phase = self.count - 1 - shard
                places = orders[shard][(begin + phase) // self.count : (end + phase) // self.count]
                part += [sentences[i] for i in places]
            yield part


class Objective(nn.Module):
    """The loss of a part of a batch, as a share of the whole: sums divided by the counts of the whole batch."""

    def __init__(self, tagger):
        super().__init__()
        self.tagger = tagger

    def forward(self, part, counts):
        if not part:  # a rank without a sentence takes part in the sum all the same
            return sum((p.sum() for p in self.parameters() if p.requires_grad)) * 0.0
        y = self.tagger([sentence["tokens"] for sentence in part])
        lengths = [len(sentence["tokens"]) for sentence in part]
        heads = zip(self.tagger.names, self.tagger.heads, counts)
        losses = [head.loss(y, lengths, [s["gold"][name] for s in part])[0] / max(n, 1) for name, head, n in heads]
        return sum(losses)


def optimizer_of(parameters, asked):
    if asked.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=asked.lr, momentum=asked.momentum)
    return {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[asked.optimizer](parameters, lr=asked.lr)


def summed(numbers, device, world):
    """Sums over the ranks."""
    total = torch.tensor(numbers, dtype=torch.float64, device=device)
    if world > 1:
        dist.all_reduce(total)
    return total.tolist()


def save(tagger, path):
    if path.endswith(".pt"):
        draft = "%s.%d.tmp" % (path, os.getpid())
        torch.save(tagger.state_dict(), draft)
        os.replace(draft, path)
    else:
        write_weights(path, tagger.state_dict())


def train(asked, shards, rank, world, device):
    torch.manual_seed(asked.seed * 1000003 + rank)
    torch.use_deterministic_algorithms(device.type == "cpu")
    tagger = load().to(device).train()
    if asked.dropout is not None:
        tagger.dropout.p = asked.dropout
        for module in tagger.modules():
            if isinstance(module, nn.RNNBase) and module.num_layers > 1:
                module.dropout = asked.dropout
    objective = Objective(tagger)
    parallel = DistributedDataParallel(objective) if world > 1 else objective
    learned = [p for p in tagger.parameters() if p.requires_grad]
    optimizer = optimizer_of(learned, asked)
    out = asked.out or os.path.join(FOLDER, read_json("config.json")["weights"])
    steps = 0
    for epoch in range(1, asked.epochs + 1):
        begun, loss_sum, words, times, cpu = time.perf_counter(), 0.0, 0, [], []
        for part in shards.batches(asked.batch, asked.seed, epoch):
            started, worked = time.perf_counter(), time.process_time()
            own = [sum(g >= 0 for s in part for g in s["gold"][name]) for name in tagger.names]
            *counts, tokens = summed(own + [sum(len(s["tokens"]) for s in part)], device, world)
            loss = parallel(part, counts)
            optimizer.zero_grad()
            (loss * world).backward()  # the ranks' gradients are averaged; their sum is wanted
            if asked.clip > 0:
                nn.utils.clip_grad_norm_(learned, asked.clip)
            optimizer.step()
            loss_sum, words, steps = loss_sum + loss.item(), words + tokens, steps + 1
            times.append(time.perf_counter() - started)
            cpu.append(time.process_time() - worked)
            if asked.steps is not None and steps >= asked.steps:
                break
        seconds, updates = time.perf_counter() - begun, len(times)
        (mean,) = summed([loss_sum / max(updates, 1)], device, world)
        if rank == 0:
            save(tagger, out)
            said = {"epoch": epoch, "loss": mean, "tokens": int(words), "updates": updates, "seconds": seconds, "ranks": world}
            said["fastest"], said["median"] = min(times), sorted(times)[updates // 2]
            said["cpu"] = min(cpu)
            said["bytes"] = sum(p.numel() * p.element_size() for p in learned)
            line = "epoch %d/%d  loss %.4f  %s tokens/s  %d rank%s" % (epoch, asked.epochs, mean, format(int(words / seconds), ","), world, "" if world == 1 else "s")
            print(json.dumps(said) if asked.json else line, flush=True)
        if asked.steps is not None and steps >= asked.steps:
            break
    if world > 1:
        dist.barrier()  # no rank leaves before the weights are written


def main():
    asked = arguments()
    rank, world = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    try:
        rank, world = int(rank), int(world)
        shards = Shards(rank, world)
        backend = asked.backend or ("nccl" if torch.cuda.is_available() else "gloo")
        device = torch.device("cpu")
        if backend == "nccl":
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
            torch.cuda.set_device(device)
        if world > 1:
            dist.init_process_group(backend, timeout=datetime.timedelta(seconds=asked.timeout))
        train(asked, shards, rank, world, device)
    except (RuntimeError, ValueError, OSError) as error:
        print("train_ddp: rank %s of %s: %s" % (rank, world, str(error).strip().split("\n")[0]), file=sys.stderr, flush=True)
        os._exit(1)  # the threads of a broken group would wait for it


if __name__ == "__main__":
    main()
`;
