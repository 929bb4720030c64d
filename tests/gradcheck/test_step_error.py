"""The V of error against step: its branches, its tip, and that the checker goes below it."""

import numpy as np

from minivae.gradcheck import step_error


def test_the_v_of_a_sine():
    v = step_error(lambda at: np.sin(at["x"]).sum(), {"x": np.array([1.0, 2.0])}, "x", (0,), exact=np.cos(1.0))
    assert 1e-7 < v.best_step < 1e-4
    assert abs(v.value - v.reference) <= v.error < np.nanmin(v.errors[v.errors > 0]) * 100
    long, short = v.steps > 1e-2, v.steps < 1e-9
    assert np.allclose(np.log(v.errors[long] / v.truncation[long]), 0, atol=0.2)
    assert 0.1 < np.median(v.errors[short] / v.rounding[short]) < 10
    assert v.evaluations < 20


def test_without_an_exact_value_the_extrapolated_one_is_the_reference():
    v = step_error(lambda at: float(np.exp(at["x"])), {"x": 0.5})
    assert v.reference == v.value and abs(v.value - np.exp(0.5)) <= v.error
