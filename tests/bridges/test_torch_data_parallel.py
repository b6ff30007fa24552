"""Data-parallel torch: every rank takes the step of one process on all rows, by a method that asks for the gradient."""

import os
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

PROGRAM = """
import sys
import torch
import sofim_ref as sr

rank, n, file = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(1)
torch.manual_seed(0)
X = torch.randn(64, 5, dtype=torch.float64)
y = X[:, :1] - 2 * X[:, 1:2]
net = torch.nn.Linear(5, 1, dtype=torch.float64)
if n > 1:
    torch.distributed.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=n)
    net = torch.nn.parallel.DistributedDataParallel(net)
optimizer = sr.bridges.torch.optimizer(sr.SOFIM(lr=0.1), net.parameters())
for _ in range(20):
    optimizer.zero_grad()
    ((net(X[rank::n]) - y[rank::n]) ** 2).mean().backward()
    optimizer.step()
print(*(x for p in net.parameters() for x in p.detach().flatten().tolist()))
"""


@pytest.mark.slow
def test_ranks_take_the_steps_of_one_process(tmp_path, monkeypatch, capsys):
    def start(rank):
        command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(rank), "2", str(tmp_path / "ranks")]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})

    processes = [start(0), start(1)]
    monkeypatch.setattr(sys, "argv", ["alone", "0", "1", ""])
    exec(PROGRAM, {})
    whole = np.asarray(capsys.readouterr().out.split(), float)
    ranks = [np.asarray(process.communicate(timeout=60)[0].split(), float) for process in processes]
    np.testing.assert_array_equal(ranks[0], ranks[1])
    np.testing.assert_allclose(ranks[0], whole, rtol=1e-12)
