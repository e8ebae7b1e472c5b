"""Makes halves.json: what every 16-bit pattern is in float32, as numpy reads float16 and PyTorch reads bfloat16.

    python3 test/golden/make_halves_golden.py > test/golden/halves.json

Of the 65,536 float32 of either type, in the order of the patterns, the SHA-256 of their little-endian bytes, every NaN written
as 0x7fc00000. `samples` has some of them to read: pattern, value.
"""

import hashlib
import json
import platform

import numpy as np
import torch

patterns = np.arange(65536, dtype="<u2")
widened = {
    "F16": patterns.view("<f2").astype("<f4"),
    "BF16": torch.from_numpy(patterns.view("<i2").copy()).view(torch.bfloat16).to(torch.float32).numpy().astype("<f4"),
}


def digest(values):
    bits = values.view("<u4").copy()
    bits[np.isnan(values)] = 0x7FC00000
    return hashlib.sha256(bits.tobytes()).hexdigest()


samples = [1, 0x83FF, 0x0400, 0x3C00, 0xC0FF, 0x7BFF, 0x7F7F]
print(json.dumps({
    "made_by": {"numpy": np.__version__, "torch": torch.__version__, "python": platform.python_version()},
    "sha256": {name: digest(values) for name, values in widened.items()},
    "samples": {name: [[p, float(values[p])] for p in samples if np.isfinite(values[p])] for name, values in widened.items()},
}, indent=1))
