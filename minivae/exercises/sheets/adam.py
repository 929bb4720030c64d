"""The exercise on Adam."""

import numpy as np

from ..exercise import Exercise
from ..judges.values import Values


def _cases(rng):
    """First ordinary settings; then one setting after another is unusual, so that one that is ignored is named."""
    P, usual = 6, {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}

    def at(t, **unusual):
        w, g, m = rng.standard_normal((3, P))
        m, v = (0 * m, 0 * m) if t == 1 else (0.3 * m, rng.random(P))
        return {"w": w, "g": g, "m": m, "v": v, "t": t, **usual, **unusual}

    later = int(rng.integers(20, 60))
    yield "at the first step", at(1)
    yield "at the third step", at(3)
    yield f"at step {later}", at(later)
    for name, value in (("learning_rate", rng.uniform(0.02, 0.08)), ("beta1", rng.uniform(0.5, 0.8)),
                        ("beta2", rng.uniform(0.6, 0.9)), ("epsilon", rng.uniform(0.1, 0.5))):
        yield f"with {name} = {value:.2g} at step 2", at(2, **{name: float(value)})
    much_later = int(rng.integers(3000, 6000))
    yield f"at step {much_later:,}", at(much_later, learning_rate=1.0)   # a step that is large beside w
    yield "with a large gradient", {**at(4), "g": 1e4 * rng.standard_normal(P)}


def _step(w, g, m, v, t, learning_rate, beta1, beta2, epsilon):
    """Equations 8.5 and 8.8 as they stand; the optimizer that trains the VAE takes the same step in fewer passes."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_corrected, v_corrected = m / (1 - beta1**t), v / (1 - beta2**t)
    return {"w": w - learning_rate * m_corrected / (np.sqrt(v_corrected) + epsilon), "m": m, "v": v}


EXERCISES = (
    Exercise(
        name="adam", signature="w, g, m, v, t, learning_rate, beta1, beta2, epsilon -> w, m, v",
        shapes="w (P,), g (P,), m (P,), v (P,); t = 1, 2, ...: the number of this step; the others are numbers",
        notebook=8, place=1, difficulty=2, minutes=25,
        statement="One step of Adam on a vector of weights w with gradient g. m and v are the running means of the "
                  "gradient and of its square, both zero before the first step. Return the new w, m and v as new "
                  "arrays.",
        hints=("First both running means, each a weighted mean of its old value and the new one. What is averaged in "
               "v?",
               "Both start at zero and are too small at first: after t steps by the factors 1 − beta1^t and 1 − "
               "beta2^t. Correct copies of them; the m and v that you return are not corrected.",
               "Then w moves against m, divided by the square root of v. epsilon stands outside the root."),
        insight="At the first step the corrected m / √v is the sign of the gradient: Adam's steps have about the size "
                "of the learning rate, however the loss is scaled.",
        equations={"m": "8.5", "v": "8.5", "w": "8.8"},
        judge=Values(_cases, _step, against="the step of the derivation"),
        answer="exercises.sheets.adam:_step"),
)
