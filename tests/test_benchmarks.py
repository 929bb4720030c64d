"""The benchmarks still run, and measure what they say."""

import json
import pathlib
import sys
import time

import numpy as np
import pytest

BENCHMARKS = str(pathlib.Path(__file__).parent / "benchmarks")


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(sys, "path", sys.path.copy())  # the benchmarks put themselves on it
    import step
    monkeypatch.setitem(step.SIZES, "tiny", step.Size((4,), 2, "relu", 1000, 1))
    return "tiny"


def test_an_epoch_and_its_parts(tiny):
    import epoch
    times = epoch.measure(tiny, np.zeros((2000, 28, 28), dtype=np.uint8), 3, time.perf_counter)
    assert {len(values) for values in times.values()} == {3}
    assert all(value > 0 for values in times.values() for value in values)


def test_memory_is_what_the_theory_says(tiny):
    import memory
    held, theory, beside, left = memory.measure(*memory.SIZES[tiny][:4])
    assert theory < held < 1.1 * theory
    assert 0 < beside and abs(left) < 10_000


def test_minivae_on_two_threads_and_plain_numpy_train_as_minivae_does(tiny):
    from peers import PEERS
    import minivae as mv
    rng = np.random.default_rng(0)
    batches = [((rng.random((6, 784)) < 0.2).astype("float32"), rng.standard_normal((6, 2), dtype="float32"))
               for _ in range(2)]
    losses = {}
    for name in ("minivae", "minivae, two threads of its own", "plain NumPy"):
        step = PEERS[name](mv.VAE(784, (4,), 2, "tanh"), batches)
        losses[name] = [float(step(i % 2)) for i in range(4)]
    np.testing.assert_allclose(losses["minivae, two threads of its own"], losses["minivae"], rtol=1e-5)
    np.testing.assert_allclose(losses["plain NumPy"], losses["minivae"], rtol=1e-5)


