"""The figures show what they were given, describe it in words, and need no pyplot."""

import os
import re
import subprocess
import sys
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

import minivae as mv
from minivae import plots
from minivae.evaluation import BoundCurve
from minivae.plots.mosaic import with_minus_signs
from strategies import in_turn

TRAINING, HELD_OUT = "training (mean during the epoch)", "held-out (after the epoch)"


def make_history(epochs, held_out=True):
    rng = np.random.default_rng(0)
    names = ["elbo", "log_likelihood", "kl"]
    names += [f"held_out_{name}" for name in names] if held_out else []
    return [{"epoch": epoch, **{name: float(rng.normal()) for name in names}} for epoch in range(1, epochs + 1)]


def make_decode(latent_dim, pixels):
    """A decoder that records what it was asked to decode."""
    def decode(z):
        assert z.ndim == 2 and z.shape[1] == latent_dim
        decode.z = z
        return np.broadcast_to((1 + np.tanh(z.sum(axis=1, keepdims=True))) / 2, (len(z), pixels))
    return decode


def cells(figure, image_shape):
    """The pictures of a mosaic, in reading order, cut out of it again."""
    canvas = np.asarray(figure.axes[0].images[0].get_array())
    rows, columns = image_shape
    return np.array([canvas[top:top + rows, left:left + columns]
                     for top in range(1, canvas.shape[0], rows + 1) for left in range(1, canvas.shape[1], columns + 1)])


def tick_labels(axis):
    return [label.get_text().replace("\u2212", "-") for label in axis.get_ticklabels()]


def assert_whole(figure):
    """All that is drawn lies inside the figure, no word of it is tiny, and there is a description."""
    assert isinstance(figure, Figure) and figure.get_size_inches()[0] == 8
    assert len(figure.alt) > 20 and figure.alt.endswith(".")
    figure.draw_without_rendering()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert drawn.x0 > -0.01 and drawn.y0 > -0.01 and drawn.x1 < width + 0.01 and drawn.y1 < height + 0.01
    for axes in figure.axes:
        for text in (axes.title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels()):
            assert text.get_fontsize() >= 9


# ---------------------------------------------------------------- rows of images

def test_image_rows_label_what_they_show():
    rng = np.random.default_rng(0)
    rows = {"original": rng.random((5, 12)), "copy": rng.random((5, 12))}
    figure = plots.image_rows(rows, (3, 4), title="Two rows")
    assert_whole(figure)
    assert np.array_equal(cells(figure, (3, 4)).reshape(10, 12), np.concatenate(list(rows.values())))
    assert tick_labels(figure.axes[0].yaxis) == list(rows) and "original, copy" in figure.alt
    with pytest.raises(ValueError, match=r"the same number of images; got \{'a': 2, 'b': 1\}"):
        plots.image_rows({"a": np.zeros((2, 12)), "b": np.zeros((1, 12))}, (3, 4))
    with pytest.raises(ValueError, match=r"rows\['a'\] must have shape"):
        plots.image_rows({"a": np.zeros((2, 11))}, (3, 4))


# ---------------------------------------------------------------- learning curves

@pytest.mark.parametrize("epochs, held_out", in_turn([1, 2, 10, 200], [True, False]))
def test_learning_curves_plot_the_history(epochs, held_out):
    history = make_history(epochs, held_out)
    figure = plots.learning_curves(history)
    assert_whole(figure)
    assert len(figure.axes) == 3
    for axes, name, word in zip(figure.axes, ["elbo", "log_likelihood", "kl"], ["ELBO", "Log-likelihood", "KL"]):
        assert word in axes.get_title() and axes.get_xlabel() == "epoch" and axes.get_ylabel() == "nats"
        lines = {line.get_label(): line for line in axes.lines}
        assert list(lines) == ([TRAINING, HELD_OUT] if held_out else [TRAINING])
        for label, key in ((TRAINING, name), (HELD_OUT, f"held_out_{name}")):
            if label in lines:
                np.testing.assert_array_equal(lines[label].get_xdata(), range(1, epochs + 1))
                np.testing.assert_array_equal(lines[label].get_ydata(), [row[key] for row in history])
                assert epochs > 1 or lines[label].get_markersize() > 0  # a single epoch is a dot, not nothing
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(lines)


def test_learning_curves_show_the_epochs_that_were_held_out():
    history = make_history(4)
    history[1]["held_out_elbo"] = None
    del history[2]["held_out_elbo"]
    line = plots.learning_curves(history).axes[0].lines[1]
    np.testing.assert_array_equal(line.get_xdata(), [1, 4])


