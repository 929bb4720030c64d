"""The numeric derivative: its estimated error covers the true one, and corners, edges and noise are told apart."""

import math

import numpy as np
import pytest

from benchmarks.gradcheck_coverage import FUNCTIONS, one_variable, weights
from gradcheck.nets import network
from minivae.gradcheck.inputs import scalar_probe
from minivae.gradcheck.noise import measure_noise
from minivae.gradcheck.numeric import Tableau, derivative
from minivae.gradcheck.probe import EPS, Probe, norm, signs



def line_of(f, x=0.0):
    def line(t):
        value, base = f(x + t), f(x)
        return value - base, EPS * max(abs(value), abs(base))
    return line


def test_the_error_covers_the_truth():
    """A seeded share of the study in tests/benchmarks/gradcheck_coverage.py."""
    cases = [one_variable(f, slope, seed) for f, slope in FUNCTIONS.values() for seed in range(60)]
    cases += [case for activation in ("tanh", "relu") for dtype in (np.float64, np.float32) for seed in range(5)
              for case in weights(seed, activation, dtype)]
    cases = [case for case in cases if case is not None]
    missed = sum(true > estimated for true, estimated, _, _ in cases)
    assert len(cases) > 900 and missed <= 1


def test_a_smooth_function_costs_about_ten_evaluations():
    calls = [one_variable(np.exp, np.exp, seed)[3] for seed in range(50)]
    assert np.median(calls) <= 12


def test_a_polynomial_is_extrapolated_to_rounding():
    tableau = Tableau(2)
    for h in (1.0, 0.5, 0.25, 0.125):
        tableau.add(3 + h**2 - 2 * h**4, 1e-16)
    assert abs(tableau.value - 3) < 1e-14 and abs(tableau.value - 3) < tableau.error


@pytest.mark.parametrize("x, kind", [(0.0, "kink"), (1e-9, "smooth"), (-1e-5, "smooth"), (0.3, "smooth")])
def test_a_corner_is_a_corner_only_where_it_is(x, kind):
    found = derivative(line_of(lambda t: max(t, 0.0) + math.sin(t), x), 1 / 16)
    assert found.kind == kind
    if kind == "smooth":
        assert abs(found.value - ((x > 0) + math.cos(x))) <= found.error
    else:
        assert found.slopes == pytest.approx((1.0, 2.0), abs=1e-9)


def test_a_function_with_an_edge_has_no_slope_there():
    assert derivative(line_of(lambda t: math.sqrt(t) if t >= 0 else math.nan), 1 / 16).error == math.inf
    found = derivative(line_of(lambda t: math.exp(t) if t >= 0 else math.nan), 1 / 16)
    assert found.kind == "edge" and abs(found.value - 1) <= found.error < 1e-9
    assert derivative(lambda t: (math.nan, math.nan), 1 / 16).kind == "edge"


def test_a_jump_is_not_believed():
    found = derivative(line_of(math.floor, 2.0), 1 / 16)
    assert found.kind != "smooth" or found.error > 0.5 / found.step


@pytest.mark.parametrize("x, k", [(0.3588, 1.628), (0.6257, 1.486), (-1.566, 3.666)])
def test_longer_steps_are_tried_where_rounding_hides_the_slope(x, k):
    def f(t):
        return float(np.float32(math.sin(k * (x + t)) + 0.5))

    found = derivative(lambda t: (f(t) - f(0), 2.0**-23 * max(abs(f(t)), abs(f(0)))), 1 / 16)
    assert abs(found.value - k * math.cos(k * x)) <= found.error < 5e-4 * k


@pytest.mark.parametrize("seed, name, place", [(51, "b3", 3), (63, "b2", 9)])
def test_corners_that_rounding_hides_are_within_the_error(seed, name, place):
    """A corner at the point, hardly more than rounding; and several within the steps, which agree on a wrong limit."""
    rng = np.random.default_rng(seed)
    f, grads, at = network(rng, activation="relu", scale=10 ** rng.uniform(-6, 6), depth=int(rng.integers(1, 5)),
                           computed_in=np.float32)
    probe = scalar_probe(f, at)
    for other, g in grads.items():   # the study's own numbers
        measure_noise(probe, [other], rng)
        rng.choice(g.size, min(4, g.size), replace=False)
        if other == name:
            break
    found = probe.coordinate(name, (place,))
    assert abs(found.value - grads[name][place]) <= found.error


def test_values_that_run_away_from_the_limit_are_told():
    tableau = Tableau(2)
    for h in (1.0, 0.5, 0.25, 0.125):
        tableau.add(3 + h**2, 1e-16)
    assert tableau.drift == 0
    tableau.add(3.5, 1e-16)
    assert abs(tableau.drift - 0.5) < 1e-12


def test_a_poor_first_step_costs_accuracy_nothing():
    for step in 10.0 ** np.arange(-12, 7):
        found = derivative(line_of(math.sin, 1.0), step)
        assert abs(found.value - math.cos(1.0)) <= found.error
    for step in 10.0 ** np.arange(-3, 3):
        assert derivative(line_of(math.sin, 1.0), step).error < 1e-7


def test_the_noise_of_a_float32_function_is_measured():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(50)
    exact = Probe(lambda at: np.tanh(at["x"]).sum(), {"x": x})
    rough = Probe(lambda at: float(np.tanh(at["x"].astype(np.float32)).sum()), {"x": x})
    for probe in (exact, rough):
        measure_noise(probe, ["x"], np.random.default_rng(0))
    assert exact.noises["x"][0] < 100 and exact.precision == EPS
    assert rough.precision * rough.noises["x"][0] > 1e6 * EPS


def test_typical_sizes_norm_and_signs():
    probe = Probe(lambda at: at["x"].sum(), {"x": np.array([0.0, 3.0, -1.0]), "y": np.zeros(2)})
    assert [probe.size_of("x", (k,)) for k in range(3)] == [2.0, 3.0, 2.0] and probe.size_of("y", (1,)) == 1.0
    assert norm(np.array([3e300, 4e300])) == pytest.approx(5e300)
    sizes = np.abs(signs((1000,), np.random.default_rng(0)))
    assert 0.5 <= sizes.min() and sizes.max() <= 1.5
