"""NumPy as a peer of `bptt bench`: peer_numpy.py --threads N. Products alone; the protocol is that of src/bench/peers.ts."""

import base64
import json
import sys
import time

import blas

THREADS = int(sys.argv[sys.argv.index("--threads") + 1])
blas.limit(THREADS)


def say(answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


try:
    import numpy
except ImportError as error:
    say({"absent": f"{sys.executable}: {error}"})
    sys.exit(0)


def decode(text):
    return numpy.frombuffer(base64.b64decode(text), dtype="<f4").copy()


def prepare(r):
    M, K, N = r["size"]
    a, b = decode(r["a"]), decode(r["b"])
    x = a.reshape(K, M).T if r["product"] == "addMatmulTA" else a.reshape(M, K)
    y = b.reshape(N, K).T if r["product"] == "addMatmulTB" else b.reshape(K, N)
    out = numpy.empty((M, N), dtype=numpy.float32)

    def act():
        numpy.matmul(x, y, out=out)

    act()
    return {"out": base64.b64encode(out.astype("<f4").tobytes()).decode(), "ran": blas.threads_in(act)}, act


def sample(act, least_ms):
    start = time.perf_counter()
    calls = 0
    while True:
        act()
        calls += 1
        cost = 1000 * (time.perf_counter() - start)
        if cost >= least_ms:
            return {"ms": cost / calls, "cost": cost}


def main():
    numpy.ones((8, 8), dtype=numpy.float32) @ numpy.ones((8, 8), dtype=numpy.float32)  # what is loaded late is loaded now
    say({"system": "numpy", "version": numpy.__version__, "backend": "cpu", "blas": blas.describe(), "threads": THREADS})
    act = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["op"] == "sample":
                say(sample(act, request["ms"]))
            else:
                answer, act = prepare(request)
                say(answer)
        except Exception as error:  # the other side decides what an error means
            say({"error": f"{type(error).__name__}: {error}"})


main()
