"""What a Python peer multiplies matrices with, and on how many threads: as the process shows it, not as somebody believes.

`limit(n)` comes before numpy and torch are imported: every BLAS reads its number of threads when it is loaded.
"""

import ctypes
import glob
import os
import re
import time

# A thread counts as running where it has at least this part of the processor time of the busiest one.
LEAST_SHARE = 0.2
# Milliseconds of work over which threads are counted.
COUNT_MS = 30

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "ATLAS_NUM_THREADS",
)


def limit(threads):
    """Sets the number of threads of every BLAS that will be loaded."""
    for name in VARIABLES:
        os.environ[name] = str(threads)
    os.environ["MKL_DYNAMIC"] = "FALSE"


# In this order: a wheel of numpy has an OpenBLAS of its own beside the BLAS of the system that something else has loaded.
KINDS = (
    ("OpenBLAS", r"/lib[\w]*openblas[\w.+-]*\.so[^/]*$|/openblas[\w-]*/lib(blas|lapack)\.so[^/]*$"),
    ("MKL", r"/libmkl_(rt|core|gnu_thread|intel_thread|sequential)[\w.-]*\.so[^/]*$"),
    ("BLIS", r"/libblis[\w.-]*\.so[^/]*$|/blis[\w-]*/libblas\.so[^/]*$"),
    ("ATLAS", r"/lib(satlas|tatlas|atlas)[\w.-]*\.so[^/]*$|/atlas/libblas\.so[^/]*$"),
    ("Accelerate", r"/Accelerate\.framework/"),
    ("reference BLAS", r"/lib(blas|refblas|cblas)\.so[^/]*$|/blas/libblas\.so[^/]*$"),
)


def libraries(maps):
    """Paths of the files that a process has mapped, by /proc/self/maps."""
    paths = (line.split(None, 5)[5].strip() for line in maps.splitlines() if len(line.split(None, 5)) == 6)
    return sorted({path for path in paths if path.startswith("/")})


def blas_of(maps):
    """(kind, path) of the BLAS among the mapped files; ("unknown BLAS", None) where there is none."""
    paths = libraries(maps)
    for kind, pattern in KINDS:
        found = [path for path in paths if re.search(pattern, path)]
        if found:
            return kind, found[0]
    return "unknown BLAS", None


def version_of(kind, path):
    """The version that an OpenBLAS or MKL states, or that the name of the file does; nothing where neither does."""
    if kind == "OpenBLAS" and path is not None:
        try:
            library = ctypes.CDLL(path)
            for prefix in ("", "scipy_"):
                for suffix in ("", "64_", "_64"):
                    try:
                        get = getattr(library, f"{prefix}openblas_get_config{suffix}")
                    except AttributeError:
                        continue
                    get.restype = ctypes.c_char_p
                    match = re.search(r"OpenBLAS\s+(\S+)", get().decode())
                    if match:
                        return match.group(1)
        except OSError:
            pass
    match = re.search(r"(\d+\.\d+(?:\.\d+)*)", os.path.basename(path or ""))
    return match.group(1) if match else ""


def describe():
    """The BLAS of this process: `OpenBLAS 0.3.21 (libopenblasp-r0.3.21.so)`. Of /proc, which Linux alone has."""
    try:
        with open("/proc/self/maps") as file:
            kind, path = blas_of(file.read())
    except OSError:
        return "unknown BLAS"
    version = version_of(kind, path)
    where = "" if path is None else f" ({os.path.basename(path)})"
    return f"{kind}{' ' if version else ''}{version}{where}"


def _times():
    """Nanoseconds on a processor, by thread; nothing where the system does not tell."""
    times = {}
    for path in glob.glob("/proc/self/task/*/schedstat"):
        try:
            with open(path) as file:
                times[path] = int(file.read().split()[0])
        except (OSError, ValueError, IndexError):
            continue  # the thread has ended
    return times


def threads_in(act):
    """How many threads of this process work while `act` is called again and again; None where the system does not tell."""
    before = _times()
    start = time.perf_counter()
    while 1000 * (time.perf_counter() - start) < COUNT_MS:
        act()
    used = [after - before.get(path, 0) for path, after in _times().items()]
    most = max(used, default=0)
    return sum(1 for each in used if each > LEAST_SHARE * most) if most > 0 else None
