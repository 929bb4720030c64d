"""The exercise on Adam."""

import numpy as np

from ..exercise import Exercise
from ..judges.values import Values


def _cases():
    rng = np.random.default_rng(80)
    settings = {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    w, g = rng.standard_normal((2, 6))
    yield " at the first step", {"w": w, "g": g, "m": np.zeros(6), "v": np.zeros(6), "t": 1, **settings}
    m, v = 0.3 * rng.standard_normal(6), rng.random(6)
    yield " at the third step", {"w": w, "g": g, "m": m, "v": v, "t": 3, **settings}
    coarse = {"learning_rate": 0.05, "beta1": 0.8, "beta2": 0.7, "epsilon": 0.3}
    yield " with epsilon = 0.3", {"w": w, "g": g, "m": m, "v": v, "t": 2, **coarse}


def _step(w, g, m, v, t, learning_rate, beta1, beta2, epsilon):
    """Equations 8.2 and 8.3 as they stand; the optimizer that trains the VAE takes the same step in fewer passes."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_corrected, v_corrected = m / (1 - beta1**t), v / (1 - beta2**t)
    return {"w": w - learning_rate * m_corrected / (np.sqrt(v_corrected) + epsilon), "m": m, "v": v}


EXERCISES = (
    Exercise(
        name="adam", signature="w, g, m, v, t, learning_rate, beta1, beta2, epsilon -> w, m, v",
        shapes="w (P,), g (P,), m (P,), v (P,); t = 1, 2, ...: the number of this step; the others are numbers",
        notebook=8, place=1, difficulty=2, minutes=25,
        statement="One step of Adam on a vector of weights w with gradient g: m and v are the running means of the "
                  "gradient and of its square, both zero before the first step. Return the new w, m and v as new arrays.",
        hints=("First both running means, each a weighted mean of what it was and what came. What is averaged in v?",
               "Started at zero, both are too small at first: after t steps by the factors 1 − beta1^t and 1 − beta2^t. "
               "Correct copies; what you return is uncorrected.",
               "Then w goes against m, divided by the root of v. epsilon stands outside the root."),
        insight="At the first step m / √v is the gradient's sign: Adam's steps have the size of the learning rate, "
                "whatever the loss is scaled by.",
        equations={"m": "8.2", "v": "8.2", "w": "8.3"},
        judge=Values(_cases, _step, against="the step of the derivation"),
        reference=lambda *arguments: _step(*arguments), built_from=("exercises.sheets.adam:_step",)),
)
