"""A name is given only where it explains better than chance: what wrong numbers are called, and what they are not."""

import numpy as np
import pytest

import minivae as mv
from minivae.exercises.catalogue import mistakes_in, planted
from minivae.gradcheck import check_gradient, check_model, check_vjp, model
from minivae.gradcheck.diagnosis import diagnose
from minivae.gradcheck.record import OUTPUT, Comparison, Context, Number
from minivae.gradcheck.words import names_of

RNG = np.random.default_rng
X = RNG(0).standard_normal((4, 6))
W = RNG(1).standard_normal((6,))


def logarithm(x):
    return np.log1p(x**2).sum()


def slope(x):
    return 2 * x / (1 + x**2)


def wrong_at(array, index, value):
    array = np.array(array)
    array[index] = value
    return array


def named(f, gradient, at, **more):
    """The one diagnosis of a gradient that must fail."""
    report = check_gradient(f, gradient, at, **more)
    assert report.verdict == "fail" and len(report.diagnoses) == 1, str(report)
    return report.diagnoses[0]


SINGLE = X.astype(np.float32)
LARGE = RNG(2).standard_normal(5000)
CLIPPED = 1.2 * RNG(3).standard_normal(12)


@pytest.mark.parametrize("change", [0.0, 1.01, 2.0, -1.0, 1 + 1e-3, 1e3])
@pytest.mark.parametrize("at", [X, SINGLE], ids=["float64", "float32"])
def test_one_wrong_number_is_told_by_its_place(at, change):
    gradient = slope(at)
    found = named(logarithm, wrong_at(gradient, (1, 2), change * gradient[1, 2]), at)
    assert found.kind == "place" and found.text.endswith("at [1, 2] alone")   # never "half precision"


def test_a_number_of_a_clip_that_is_zeroed_is_not_cut_to_whole_numbers():
    gradient = (np.abs(CLIPPED) < 1).astype(float)
    index = int(np.flatnonzero(gradient)[0])
    found = named(lambda x: np.clip(x, -1, 1).sum(), wrong_at(gradient, index, 0.0), CLIPPED)
    assert found.text == f"zero at [{index}] alone"


@pytest.mark.parametrize("n", [5, 6, 9])
def test_one_sign_among_numbers_of_one_size_is_no_other_order(n):
    """Turned round, or shifted, a few signs fit by chance."""
    for seed in range(4):
        x = RNG(seed).standard_normal(n)
        for index in range(n):
            found = named(lambda x: np.abs(x).sum(), wrong_at(np.sign(x), index, -np.sign(x[index])), x)
            assert found.kind == "place" and f"[{index}]" in found.text, found
    x = np.array([1.0, -2.0, 0.5, 3.0, -0.7, 2.0])
    found = named(lambda x: np.abs(x).sum(), np.sign(x) * [1, -1, 1, -1, 1, 1], x)
    assert found.text == "wrong at 2 of 6 numbers ([1], [3]), right at the others"   # and have not changed places
    turned = named(logarithm, slope(X[0])[::-1], X[0])
    assert turned.text == "reversed along axis 0"


def test_an_upstream_gradient_that_is_turned_round_is_named():
    report = check_vjp(np.tanh, lambda dy, a: dy[::-1] * (1 - np.tanh(a) ** 2), RNG(1).standard_normal((5, 3)))
    assert report.diagnosis == ["x: the upstream gradient is reversed along axis 0"]


def seen(truth, claim, places):
    """What a check knows of a gradient at some of its places."""
    numbers = []
    for place in places:
        claimed, measured = claim.flat[place], truth.flat[place]
        state = "differ" if abs(claimed - measured) > 1e-6 else "agree"
        numbers.append(Number(place, claimed, measured, 1e-11, 1e-10, state, (measured, measured)))
    return Comparison.of("x", claim, np.ones(claim.shape), 2.0**-52, 1.0, numbers)