@pytest.mark.parametrize("epochs", [1, 3, 50])
def test_epochs_are_whole_numbers(epochs):
    figure = plots.learning_curves(make_history(epochs))
    figure.draw_without_rendering()
    assert all(re.fullmatch(r"-?\d+", label) for label in tick_labels(figure.axes[0].xaxis))


def test_learning_curves_refuse():
    with pytest.raises(ValueError, match="history must hold at least one epoch; got none"):
        plots.learning_curves([])
    with pytest.raises(ValueError, match="history must hold log_likelihood, kl for every epoch; got only epoch, elbo"):
        plots.learning_curves([{"epoch": 1, "elbo": -100.0}])


# ---------------------------------------------------------------- pictures

@settings(deadline=None, max_examples=20)
@given(n=st.integers(1, 40), rows=st.integers(1, 30), columns=st.integers(1, 30), seed=st.integers(0, 99))
def test_image_grid_holds_every_image_in_order(n, rows, columns, seed):
    images = np.random.default_rng(seed).random((n, rows * columns))
    figure = plots.image_grid(images, (rows, columns), title="Prior draws")
    assert_whole(figure)
    assert figure.axes[0].get_title() == "Prior draws"
    np.testing.assert_array_equal(cells(figure, (rows, columns))[:n], images.reshape(n, rows, columns))


def test_image_grid_of_sixty_four_is_eight_by_eight():
    figure = plots.image_grid(np.zeros((64, 784), "float32"), (28, 28))
    assert np.asarray(figure.axes[0].images[0].get_array()).shape == (8 * 29 + 1, 8 * 29 + 1)
    assert figure.axes[0].get_title() == "Samples" and "64 images" in figure.alt


def test_pictures_are_grey_from_black_0_to_white_1():
    image = plots.image_grid(np.full((1, 4), 0.3), (2, 2)).axes[0].images[0]
    assert image.get_clim() == (0, 1)
    assert image.to_rgba(np.array([[0.0, 1.0]])).tolist() == [[[0, 0, 0, 1], [1, 1, 1, 1]]]


def test_means_outside_the_unit_interval_are_clipped():
    figure = plots.image_grid(np.array([[-0.5, 0.25, 1.5, 1.0]]), (2, 2))
    np.testing.assert_array_equal(cells(figure, (2, 2))[0], [[0, 0.25], [1, 1]])


@pytest.mark.parametrize("n, shown", [(1, 1), (4, 4), (25, 10)])
def test_reconstructions_stand_under_their_originals(n, shown):
    rng = np.random.default_rng(0)
    x, reconstructed = rng.random((n, 20)) < 0.5, rng.random((n, 20))
    figure = plots.reconstructions(x, reconstructed, (4, 5))
    assert_whole(figure)
    pictures = cells(figure, (4, 5)).reshape(2, shown, 20)
    np.testing.assert_array_equal(pictures[0], x[:shown])
    np.testing.assert_array_equal(pictures[1], reconstructed[:shown])
    assert "means" in figure.axes[0].get_title()
    assert tick_labels(figure.axes[0].yaxis) == ["original", "reconstruction"]


IMAGES = np.zeros((3, 20))

REFUSED = {
    "pixels": (IMAGES, (5, 5), r"images must have shape \(n, 25\) for images of 5 x 5; got \(3, 20\)"),
    "none": (IMAGES[:0], (4, 5), r"images must have shape \(n, 20\) .* got \(0, 20\)"),
    "one axis": (IMAGES[0], (4, 5), "images must have shape"),
    "bytes": (IMAGES.astype(np.uint8), (4, 5), r"images must be floats in \[0, 1\]; got dtype uint8. Divide by 255\?"),
    "nan": (IMAGES * np.nan, (4, 5), "images must be finite"),
    "shape of one": (IMAGES, 20, "image_shape must be rows and columns"),
    "shape of three": (IMAGES, (4, 5, 1), "image_shape must be rows and columns"),
    "negative": (IMAGES, (-4, -5), "image_shape must be rows and columns"),
    "fractions": (IMAGES, (2.5, 8), "image_shape must be rows and columns"),
}


@pytest.mark.parametrize("images, image_shape, message", REFUSED.values(), ids=REFUSED)
def test_image_grid_refuses(images, image_shape, message):
    with pytest.raises(ValueError, match=message):
        plots.image_grid(images, image_shape)


