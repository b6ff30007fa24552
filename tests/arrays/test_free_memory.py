"""What is free where an array lies: on the host by what Linux says, on a GPU by what its backend says."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from sofim_ref.arrays import memory

ONES = np.ones(6)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (9949, "9.9 kB"),
        (9951, "10 kB"),
        (999_499, "999 kB"),
        (999_501, "1.0 MB"),
        (8 * 235_146**2, "442 GB"),
        (8e15, "8.0 PB"),
        (8e21, "8,000,000 PB"),
    ],
)
def test_sizes(numbers, text):
    assert memory.size(numbers) == text


def linux(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


MEMINFO = {"proc/meminfo": "MemTotal:       10 kB\nMemFree:         1 kB\nMemAvailable:    8 kB\n"}
V1 = "sys/fs/cgroup/memory"
GROUPS = {
    "no groups": ({}, 8192),
    "no limit": ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 8192),
    "a limit beyond all memory": (
        {
            "proc/self/cgroup": "4:memory:/\n",
            f"{V1}/memory.limit_in_bytes": "9223372036854771712\n",
            f"{V1}/memory.usage_in_bytes": "9223372036854771711\n",
        },
        8192,
    ),
    "version 2, cache is free": (
        {
            "proc/self/cgroup": "0::/job/step\n",
            "sys/fs/cgroup/job/memory.max": "6000\n",
            "sys/fs/cgroup/job/memory.current": "5000\n",
            "sys/fs/cgroup/job/memory.stat": "anon 1\ninactive_file 2000\nactive_file 7\n",
        },
        3000,
    ),
    "version 1, the group of a container seen as the top one": (
        {
            "proc/self/cgroup": "9:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n0::/\n",
            f"{V1}/memory.limit_in_bytes": "6000\n",
            f"{V1}/memory.usage_in_bytes": "5000\n",
            f"{V1}/memory.stat": "inactive_file 7\ntotal_inactive_file 100\n",
        },
        1100,
    ),
    "the least of two": (
        {
            "proc/self/cgroup": "0::/a/b\n",
            "sys/fs/cgroup/a/memory.max": "9000\n",
            "sys/fs/cgroup/a/memory.current": "5\n",
            "sys/fs/cgroup/a/b/memory.max": "4000\n",
            "sys/fs/cgroup/a/b/memory.current": "3500\n",
        },
        500,
    ),
    "more used than the limit": (
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "4000", "sys/fs/cgroup/memory.current": "5000"},
        0,
    ),
}


@pytest.mark.parametrize("case", GROUPS)
def test_linux_says_what_is_free(case, tmp_path, monkeypatch):
    files, expected = GROUPS[case]
    monkeypatch.setattr(memory, "ROOT", linux(tmp_path, MEMINFO | files))
    assert memory.free_memory(ONES) == expected


def test_other_systems_say_how_much_there_is_or_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "ROOT", tmp_path)
    names = {"SC_PHYS_PAGES": 1, "SC_PAGE_SIZE": 2}
    unix = SimpleNamespace(sysconf_names=names, sysconf={"SC_PHYS_PAGES": 100, "SC_PAGE_SIZE": 4096}.get)
    monkeypatch.setattr(memory, "os", unix)
    assert memory.free_memory(ONES) == 409_600
    monkeypatch.setattr(memory, "os", SimpleNamespace())
    assert memory.free_memory(ONES) is None


def test_a_host_array_of_any_backend_lies_in_the_memory_of_the_host(xp, monkeypatch):
    if xp.name == "cupy":
        pytest.skip("its arrays lie on the GPU")
    monkeypatch.setattr(memory, "_free_on_host", lambda: 7)
    assert memory.free_memory(xp.asarray(np.ones(2))) == 7


class Device:
    """One of CuPy's: what is asked within it is asked of it."""

    current = 0

    def __enter__(self):
        type(self).current = 1

    def __exit__(self, *_):
        type(self).current = 0


CUPY = SimpleNamespace(
    cuda=SimpleNamespace(runtime=SimpleNamespace(memGetInfo=lambda: ((0, 100)[Device.current], 1000))),
    get_default_memory_pool=lambda: SimpleNamespace(free_bytes=lambda: (0, 20)[Device.current]),
)
TORCH = SimpleNamespace(
    cuda=SimpleNamespace(
        mem_get_info={1: (100, 1000)}.__getitem__,
        memory_reserved={1: 50}.__getitem__,
        memory_allocated={1: 30}.__getitem__,
    )
)


@pytest.mark.parametrize(
    ("name", "module", "array"),
    [
        ("array_api_compat.cupy", CUPY, SimpleNamespace(device=Device())),
        ("array_api_compat.torch", TORCH, SimpleNamespace(is_cuda=True, device=1)),
    ],
    ids=["cupy", "torch"],
)
def test_on_a_gpu_what_the_backend_keeps_for_later_is_free(name, module, array, monkeypatch):
    """The driver says 100 bytes, of the device that the array lies on, and the backend has 20 in reserve."""
    monkeypatch.setattr(memory, "namespace", lambda _: SimpleNamespace(__name__=name))
    monkeypatch.setitem(sys.modules, name.rpartition(".")[2], module)
    assert memory.free_memory(array) == 120


@pytest.mark.parametrize(
    ("said", "expected"), [({"bytes_limit": 150, "bytes_in_use": 30}, 120), ({"bytes_in_use": 30}, 7), (None, 7)]
)
def test_jax_says_what_it_knows_of_a_device(said, expected, monkeypatch):
    monkeypatch.setattr(memory, "namespace", lambda _: SimpleNamespace(__name__="jax.numpy"))
    monkeypatch.setattr(memory, "_free_on_host", lambda: 7)
    device = SimpleNamespace(memory_stats=lambda: said)
    assert memory.free_memory(SimpleNamespace(devices=lambda: [device])) == expected