SQUARE = RNG(10).standard_normal((12, 12))
LINE = RNG(11).standard_normal(60)
ALIKE_IN_TWO_ORDERS = {
    "palindrome": LINE + LINE[::-1], "antipalindrome": LINE - LINE[::-1], "constant": np.full(60, 1.7),
    "two halves": np.tile(LINE[:30], 2), "two values": np.where(np.arange(60) < 30, 1.7, -0.4),
    "symmetric": SQUARE + SQUARE.T, "antisymmetric": SQUARE - SQUARE.T, "columns mirrored": SQUARE + SQUARE[:, ::-1],
    "rows mirrored": SQUARE + SQUARE[::-1], "rows alike": np.tile(SQUARE[0], (12, 1)),
    "nearly constant": 1.7 + 1e-3 * LINE}


@pytest.mark.parametrize("wrong", [1, 2, 3])
@pytest.mark.parametrize("name", ALIKE_IN_TWO_ORDERS)
def test_a_truth_that_is_alike_in_two_orders_is_no_evidence_of_either(name, wrong):
    """Of a sample: were all its numbers known, the wrong ones would not fit."""
    truth = ALIKE_IN_TWO_ORDERS[name]
    for seed in range(3):
        rng = RNG(seed)
        places = rng.permutation(truth.size)[:24]
        claim = truth.copy()
        claim.flat[places[:wrong]] += rng.standard_normal(wrong)
        [found] = diagnose([seen(truth, claim, np.sort(places))], Context())
        assert found.kind == "place", found


@pytest.mark.parametrize("words, arrange", [
    ("transposed", np.transpose), ("reversed along axis 0", lambda g: g[::-1]),
    ("shifted by 1", lambda g: np.roll(g, 1, axis=0)), ("the two halves of axis 1", lambda g: np.roll(g, 6, axis=1)),
    ("sign flipped", lambda g: -g.T), ("order of axes", lambda g: g.reshape(6, 24).ravel("F").reshape(6, 24))])
def test_another_order_is_named_from_a_sample(words, arrange):
    claim = arrange(SQUARE)
    truth = SQUARE.reshape(claim.shape)
    [found] = diagnose([seen(truth, claim, np.sort(RNG(12).permutation(144)[:24]))], Context())
    assert words in found.text, found


@pytest.mark.parametrize("n, named", [(4, False), (24, True)])
def test_one_wrong_sign_is_an_absolute_value_only_where_chance_would_not_choose_the_place(n, named):
    """Of four numbers the negative one is hit by chance, one time in four."""
    dy = np.abs(LINE[:n])
    dy[1] *= -1
    context = Context({}, {OUTPUT: dy}, dy, rows=lambda name, indices: (
        np.eye(n)[[i for i, in indices]], np.zeros((len(indices), n))))
    [found] = diagnose([seen(dy, np.abs(dy), range(n))], context)
    assert (found.kind == "upstream") == named and ("absolute" in found.text or "[1] alone" in found.text)


def test_what_was_looked_at_is_said_of_a_sample():
    def wrong(chosen):
        gradient = slope(LARGE)
        gradient[chosen] *= 1.5
        return named(logarithm, gradient, LARGE).text

    assert "other numbers that were looked at, of 5,000" in wrong(slice(4000, 4003))
    scattered = wrong(RNG(4).choice(5000, 400, replace=False))
    assert "numbers that were looked at, of 5,000" in scattered and scattered.endswith("right at the others")
    assert wrong(slice(3000, None)).startswith("wrong from index 3") and "as far as the" in wrong(slice(3000, None))


@pytest.mark.parametrize("factor, words", [
    (1.2345, "one number alone"), (-0.7, "one number alone"), (2.0, "factor 2.000 = 2"), (-1.0, "sign flipped")])
def test_one_scalar_alone_has_no_constant_factor_unless_the_factor_has_a_name(factor, words):
    found = named(np.exp, factor * np.exp(0.7), 0.7)
    assert words in found.text and found.known == ("factor" in words or "sign" in words)