def test_a_training_in_sittings_takes_the_time_of_all_its_epochs(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # published sets it; what comes after this test must not inherit it
    import published
    now, done = [0.0], [0]

    def sitting(epochs, killed=False, code=0):
        def train(words):
            done[0] += epochs
            now[0] += 10 * epochs
            if killed:
                raise SystemExit
            return code
        monkeypatch.setattr(published.cli, "main", train)
        return published.train(tmp_path, "--epochs 8")

    monkeypatch.setattr(published, "epochs_done", lambda folder: done[0])
    monkeypatch.setattr(published.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(published.time, "process_time", lambda: now[0] / 2)
    with pytest.raises(SystemExit):
        sitting(1, killed=True)
    assert sitting(0) == (None, None)  # trained, and nothing tells how long it took
    with pytest.raises(SystemExit):
        sitting(2, code=130)           # Ctrl-C: its time counts
    with pytest.raises(SystemExit):
        sitting(4, killed=True)
    assert sitting(1) == (80, 40)
    assert sitting(0) == (80, 40)      # measured once more


def test_errors_are_judged_by_replicates(tiny, monkeypatch):
    """If errors are stated 1.3 times too small, 1.96 of them cover 0.868; the replicates show the true size."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    import published
    from minivae.evaluation import Evidence
    rng, n, true = np.random.default_rng(0), 20_000, 0.4
    ess = np.where(np.arange(n) % 4, 50.0, 3.0)

    def estimate(n, size):
        return Evidence(size * rng.standard_normal(n), np.full(n, size / 1.3), ess[:n])

    far = estimate(400, 0.01)
    seen = published.judged(estimate(n, true), estimate(n, true), far._replace(log_px=far.log_px + 0.7))
    assert abs(seen["replicate_se"] / (true / 100) - 1) < 4.5 / np.sqrt(2 * n)
    assert seen["replicate_se"] / seen["stated_se"] == pytest.approx(1.3, rel=0.05) and seen["few"] == 0.25
    for name, share in (("coverage", 1), ("low_coverage", 0.25)):
        assert abs(seen[name] - 0.868) < 4.5 * np.sqrt(0.868 * 0.132 / (n * share))
    assert abs(seen["rise"] - 0.7) < 4.5 * seen["rise_se"]
    assert seen["rise_se"] == pytest.approx(true / np.sqrt(2 * 400), rel=0.2)
    words = published.errors_seen(seen | {"images": n, "more_samples": 7}, true / 200)
    for said in ("0.0020, which is 2.0 times too small", "1.3 times too small", "25% of the images"):
        assert said in words[0]
    assert "nats above 5,000" in words[1]


def test_busy_neighbours_come_and_go(monkeypatch, tiny):
    import busy
    started = []
    monkeypatch.setattr(busy.time, "sleep", lambda seconds: None)
    popen = busy.subprocess.Popen

    def watched(*command, **more):
        started.append(popen(*command, **more))
        return started[-1]

    monkeypatch.setattr(busy.subprocess, "Popen", watched)
    with pytest.raises(ZeroDivisionError), busy.busy(2):
        assert [process.poll() for process in started] == [None, None]
        1 / 0
    assert all(process.poll() is not None for process in started)
    rows = busy.rows_of({0: {busy.REFERENCE: [2.0, 4.0, 6.0], "other": [4.0, 4.0, 3.0]}})
    assert rows == [[busy.REFERENCE, "4", "1.00"], ["other", "4", "1.00"]]


def test_the_pieces_of_a_step_add_up_to_the_floor(tiny):
    import floor
    times = floor.measure(tiny, 2)
    pieces = [values for name, values in times.items()][:4]
    assert times["their sum, the floor"] == [sum(together) for together in zip(*pieces)]
    assert all(len(values) == 2 and min(values) > 0 for values in times.values())


def test_the_way_to_a_good_model_is_timed(tiny):
    import to_a_good_model
    images = np.random.default_rng(0).integers(0, 256, (200, 28, 28), dtype=np.uint8)
    points = to_a_good_model.minivae(images, images[:20], 2)
    assert len(points) == 2 and 0 < points[0][0] < points[1][0]
    row = to_a_good_model.row_of("ours", [(1.0, -109.0), (2.0, -104.0)])
    assert row == ["ours", "1.0", "2.0", "not reached", "2.0", "-104.00"]


def test_published_rows_that_were_not_run_say_so(tiny, monkeypatch, tmp_path):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    import published
    monkeypatch.setattr(published, "RESULTS", tmp_path)
    kept = json.loads((pathlib.Path(BENCHMARKS) / "results" / "published.json").read_text(encoding="utf-8"))
    for measured in ({}, {"accuracy": kept["accuracy"]}, {name: kept[name] for name in ("vae", "iwae-5", "accuracy")}):
        published.write_tables(measured)
        page = (tmp_path / "published.md").read_text(encoding="utf-8").splitlines()
        rows = [line for line in page if "| `train " in line]
        assert [row.split("`")[1] for row in rows] == list(published.ROWS)
        assert [" not run |" in row for row in rows] == [name not in measured for name in published.ROWS]


def test_published_rows_train_the_model_that_they_name(tiny, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    import published
    from minivae.cli.options import parser_for
    from minivae.cli.kinds import draws_per_image, kind_of_model
    parser, found = parser_for({"train": None}), {}
    for name, row in published.ROWS.items():
        chosen = vars(parser.parse_args(["train", *row.words.split()]))
        words = {"objective": "elbo", "gradient": "plain", "samples": None} | chosen
        kind, _ = kind_of_model(words["objective"], None, words["gradient"])
        found[name] = (kind.__name__, draws_per_image(words["objective"], words["samples"], default=5), words["epochs"])
    assert found == {"vae": ("VAE", 1, 3000), "iwae-5": ("IWAE", 5, 2000), "iwae-5-path": ("PathIWAE", 5, 800),
                     "iwae-50": ("IWAE", 50, 400), "mean-field": ("VAE", 1, 167)}
    plain, path = (published.ROWS[name].words.split() for name in ("iwae-5", "iwae-5-path"))
    # else alike, so that they compare
    assert path == [*" ".join(plain).replace("2000", "800").split(), "--gradient", "path"]