def test_reconstructions_refuse_another_number_of_images():
    with pytest.raises(ValueError, match="reconstructed must hold one image for each in x; got 2 for 3"):
        plots.reconstructions(IMAGES, IMAGES[:2], (4, 5))
    with pytest.raises(ValueError, match="reconstructed must have shape"):
        plots.reconstructions(IMAGES, IMAGES[:, :5], (4, 5))


# ---------------------------------------------------------------- the latent space

@pytest.mark.parametrize("side", [1, 2, 5, 20])
def test_latent_plane_decodes_the_prior_quantiles(side):
    decode = make_decode(2, 12)
    figure = plots.latent_plane(decode, (3, 4), side=side)
    assert_whole(figure)
    z = decode.z.reshape(side, side, 2)
    quantiles = [NormalDist().inv_cdf((i + 0.5) / side) for i in range(side)]
    np.testing.assert_allclose(z[:, :, 0], np.tile(quantiles, (side, 1)))           # z[0] grows to the right
    np.testing.assert_allclose(z[:, :, 1], np.tile(quantiles[::-1], (side, 1)).T)   # z2 grows upwards
    np.testing.assert_allclose(cells(figure, (3, 4)).reshape(side**2, 12), decode(decode.z))
    axes = figure.axes[0]
    assert axes.get_xlabel().startswith("z[0]") and axes.get_ylabel().startswith("z[1]")
    across, up = tick_labels(axes.xaxis), tick_labels(axes.yaxis)
    assert across == up[::-1]
    assert float(across[0]) == pytest.approx(quantiles[0], abs=0.006)
    assert [float(label) for label in across] == [-float(label) for label in across[::-1]]  # symmetric


@pytest.mark.parametrize("image_shape", [(1, 50), (50, 1), (28, 28)])
def test_pictures_of_any_shape_leave_room_for_the_words(image_shape):
    pixels = image_shape[0] * image_shape[1]
    mu, x = np.random.default_rng(0).normal(size=(6, 2)), np.zeros((6, pixels))
    assert_whole(plots.latent_plane(make_decode(2, pixels), image_shape))
    assert_whole(plots.traversals(make_decode(2, pixels), mu, image_shape))
    assert_whole(plots.reconstructions(x, x, image_shape))


def test_latent_line_for_a_single_latent():
    decode = make_decode(1, 12)
    figure = plots.latent_plane(decode, (3, 4), latent_dim=1)
    assert_whole(figure)
    assert decode.z.shape == (20, 1) and (np.diff(decode.z[:, 0]) > 0).all()
    assert "line" in figure.axes[0].get_title() and figure.axes[0].get_ylabel() == ""


def test_latent_plane_refuses():
    with pytest.raises(ValueError, match="latent_dim must be 1 or 2 for a plane; got 20. Draw traversals"):
        plots.latent_plane(make_decode(20, 12), (3, 4), latent_dim=20)
    with pytest.raises(ValueError, match="side must be a positive int; got 0"):
        plots.latent_plane(make_decode(2, 12), (3, 4), side=0)
    with pytest.raises(ValueError, match=r"decode\(z\) must have shape \(n, 16\)"):
        plots.latent_plane(make_decode(2, 12), (4, 4))


@pytest.mark.parametrize("n_labels", [1, 2, 10, 26])
def test_latent_scatter_plots_every_point_under_its_label(n_labels):
    rng = np.random.default_rng(0)
    mu, labels = rng.normal(size=(300, 2)).astype("float32"), rng.integers(0, n_labels, 300).astype("uint8")
    figure = plots.latent_scatter(mu, labels)
    assert_whole(figure)
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("z[0]", "z[1]") and "q(z|x)" in axes.get_title()
    for collection, kind in zip(axes.collections, np.unique(labels), strict=True):
        assert collection.get_label() == str(kind)
        np.testing.assert_allclose(collection.get_offsets(), mu[labels == kind])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [str(kind) for kind in np.unique(labels)]


def test_ten_labels_have_ten_colours_and_ten_markers():
    figure = plots.latent_scatter(np.zeros((10, 2)), np.arange(10))
    looks = [(tuple(c.get_facecolor()[0][:3]), c.get_paths()[0].vertices.tobytes()) for c in figure.axes[0].collections]
    assert len({colour for colour, _ in looks}) == len({marker for _, marker in looks}) == 10