def test_a_sign_that_is_flipped_wherever_there_is_one_is_named():
    """Zeros are right with either sign: they do not say that the others are wrong at some places alone."""
    for x in (X, X[0], SINGLE):
        found = named(lambda x: (np.maximum(x, 0) ** 2).sum(), -2 * np.maximum(x, 0), x)
        assert "sign flipped" in found.text, found


def test_a_wrong_scalar_says_nothing_about_another_tensor():
    at = {"w": W, "b": np.array(0.3)}
    report = check_gradient(lambda at: logarithm(at["w"]) + np.exp(at["b"]), {"w": 2 * slope(W), "b": 1.2345}, at)
    assert [(one.kind, one.tensors) for one in report.diagnoses] == [("factor", ("w",)), ("unknown", ("b",))]
    assert "because of the above" not in str(report)


@pytest.mark.parametrize("share", [1e-8, -1e-6])
def test_a_factor_that_is_nearly_one_is_told_by_its_distance_from_it(share):
    found = named(logarithm, (1 + share) * slope(X), X)
    assert f"{abs(share):.0e}" in found.text and "1.000" not in found.text and not found.factor.names


def test_a_quotient_is_told_by_what_was_divided_by():
    found = named(lambda w: logarithm(w), 0.8 * slope(W), W, sizes={"B": 5, "D": 4})
    assert found.factor.names == ("D/B", "(B - 1)/B") and "divided by 5 in place of 4" in found.text
    assert "divided by 7 in place of 6" in named(logarithm, 6 / 7 * slope(W), W, sizes={"B": 7}).text


def test_names_that_chance_would_give_are_not_given():
    sizes = {"B": 6, "D": 11, "K": 3, "H": 17}
    assert names_of(1 / 3, 1e-9, sizes) == ("1/K",) and names_of(1.0, 1e-9, {"B": 2}) == ()
    values = RNG(5).uniform(0.1, 10, 300)
    assert np.mean([bool(names_of(value, 1e-3 * value, sizes)) for value in values]) < 0.1


@pytest.mark.parametrize("spoil, kind", [
    (lambda g: g.astype(np.float16).astype(float), "digits"), (lambda g: np.abs(g), "cut"),
    (lambda g: np.maximum(g, 0), "cut"),
    (lambda g: g[::-1], "arranged"), (lambda g: g + 0.37, "added"), (lambda g: g + 0.01 * X, "added"),
    (lambda g: g * X, "array"),
    (lambda g: np.broadcast_to(g.mean(axis=0), g.shape), "spread"), (lambda g: 0 * g, "zero"),
    (lambda g: 1.37 * g, "factor"),
    (lambda g: RNG(6).permutation(g.ravel()).reshape(g.shape), "arranged"), (lambda g: np.clip(g, -0.5, 0.5), "cut"),
    (lambda g: g + RNG(7).standard_normal(g.shape), "unknown"), (lambda g: g * (np.arange(6) != 2), "place")])
def test_each_kind_is_known(spoil, kind):
    report = check_gradient(lambda at: logarithm(at["x"]), {"x": spoil(slope(X))}, {"x": X})
    assert [one.kind
            for one in report.diagnoses] == [kind] or kind == "array" and report.diagnoses[0].known, str(report)


@pytest.mark.parametrize("slope, words", [
    (lambda x, y: 1 - y, "1 - the forward's output"), (lambda x, y: y, "the forward's output"),
    (lambda x, y: 1 + x**2, "1 + x squared"), (lambda x, y: -x, "minus x"),
    (lambda x, y: 3 - 0.5 * x, "3 - 0.5 times x")])
def test_another_slope_is_told_as_a_formula(slope, words):
    [found] = check_vjp(np.tanh, lambda dy, x: dy * slope(x, np.tanh(x)), X).diagnoses
    assert found.text == f"the upstream gradient was multiplied by {words}, which is not the slope of the forward"
    assert found.kind == "formula" and found.factor is None


