"""A program as a CUDA kernel: each thread computes entries of its own, and a block adds its share of the sums."""

from __future__ import annotations

import functools

from sofim_ref.kernels.expression import Program

_FORMATS = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "power": "pow({}, {})",
    "negative": "-{}",
    "positive": "{}",
    "sqrt": "sqrt({})",
    "absolute": "fabs({})",
    "maximum": "{0} > {1} || {0} != {0} ? {0} : {1}",
}

_TYPES = {"float32": "float", "float64": "double"}


@functools.lru_cache(maxsize=256)
def source(program: Program, overwritten: int, there: tuple[str, ...]) -> str:
    """Return the text of the kernel `entrywise`, which goes with that of `steps.cu`.

    Parameters
    ----------
    program : Program
        What is computed from an entry of each array.
    overwritten : int
        How many of its results are the new entries of its first arrays; the others are summed.
    there : tuple of str
        Of each number, the dtype of the array on the device that it lies in; empty where it is given.
    """
    arrays, sums = range(program.arrays), range(len(program.results) - overwritten)
    arguments = [
        *(f"REAL *__restrict__ A{k}, Index S{k}" for k in arrays),
        "Index d",
        *(f"const {_TYPES[kind]} *C{k}" if kind else f"REAL c{k}" for k, kind in enumerate(there)),
        *(["Sum *__restrict__ shares"] if sums else []),
    ]
    lines = [
        *(["__shared__ Sum room[THREADS];"] if sums else []),
        *(f"REAL c{k} = (REAL)C{k}[0];" for k, kind in enumerate(there) if kind),
        *(f"Sum s{k} = {{0.0, 0.0}};" for k in sums),
        "for (ENTRIES(i, d)) {",
        *(f"  REAL a{k} = A{k}[i * S{k}];" for k in arrays),
        *(f"  REAL {line};" for line in program.listed(_FORMATS)),
        *(f"  A{k}[i * S{k}] = {program.spelled(x)};" for k, x in enumerate(program.results[:overwritten])),
        *(
            f"  s{k} = add(s{k}, {{(double){program.spelled(x)}, 0.0}});"
            for k, x in enumerate(program.results[overwritten:])
        ),
        "}",
        *(f"s{k} = block_sum(s{k}, room);" for k in sums),
        *(f"if (threadIdx.x == 0) shares[{k} * gridDim.x + blockIdx.x] = s{k};" for k in sums),
    ]
    body = "\n".join(f"  {line}" for line in lines)
    return f'\nextern "C" __global__ void entrywise({", ".join(arguments)}) {{\n{body}\n}}\n'
