/** Python that every exported module has: its files, text, and padding. */

/** The imports and the weights file. */
export const FILES = String.raw`import json
import os
import re
import struct
import sys
import unicodedata
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

FOLDER = os.path.dirname(os.path.abspath(__file__))
DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64}


def read_json(name, folder=FOLDER):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def read_weights(path):
    """The state dict of a safetensors file: a length, a JSON header, the bytes of every tensor."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    state = OrderedDict()
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(data[begin:end]), dtype=DTYPES[entry["dtype"]])
        state[name] = flat.reshape(entry["shape"]).float()
    return state


def write_weights(path, state):
    """Writes a state dict as safetensors, whole or not at all."""
    header, blocks, at = {}, [], 0
    for name, tensor in state.items():
        block = tensor.detach().cpu().float().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(block)]}
        blocks.append(block)
        at += len(block)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    draft = "%s.%d.tmp" % (path, os.getpid())
    with open(draft, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for block in blocks:
            file.write(block)
    os.replace(draft, path)


def pad(rows, fill=0):
    """Lists of integers, or of lists of k integers, as one tensor [B, T] or [B, T, k]."""
    longest = max(map(len, rows))
    some = next((row[0] for row in rows if len(row)), 0)
    empty = [fill] * len(some) if isinstance(some, (list, tuple)) else fill
    return torch.tensor([list(row) + [empty] * (longest - len(row)) for row in rows], dtype=torch.long)
`;

/** How words are normalized for lookup. */
export const TEXT = String.raw`

def category(character):
    """Its class in Unicode, as Lu. Python and the program that trained may know different versions of Unicode."""
    return unicodedata.category(character)


def normal_form(token):
    """Unicode NFC; a token with 64 combining marks in a row stays as it is."""
    run = 0
    for character in token:
        run = run + 1 if category(character)[0] == "M" else 0
        if run == 64:
            return token
    return unicodedata.normalize("NFC", token)
`;

/** Words as characters, from which affixes and characters are read. */
export const SPELLING = String.raw`

def spelling(token):
    """The token in NFC; of more than 64 characters the first 32 and the last 32."""
    word = normal_form(token)
    return word if len(word) <= 64 else word[:32] + word[-32:]
`;