def test_latent_scatter_of_one_latent_gives_each_label_a_row():
    mu, labels = np.linspace(-2, 2, 60)[:, None], np.repeat([3, 5, 7], 20)
    figure = plots.latent_scatter(mu, labels)
    assert_whole(figure)
    axes = figure.axes[0]
    assert axes.get_ylabel() == "label" and tick_labels(axes.yaxis) == ["3", "5", "7"]
    for row, collection in enumerate(axes.collections):
        points = np.asarray(collection.get_offsets())
        np.testing.assert_allclose(points[:, 0], mu[20 * row:20 * row + 20, 0])
        assert (np.abs(points[:, 1] - row) < 0.5).all()


def test_latent_scatter_refuses():
    labels = np.zeros(4, int)
    with pytest.raises(ValueError, match="mu must have 1 or 2 latents for a scatter; got 3"):
        plots.latent_scatter(np.zeros((4, 3)), labels)
    with pytest.raises(ValueError, match=r"labels must have shape \(4,\), one for each row of mu; got \(3,\)"):
        plots.latent_scatter(np.zeros((4, 2)), labels[:3])
    for wrong in (np.zeros((0, 2)), np.zeros(4), np.zeros((4, 2), int)):
        with pytest.raises(ValueError, match="mu must be floats of shape"):
            plots.latent_scatter(wrong, labels)
    with pytest.raises(ValueError, match="mu must be finite"):
        plots.latent_scatter(np.full((4, 2), np.inf), labels)


@pytest.mark.parametrize("latent_dim", [1, 2, 3, 20])
def test_traversals_move_one_latent_a_row_the_most_active_first(latent_dim):
    rng = np.random.default_rng(0)
    mu = rng.normal(size=(50, latent_dim)) * rng.permutation(np.arange(1, latent_dim + 1))
    decode = make_decode(latent_dim, 12)
    figure = plots.traversals(decode, mu, (3, 4))
    assert_whole(figure)
    shown = min(latent_dim, 10)
    active = np.argsort(-mu.var(axis=0))[:shown]
    z = decode.z.reshape(shown, 13, latent_dim)
    for row, latent in enumerate(active):
        np.testing.assert_allclose(z[row, :, latent], np.linspace(-3, 3, 13))
        others = np.arange(latent_dim) != latent
        np.testing.assert_array_equal(z[row][:, others], np.tile(mu[0, others], (13, 1)))
    axes = figure.axes[0]
    assert tick_labels(axes.yaxis) == [f"z[{latent}] ({mu[:, latent].var():.2f})" for latent in active]
    assert tick_labels(axes.xaxis) == ["-3", "-2", "-1", "0", "1", "2", "3"]
    np.testing.assert_allclose(cells(figure, (3, 4)).reshape(-1, 12), decode(decode.z))


# ---------------------------------------------------------------- files and the machine

def test_save_writes_a_png_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "curves.png"
    path.write_bytes(b"old")
    plots.save(plots.learning_curves(make_history(2)), path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert os.listdir(tmp_path) == ["curves.png"]


def test_a_failed_save_keeps_the_old_picture(tmp_path):
    class Broken(Figure):
        def savefig(self, file, **options):
            file.write(b"half")
            raise RuntimeError

    path = tmp_path / "curves.png"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError):
        plots.save(Broken(), path)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["curves.png"]


@pytest.mark.parametrize("backend", [pytest.param(None, marks=pytest.mark.thorough), "a backend that is not installed",
                                     pytest.param("module://nowhere.to_be_found", marks=pytest.mark.thorough), "tkagg"])
def test_no_pyplot_and_no_display_and_no_backend(tmp_path, backend):
    """MPLBACKEND is what a process started from a notebook inherits."""
    code = """
import os, sys, numpy as np
before = os.environ.get("MPLBACKEND")
import minivae as mv
from minivae import plots
assert os.environ.get("MPLBACKEND") == before
if before == "tkagg":
    import matplotlib
    assert matplotlib.rcParams["backend"].lower() == before  # for pyplot it stays what was asked for
plots.save(plots.image_grid(np.zeros((4, 6)), (2, 3)), sys.argv[1])
plots.save(plots.learning_curves([{"epoch": 1, "elbo": -3.0, "log_likelihood": -2.0, "kl": 1.0}]), sys.argv[1])
assert "matplotlib.pyplot" not in sys.modules
"""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "MPLBACKEND")}
    environment |= {"MPLBACKEND": backend} if backend else {}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.png")], check=True, env=environment)


