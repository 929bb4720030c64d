"""Figures are shown with alt text; the source code that is shown is the package's own."""

import inspect
import pathlib

import IPython
import pytest

import minivae as mv
from minivae.derivation import EQUATIONS, find_function
from minivae.kernels import plain

ROOT = pathlib.Path(mv.__file__).parents[1]


@pytest.fixture
def shown(monkeypatch):
    """Show a figure as in a notebook, and return what is displayed: (data, metadata)."""
    def shown(figure, **arguments):
        outputs = []
        with monkeypatch.context() as patch:
            patch.setattr(IPython, "get_ipython", object)
            patch.setattr("IPython.display.display", lambda data, raw, metadata: outputs.append((data, metadata)))
            mv.show(figure, **arguments)
        (output,) = outputs
        return output
    return shown


def test_a_figure_is_shown_with_alt_text_and_the_same_bytes(shown):
    figure, axes = mv.plots.figure(height=2)
    axes.plot([1, 2])
    data, metadata = shown(figure, alt="A line\n  that rises.")
    assert metadata["image/png"]["alt"] == data["text/plain"] == "A line that rises."
    assert data["image/png"].startswith(b"\x89PNG") and metadata["image/png"]["width"] == 760
    assert shown(figure, alt="x")[0]["image/png"] == data["image/png"]
    figure.alt = "What the figure says itself."
    assert shown(figure)[0]["text/plain"] == figure.alt


def test_outside_a_notebook_the_words_stand_for_the_picture(capsys):
    mv.show(mv.plots.figure()[0], alt="A line that rises.")
    assert capsys.readouterr().out == "A line that rises.\n"


def test_a_figure_without_words_is_an_error():
    with pytest.raises(ValueError, match="alt is missing"):
        mv.show(mv.plots.figure()[0])


def test_the_look_stays_with_its_figure():
    import matplotlib
    before = dict(matplotlib.rcParams)
    figure, axes = mv.plots.figure(2, 3, height=4, sharex=True)
    assert dict(matplotlib.rcParams) == before
    assert axes.shape == (2, 3) and tuple(figure.get_size_inches()) == (8, 4)
    assert axes[0, 0].plot([1, 2])[0].get_color() == mv.plots.BLUE
    assert list(mv.plots.figure(mosaic="ab;cc")[1]) == ["a", "b", "c"]


@pytest.mark.parametrize("function", sorted({f for e in EQUATIONS for f in (e.computed_by, e.differentiated_by) if f}))
def test_shown_source_stands_in_the_file_where_it_says(function):
    source = mv.show_source(function, docstring=True)
    lines = (ROOT / source.file).read_text(encoding="utf-8").splitlines()
    own = source.code.splitlines()
    there = lines[source.line - 1:source.line - 1 + len(own)]
    assert [line.strip() for line in there] == [line.strip() for line in own]
    assert find_function(function).__doc__.split("\n")[0] in source.code
    bare = mv.show_source(function, tuned=True)
    assert "check_shapes" not in bare.code
    assert '"""' not in bare.code and set(bare.code.splitlines()) < set(own)


def test_lines_are_chosen_by_what_they_say():
    source = mv.show_source("kernels:dense_backward", "dW =", "db =")
    assert [line.split(" = ")[0] for line in source.code.splitlines()] == ["    dW", "    db"]
    assert (ROOT / source.file).read_text(encoding="utf-8").splitlines()[source.line - 1] == source.code.splitlines()[0]
    assert [entry.number for entry in source.equations] == ["5.4", "5.5", "5.6"]
    assert "equations 5.4, 5.5, 5.6" in source._repr_markdown_() and "```python\n    dW = " in source._repr_markdown_()
    chain = mv.show_source("model.vae:VAE.forward", "t.elbo =", "t.loss =")
    assert [entry.number for entry in chain.equations] == ["2.9", "2.10",
                                                           "2.11"]   # those whose symbols these lines assign
    assert mv.show_source("kernels:tanh", "np.tanh").code == "    return np.tanh(a, out=out)"
    assert repr(source) == f"{source.file}:{source.line}  dense_backward\n{source.code}"
    with pytest.raises(ValueError, match="no line of kernels:tanh contains 'sinh'"):
        mv.show_source("kernels:tanh", "sinh")


@pytest.mark.parametrize("kernel", [name for name in vars(plain) if inspect.isfunction(vars(plain)[name])])
def test_a_kernel_is_shown_in_its_plain_form_first(kernel):
    source = mv.show_source(f"kernels:{kernel}")
    lines = (ROOT / source.file).read_text(encoding="utf-8").splitlines()
    own = source.code.splitlines()
    assert source.file == "minivae/kernels/plain.py" and lines[source.line - 1:source.line - 1 + len(own)] == own
    tuned = mv.show_source(f"kernels:{kernel}", tuned=True)
    assert source.equations == tuned.equations and source.tuned.code in tuned.code
    assert f"(tuned: {tuned.file}:" in repr(source) and "<details><summary>as it runs" in source._repr_markdown_()
    assert tuned.tuned is None and "<details>" not in tuned._repr_markdown_()


def test_excerpts_keep_their_indentation():
    source = mv.show_source("model.mlp:MLP.forward", "for layer", "h = trace")
    assert [len(line) - len(line.lstrip()) for line in source.code.splitlines()] == [4, 8, 8, 8]


@pytest.mark.parametrize("function, message", [
    ("kernels:nope", "got 'kernels:nope'"), ("kernels:tahn", r"Did you mean kernels:tanh.*\?"),
    ("kernels", "got 'kernels'"), ("", "got ''"),
    ("nowhere:dense", "there is no module minivae.nowhere"), ("kernels:PAIRS", "got 'kernels:PAIRS'"),
    (None, "got None"),
    ("model.vae:VAE.fowrard", "got 'model.vae:VAE.fowrard'"), ("kernels:dense:x", "got"), ("kernels:", "got"),
    (":dense", "got"),
])
def test_a_function_that_is_not_there(function, message):
    for call in (mv.show_source, find_function):
        with pytest.raises(ValueError, match=f'function must be "module:name" within minivae.*{message}'):
            call(function)


@pytest.mark.parametrize("number, message", [
    ("3.99", "no equation '3.99': notebook 3 has 3.1 to 3."), ("99.1", "notebooks 1, 2, 3.* have some"),
    ("", "notebooks 1"),
    ("(2.3)", "notebook 2 has 2.1"), (2.3, 'must be a string, such as "2.10"; got 2.3'), (None, "got None"),
    ([], "must be a string"),
])
def test_an_equation_that_is_not_there(number, message):
    with pytest.raises(KeyError, match=message):
        mv.equation(number)


def test_an_equation_shows_its_number():
    assert r"\tag{2.8}" in mv.equation("2.8")._repr_latex_()
    assert repr(mv.equation("2.8")).startswith("(2.8)  log p(x)")


def test_the_toy_knows_its_bars():
    model, x, eps = mv.toy()
    trace = model.forward(x, eps)
    assert (x.shape, eps.shape, trace["encoder.0.h"].shape) == ((3, 4), (3, 1), (3, 2))
    assert (trace.mu[:-1] < trace.mu[1:]).all()                  # the fuller the bar, the larger its latent
    pixels = model.decode(trace.mu)
    assert (pixels[:-1] < pixels[1:]).all() and abs(model.reconstruct(x) - x).max() < 0.5
