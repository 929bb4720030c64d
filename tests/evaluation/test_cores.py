"""Free cores by affinity and container, and a BLAS that is limited to one thread as long as any block asks for it."""

import contextlib
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import threadpoolctl

import minivae as mv
from minivae.evaluation import cores
from minivae.evaluation.cores import free_cores, one_blas_thread


def blas_threads():
    return [library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]


@pytest.fixture
def two_threads():
    """BLAS as it comes on two cores or more."""
    with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
        yield blas_threads()


def test_blas_is_held_and_given_back(two_threads):
    with one_blas_thread() as blas:
        assert set(blas_threads()) <= {1} and "held to one thread" in blas
        with one_blas_thread():
            assert set(blas_threads()) <= {1}
        assert set(blas_threads()) <= {1}
    assert blas_threads() == two_threads
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        1 / 0
    assert blas_threads() == two_threads


def test_the_last_of_several_threads_gives_back(two_threads):
    inside, leave = threading.Barrier(3, timeout=60), [threading.Event(), threading.Event()]

    def hold(n):
        with one_blas_thread():
            inside.wait()
            leave[n].wait()

    threads = [threading.Thread(target=hold, args=(n,), daemon=True) for n in range(2)]
    for thread in threads:
        thread.start()
    inside.wait()
    leave[0].set()
    threads[0].join()
    assert set(blas_threads()) <= {1}
    leave[1].set()
    threads[1].join()
    assert blas_threads() == two_threads


def test_training_and_evaluation_hold_it_and_give_it_back(two_threads, monkeypatch):
    seen, mlp_forward = [], mv.model.mlp.MLP.forward

    def watched(self, *args, **kwargs):
        seen.extend(blas_threads())
        return mlp_forward(self, *args, **kwargs)

    monkeypatch.setattr(mv.model.mlp.MLP, "forward", watched)
    model, rng = mv.VAE(16, (8,), 2), np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 4, 4), dtype=np.uint8)
    mv.train(model, images, epochs=1, batch_size=10, held_out=images, progress=False)
    mv.evaluate_elbo(model, images, binarize="dynamic", rng=rng)
    mv.log_evidence(model, np.ones((2, 16)), 10, rng=rng)
    mv.evaluation.evaluate(model, images, binarize="dynamic", rng=rng, samples=5)
    assert set(seen) <= {1} and len(seen) >= 8 * len(two_threads)
    assert blas_threads() == two_threads


def test_an_unknown_blas_is_said_and_nothing_else_changes(monkeypatch, tmp_path):
    monkeypatch.setattr(cores, "_controller", lambda: SimpleNamespace(
        lib_controllers=[], info=list, limit=lambda **given: contextlib.nullcontext()))
    mv.train(mv.VAE(16, (8,), 2), np.zeros((4, 4, 4), np.uint8), epochs=1, batch_size=2, checkpoint=tmp_path / "m.npz",
             progress=False)
    assert "unknown to threadpoolctl" in mv.training.load_checkpoint(tmp_path / "m.npz").work["blas"]


@pytest.mark.parametrize("files, limit", [
    ({}, np.inf),
    ({"proc/self/cgroup": "0::/me\n", "sys/fs/cgroup/me/cpu.max": "150000 100000"}, 1.5),
    ({"proc/self/cgroup": "0::/me\n", "sys/fs/cgroup/me/cpu.max": "max 100000"}, np.inf),
    ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "100000 100000",
      "sys/fs/cgroup/a/b/cpu.max": "max 100000"}, 1),
    ({"proc/self/cgroup": "0::/elsewhere\n", "sys/fs/cgroup/cpu.max": "300000 100000"}, 3),  # as inside a container
    ({"proc/self/cgroup": "4:memory:/m\n1:cpu,cpuacct:/me\n", "sys/fs/cgroup/cpu/me/cpu.cfs_quota_us": "200000",
      "sys/fs/cgroup/cpu/me/cpu.cfs_period_us": "100000"}, 2),
    ({"proc/self/cgroup": "1:cpu:/me\n", "sys/fs/cgroup/cpu/me/cpu.cfs_quota_us": "-1",
      "sys/fs/cgroup/cpu/me/cpu.cfs_period_us": "100000"}, np.inf),
    ({"proc/self/cgroup": "0::/me\n", "sys/fs/cgroup/me/cpu.max": "nonsense"}, np.inf),
])
def test_a_containers_limit(tmp_path, files, limit):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert cores._container_limit(tmp_path) == limit


def test_free_cores(monkeypatch):
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda process: {0, 1, 2, 3}, raising=False)
    for limit, expected in ((np.inf, 4), (2.5, 2), (0.5, 1)):
        monkeypatch.setattr(cores, "_container_limit", lambda: limit)
        assert free_cores() == expected