LABELS = np.array([2, 0, 5, 1])


def cross_entropy(logits):
    return np.log(np.exp(logits).sum(axis=1)) - logits[range(4), LABELS]


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_targets_that_were_not_subtracted_are_named():
    words = "were the targets (one-hot) not subtracted there?"
    assert words in named(lambda x: cross_entropy(x).mean(), softmax(X) / 4, X).text
    assert words in check_vjp(cross_entropy, lambda dy, x: dy[:, None] * softmax(x), X).diagnosis[0]
    one_in_each_row = slope(X)   # by amounts that differ
    one_in_each_row[range(4), LABELS] += [1.0, 0.7, 1.3, -2.0]
    assert words not in named(logarithm, one_in_each_row, X).text
    assert named(logarithm, slope(X) + (np.arange(6) == 2), X).text == "wrong at index 2 of axis 1 alone"


class Caching:
    """A layer as many are written: its forward keeps the input, its backward takes the upstream gradient alone."""

    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        return dy * (1 - self.y**2)


class First(Caching):
    """Keeps the first input ever after."""

    def forward(self, x):
        self.y = getattr(self, "y", np.tanh(x))
        return np.tanh(x)


def test_a_layer_that_caches_is_told_how_to_be_checked():
    layer = Caching()
    report = check_vjp(layer.forward, lambda dy, x: layer.backward(dy), X)
    assert "stale cache" in report.diagnosis[0] and "(layer.forward(x), layer.backward(dy))[1]" in report.diagnosis[0]
    layer = Caching()
    assert "takes the upstream gradient alone" in check_vjp(layer.forward, layer.backward, X).diagnosis[0]
    assert check_vjp(layer.forward, lambda dy, x: (layer.forward(x), layer.backward(dy))[1], X).verdict == "pass"


def test_a_stale_cache_is_said_on_proof_alone():
    first = First()
    assert "stale cache" in check_vjp(first.forward, lambda dy, x: first.backward(dy), X).diagnosis[0]
    for seed in range(6):   # right for small numbers, and so for the batch that comes first; but pure
        for x in (6 * RNG(seed).standard_normal((3, 4)), np.abs(6 * RNG(seed).standard_normal((3, 4)))):
            for backward in (lambda dy, x: dy * (x > 0), lambda dy, x: dy.copy()):
                assert "stale" not in str(check_vjp(lambda x: np.clip(x, 0, 6), backward, x))
    noise = RNG(8)
    for _ in range(10):
        report = check_vjp(np.tanh, lambda dy, x: dy / np.cosh(x) ** 2 * (1 + 1e-13 * noise.standard_normal(x.shape)),
                           X)
        assert report.verdict == "pass", str(report)


@pytest.mark.parametrize("right, spoiled", [("np.matmul(x.T, dy", "np.matmul(x[:3].T, dy[:3]"),
                                            ("np.sum(dy, axis=0", "np.sum(dy[:3], axis=0")])
def test_a_sum_over_some_of_the_examples_alone_fails(monkeypatch, right, spoiled):
    monkeypatch.setattr(model, "NUMBERS", 3 * 7)   # three examples are looked at number by number
    small, rng = mv.VAE(data_dim=7, hidden=(), latent_dim=2, dtype="float64"), RNG(9)
    x, eps = rng.random((12, 7)), rng.standard_normal((12, 2))
    report = check_model(small, x, eps)
    assert report.verdict == "pass" and "3 of the 12 examples" in report.notes[-1]
    with planted(mistakes_in("kernels:dense_backward", ("", right, spoiled))[0]):
        report = check_model(small, x, eps)
    assert report.verdict == "fail" and report.first_wrong.startswith("decoder.0"), str(report)
    assert any(one.kind == "examples"
               for one in report.diagnoses) and len(set(report.diagnosis)) == len(report.diagnosis)
