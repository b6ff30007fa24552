#!/usr/bin/env bash
# Runs the GPU's tests and benchmarks in one go, and writes what came out into one folder:
#   bash benchmarks/gpu.sh [FOLDER]        (default: gpu-results)
# It needs a Python with CuPy, NumPy, SciPy, pytest and Hypothesis; torch is the peer, if it is there. What the library
# needs besides (array-api-compat and the like) is taken from the folder wheels/, where there is one, and not upgraded.
# Eight minutes at most: each part is stopped when its share is over; the exit code 124 says so.
set -uo pipefail
out=${1:-gpu-results}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
export PYTHONUNBUFFERED=1 PYTHONPATH="$PWD"

if [ -d wheels ]; then
  "$python" -m pip install --quiet --no-index --no-deps wheels/*.whl > "$out/install.txt" 2>&1 || cat "$out/install.txt"
fi

{
  date -u +%Y-%m-%dT%H:%MZ
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2> /dev/null || echo "no nvidia-smi"
  "$python" --version
  "$python" -c "from sofim_ref.arrays import available_backends
for name, found in available_backends().items():
    print(name, getattr(found, 'version', found))"
} 2>&1 | tee "$out/machine.txt"
if ! "$python" -c "from sofim_ref.arrays import open_backend; open_backend('cupy')" 2> /dev/null; then
  echo "CuPy can't be used here; machine.txt says why. Nothing was run." | tee "$out/suite.txt"
  exit 1
fi

# The suite where its arrays are CuPy's, and the kernels' own tests; on four workers where pytest-xdist is installed.
options=(--strict-markers -q --durations=15)
if "$python" -c "import xdist" 2> /dev/null; then options+=(-n 4); fi
timeout 240 "$python" -m pytest -o addopts="" "${options[@]}" -k "cupy or cuda" tests/kernels tests/matrices \
  tests/likelihoods tests/models tests/problems tests/curvature tests/optimizers tests/convergence \
  tests/test_arrays.py tests/test_sums.py tests/test_training.py > "$out/suite.txt" 2>&1
suite=$?
[ $suite -ne 124 ] || echo "Stopped after four minutes." >> "$out/suite.txt"
tail -n 15 "$out/suite.txt"

timeout 60 "$python" -m sofim_ref verify --backend cupy > "$out/verify.txt" 2>&1
verify=$?
timeout 60 "$python" -m sofim_ref tour --quick --backend cupy --out "$out/tour" > "$out/tour.txt" 2>&1
tour=$?
timeout 90 "$python" -m benchmarks --gpu --json "$out/gpu.json" > "$out/gpu.txt" 2>&1
bench=$?
cat "$out/gpu.txt"
echo "exit codes: suite $suite, verify $verify, tour $tour, benchmarks $bench" | tee "$out/outcome.txt"
[ "$suite$verify$tour$bench" = 0000 ]
