"""How many planted bugs the usual acceptance rules let through: python tests/benchmarks/gradcheck_rules.py

Every mistake of the catalogue that changes a VAE's gradient, on 20 seeds, with the loss at the scale that averaging
over batch and pixels gives it (4e-5). The rules are written anew from their documented criteria. Writes
results/gradcheck_rules.md and gradcheck_rules.csv.
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

from minivae.exercises.catalogue import MISTAKES, planted   # noqa: E402
from minivae.gradcheck import check_gradient   # noqa: E402
from gradcheck.vae_case import vae_case   # noqa: E402

SEEDS, BATCH, SCALE = 20, 5, 4e-5
SIZES = dict(data_dim=5, hidden=(4,), latent_dim=2)
SETTINGS = (dict(), dict(likelihood="gaussian", noise_variance=2.0), dict(activation="relu", beta=1.0))


def differences(f, at, name, indices, h):
    """Central differences with one fixed step."""
    found = []
    for index in indices:
        ends = []
        for step in (h, -h):
            moved = at[name].copy()
            moved[index] += step
            ends.append(f({**at, name: moved}))
        found.append((ends[0] - ends[1]) / (2 * h))
    return np.array(found)


def _everywhere(array):
    return list(np.ndindex(array.shape))


def cs231n(f, grads, at, rng):
    """Ten random indices a tensor, h = 1e-5: |a - n| / (|a| + |n|) below 1e-2 (course notes, grad_check_sparse)."""
    for name, g in grads.items():
        places = [tuple(rng.integers(0, n) for n in g.shape) for _ in range(10)]
        a, n = np.array([g[place] for place in places]), differences(f, at, name, places, 1e-5)
        with np.errstate(all="ignore"):
            if np.any(np.abs(a - n) / (np.abs(a) + np.abs(n)) >= 1e-2):
                return False
    return True


def pytorch(f, grads, at, rng):
    """All entries, h = 1e-6: allclose with atol = 1e-5 and rtol = 1e-3 (torch.autograd.gradcheck's defaults)."""
    return all(np.allclose(g.ravel(), differences(f, at, name, _everywhere(g), 1e-6), rtol=1e-3, atol=1e-5)
               for name, g in grads.items())


def theano(f, grads, at, rng):
    """All entries: absolute or relative error below 1e-4 (theano.gradient.verify_grad, float64)."""
    for name, g in grads.items():
        n, a = differences(f, at, name, _everywhere(g), 1e-7), g.ravel()
        gap = np.abs(a - n)
        if np.any(np.minimum(gap, gap / np.maximum(np.abs(a) + np.abs(n), 1e-8)) > 1e-4):
            return False
    return True


def caffe(f, grads, at, rng):
    """All entries, h = 1e-2: |a - n| below 1e-2 max(|a|, |n|, 1) (Caffe's GradientChecker, as in some of its tests)."""
    for name, g in grads.items():
        n, a = differences(f, at, name, _everywhere(g), 1e-2), g.ravel()
        if np.any(np.abs(a - n) > 1e-2 * np.maximum(np.maximum(np.abs(a), np.abs(n)), 1)):
            return False
    return True


def minitorch(f, grads, at, rng):
    """One random index of each tensor, h = 1e-6: rtol = atol = 1e-2 (minitorch's grad_check)."""
    for name, g in grads.items():
        place = tuple(rng.integers(0, n) for n in g.shape)
        if not np.allclose(g[place], differences(f, at, name, [place], 1e-6), rtol=1e-2, atol=1e-2):
            return False
    return True


def ours(f, grads, at, rng):
    """check_gradient: no step, no tolerance."""
    return bool(check_gradient(f, grads, at))


RULES = {"relative error < 1e-2 on ten indices": cs231n, "allclose, atol 1e-5, rtol 1e-3": pytorch,
         "absolute or relative error < 1e-4": theano, "1e-2 max(|g|, |n|, 1)": caffe,
         "one random index, rtol = atol = 1e-2": minitorch, "minivae.gradcheck": ours}


def wrong_gradients(mistake, seed, settings):
    """Return the gradients with a mistake planted, or None where it changes none or does not even fit the shapes."""
    _, right, _, _ = vae_case(seed, SCALE, BATCH, **SIZES, **settings)
    try:
        with planted(mistake):
            _, grads, _, _ = vae_case(seed, SCALE, BATCH, **SIZES, **settings)
    except ValueError:
        return None
    largest = max(np.abs(g).max() for g in right.values())
    changed = max(np.abs(grads[name] - g).max() for name, g in right.items()) > 1e-9 * largest
    return grads if changed else None


def cases():
    """Yield (mistake's name or None, f, grads, at): each mistake under the first settings that show it, and none."""
    for mistake in (m for m in MISTAKES if m.seen_by == "gradients"):
        settings = next((s for s in SETTINGS if wrong_gradients(mistake, 0, s)), None)
        for seed in range(SEEDS) if settings is not None else ():
            f, _, at, _ = vae_case(seed, SCALE, BATCH, **SIZES, **settings)
            grads = wrong_gradients(mistake, seed, settings)
            if grads:
                yield mistake.name, f, grads, at
    for seed in range(SEEDS):
        for settings in SETTINGS:
            f, grads, at, _ = vae_case(seed, SCALE, BATCH, **SIZES, **settings)
            yield None, f, grads, at


def main():
    passed = {rule: {} for rule in RULES}
    for number, (name, f, grads, at) in enumerate(cases()):
        for rule, accepts in RULES.items():
            passed[rule].setdefault(name, []).append(accepts(f, grads, at, np.random.default_rng(number)))
    write(passed)


def write(passed):
    """Write the table and, mistake by mistake, the numbers behind it."""
    mistakes = [name for name in next(iter(passed.values())) if name is not None]
    rows = []
    for rule, verdicts in passed.items():
        share = np.mean([np.mean(verdicts[name]) for name in mistakes])
        never = sum(all(verdicts[name]) for name in mistakes)
        alarms = 1 - np.mean(verdicts[None])
        rows.append(f"| {rule} | {100 * share:.0f} % | {never} | {100 * alarms:.0f} % |")
    runs = sum(len(next(iter(passed.values()))[name]) for name in mistakes)
    text = "\n".join([
        "# Planted bugs that pass", "",
        f"`python tests/benchmarks/gradcheck_rules.py`. {len(mistakes)} mistakes, {runs} runs; small VAEs (5-4-2, tanh "
        f"or relu, Bernoulli or Gaussian), the loss multiplied by {SCALE:g}.", "",
        "| rule | bugs let through | mistakes never caught | correct gradients not accepted |", "|---|---|---|---|",
        *rows, ""])
    (HERE / "results" / "gradcheck_rules.md").write_text(text, encoding="utf-8")
    lines = [",".join(["mistake", *(f'"{rule}"' for rule in passed)])]
    lines += [",".join([f'"{name}"', *(f"{np.mean(verdicts[name]):.2f}" for verdicts in passed.values())])
              for name in mistakes]
    (HERE / "results" / "gradcheck_rules.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
