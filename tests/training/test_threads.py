"""Several threads give what one gives, to the bit, and every number is worked on once."""

import multiprocessing

import numpy as np
import pytest

import minivae as mv
from minivae.training import threads


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 7, 99_999, 200_001, 1_000_003])
def test_slices_cover_the_vector_once(monkeypatch, count, size):
    monkeypatch.setattr(threads, "thread_count", lambda: count)
    touched, parts = np.zeros(size, int), []

    def work(part):
        parts.append(part)
        touched[part] += 1

    threads.in_slices(work, size)
    assert (touched == 1).all()
    assert len(parts) == max(1, min(count, size // threads.LEAST))


def test_adam_is_the_same_to_the_bit_on_any_number_of_threads(monkeypatch):
    rng = np.random.default_rng(0)
    start, gradients = (rng.standard_normal(shape).astype("float32") for shape in (300_001, (3, 300_001)))
    ends = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "thread_count", lambda: count)
        adam, parameters = mv.Adam(), start.copy()
        for gradient in gradients:
            adam.step(parameters, gradient)
        ends.append(parameters)
    np.testing.assert_array_equal(ends[0], ends[1])
    np.testing.assert_array_equal(ends[0], ends[2])


def test_errors_and_error_states_pass_between_threads(monkeypatch):
    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    huge = np.full(200_000, 1e300)

    def work(part):
        huge[part] * huge[part]

    with np.errstate(over="ignore"):
        threads.in_slices(work, huge.size)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        threads.in_slices(lambda part: part.start and work(part), huge.size)  # in the second thread alone


def test_the_environment_may_ask_for_fewer(monkeypatch):
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    cores = threads.thread_count()
    assert cores >= 1
    for value, expected in (("1", 1), ("0", cores), ("many", cores), ("100000", cores)):
        monkeypatch.setenv("OMP_NUM_THREADS", value)
        assert threads.thread_count() == expected


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_makes_threads_of_its_own(monkeypatch):
    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    threads.in_slices(lambda part: None, 200_000)
    child = multiprocessing.get_context("fork").Process(target=threads.in_slices, args=(lambda part: None, 200_000))
    child.start()
    child.join(30)
    assert child.exitcode == 0
