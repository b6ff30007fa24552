"""Run CUDA source without a GPU: a C++ compiler takes it for host code, and Python's threads play the GPU's.

What CuPy's `RawKernel` would be told stands: the source, the options, the order and types of the arguments. A thread of
a block is a thread of the process, and `__syncthreads` a barrier for them; blocks run one after another.
"""

import ctypes
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np

THREADS, MULTIPROCESSORS = 8, 2

PRELUDE = """
#include <cmath>
#include <pthread.h>
using std::fma;
using std::sqrt;
struct Place { int x; };
static thread_local Place threadIdx, blockIdx;
static Place blockDim{THREADS}, gridDim;
static pthread_barrier_t everyone;
static int made = pthread_barrier_init(&everyone, nullptr, THREADS);
#define __global__
#define __device__ static
#define __shared__ static
#define __restrict__
static double __dmul_rn(double x, double y) { return x * y; }
static void __syncthreads() { pthread_barrier_wait(&everyone); }
extern "C" void take_place(int thread, int block, int blocks) {
  threadIdx.x = thread;
  blockIdx.x = block;
  gridDim.x = blocks;
}
"""

COMPILER = shutil.which("g++") or shutil.which("clang++")


class DeviceArray(np.ndarray):
    """A NumPy array that says of itself what `CuPyKernels` asks CuPy's."""

    @property
    def device(self):
        return DEVICE


class _Device:
    attributes = {"MultiProcessorCount": MULTIPROCESSORS}  # noqa: RUF012  # as CuPy has it

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return None


DEVICE = _Device()


def stand_in_for_cupy(folder):
    """Return what takes the place of the module `cupy`; what it compiles goes to the folder, and starts are counted."""
    started, pool = [], ThreadPoolExecutor(THREADS)

    class RawKernel:
        def __init__(self, source, name, options):
            self.name = name
            self.library = _compiled(source, options, folder)

        def __call__(self, grid, block, arguments):
            (blocks,), (threads,) = grid, block
            assert threads == THREADS
            started.append(self.name)
            arguments = [_as_c(argument) for argument in arguments]

            def run(thread):
                for index in range(blocks):
                    self.library.take_place(thread, index, blocks)
                    together.wait()
                    self.library[self.name](*arguments)

            together = threading.Barrier(threads)
            list(pool.map(run, range(threads)))

    def empty(shape, dtype):
        return np.full(shape, np.nan, dtype=dtype)

    return SimpleNamespace(RawKernel=RawKernel, empty=empty, started=started)


def _compiled(source, options, folder):
    built = folder / f"{abs(hash((source, tuple(options))))}.so"
    if not built.exists():
        command = [
            COMPILER,
            "-std=c++17",
            "-O1",
            "-ffp-contract=off",
            "-mfma",
            "-shared",
            "-fPIC",
            "-pthread",
            *options,
        ]
        program = built.with_suffix(".cpp")
        program.write_text(PRELUDE + source, encoding="utf-8")
        subprocess.run([*command, "-Wno-unknown-pragmas", "-o", str(built), str(program)], check=True)
    return ctypes.CDLL(str(built))


def _as_c(argument):
    """Convert as CuPy does: an array to its address, a NumPy scalar to the C type of its own width."""
    if isinstance(argument, np.ndarray):
        return ctypes.c_void_p(argument.ctypes.data)
    kinds = {
        np.int32: ctypes.c_int32,
        np.int64: ctypes.c_int64,
        np.float32: ctypes.c_float,
        np.float64: ctypes.c_double,
    }
    return kinds[type(argument)](argument)