def test_step_error_draws_what_was_measured():
    def f(at):
        return float(np.exp(at["x"][0]) * np.sin(at["x"]).sum())

    at = {"x": np.array([0.7, 1.2])}
    exact = np.exp(0.7) * (np.sin(0.7) + np.sin(1.2) + np.cos(0.7))
    figure = plots.plot_step_error(f, at, index=(0,), exact=exact)
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    steps, errors = lines["central difference"].get_data()
    for h, error in zip(steps, errors):
        up, down = (f({"x": at["x"] + [sign * h, 0]}) for sign in (1, -1))
        # as measured again: equal but for the rounding of the two values
        np.testing.assert_allclose(error, abs((up - down) / (2 * h) - exact), rtol=1e-6, atol=2e-15 / h)
    h, truncation = lines["truncation, slope 2"].get_data()
    np.testing.assert_allclose(np.diff(np.log(truncation)) / np.diff(np.log(h)), 2)
    h, rounding = lines["rounding, slope −1"].get_data()
    np.testing.assert_allclose(np.diff(np.log(rounding)) / np.diff(np.log(h)), -1)
    assert axes.get_xscale() == axes.get_yscale() == "log" and "±" in axes.get_title() and figure.alt
    _, true_error = lines["extrapolated: its true error"].get_data()
    _, estimated = lines["extrapolated: its estimated error"].get_data()
    assert axes.get_ylim()[0] < true_error[0] < min(errors[errors > 0].min(), estimated[0])
    assert figure.legends == [] and axes.get_legend() is None and len(axes.texts) == 5  # each line is named
    assert "true error" not in plots.plot_step_error(f, at, index=(0,)).alt


@pytest.mark.parametrize("of", [dict(hidden=(3, 2), likelihood="gaussian"), dict(hidden=())])
def test_a_computation_graph_shows_every_symbol_with_its_numbers_and_equations(of):
    model, rng = mv.VAE(3, latent_dim=2, **of), np.random.default_rng(0)
    trace = model.forward(rng.random((4, 3)), rng.standard_normal((4, 2)))
    d, _ = model.backward(trace)
    (axes,) = plots.computation_graph(d, example=2).axes
    texts = [text.get_text() for text in axes.texts]
    for symbol in set(trace) - {"elbo"}:
        assert symbol in texts
    for sign, z in (("=", trace.z), ("∂", d.z)):
        assert f"{sign} {z[2, 0]:.3f} {z[2, 1]:.3f}" in texts
    for number in ("4.5", "7.4", "7.1", "7.2", "7.3"):
        assert number in texts
    arrows = sum(getattr(text, "arrow_patch", None) is not None for text in axes.texts)
    assert arrows == len(trace) - 1 + 3  # elbo has none; x, mu, log_var and the head's input lead to two symbols each


def test_a_computation_graph_wants_a_plain_vaes_gradients():
    model = mv.ConditionalVAE(3, (2,), 1, classes=2)
    trace = model.forward(np.eye(2, 5, 3), np.zeros((2, 1)))
    for wrong in (trace, model.backward(trace)[0], None):
        with pytest.raises(ValueError, match="d must be the trace of gradients"):
            plots.computation_graph(wrong)
    toy, x, eps = mv.toy()
    with pytest.raises(ValueError, match="example must be at least 0 and less than 3"):
        plots.computation_graph(toy.backward(toy.forward(x, eps))[0], example=3)


def test_bound_curves_draw_every_point_with_its_error():
    samples, bound = [1, 2, 5, 1000], [-90.5, -89.0, -88.25, -87.5]
    curves = {"one model": BoundCurve(samples, bound, [0.5, 0.25, None, 0.1]),
              "another": BoundCurve(np.array([1, 10]), np.array([-95.0, -93.0]), np.array([np.nan, 0.1]))}
    figure = plots.bound_curves(curves)
    assert_whole(figure)
    (axes,) = figure.axes
    assert axes.get_xscale() == "log" and tick_labels(axes.xaxis) == ["1", "2", "5", "10", "1,000"]
    line, caps, (bars,) = axes.containers[0]
    np.testing.assert_array_equal(line.get_data(), [samples, bound])
    np.testing.assert_allclose([np.ptp(segment[:, 1]) for segment in bars.get_segments()], [2, 1, 0, 0.4])
    assert "one model goes from -90.5 nats at 1 to -87.5 at 1,000; another goes" in figure.alt
    for wrong in ({}, {str(n): curves["another"] for n in range(6)}):
        with pytest.raises(ValueError, match="between 1 and 5 curves"):
            plots.bound_curves(wrong)


def test_a_minus_sign_stands_before_a_number_and_a_hyphen_between_words():
    shown = with_minus_signs("held-out ELBO -98.6 to -.5, 3-4, 1e-05")
    assert shown == "held-out ELBO \u221298.6 to \u2212.5, 3-4, 1e\u221205"
