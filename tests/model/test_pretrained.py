"""The model that comes with the package is the one its page describes."""

import json
import pathlib
import re

import numpy as np
import pytest

import minivae as mv
from minivae.cli.main import main

PAGE = (pathlib.Path(mv.__file__).parent / "model" / "pretrained" / "README.md").read_text(encoding="utf-8")


def number(label):
    return float(re.search(rf"{re.escape(label)} +(-?[\d.]+)", PAGE).group(1))


def test_it_is_as_good_as_its_page_says():
    model = mv.load_pretrained()
    assert model.settings["hidden"] == (200, 200) and model.latent_dim == 50
    images = mv.load_mnist().test_images[::10]
    numbers = mv.evaluation.evaluate(model, images, binarize="dynamic", rng=np.random.default_rng(1), samples=20)
    assert abs(numbers["elbo"] - number("ELBO")) < 4.5 * numbers["elbo_se"]  # of one image in ten
    assert numbers["elbo"] < numbers["log_px"] < number("log p(x)") + 4.5 * numbers["log_px_se"]


def test_the_command_line_finds_it(tmp_path, capsys):
    assert main(["generate", "--pretrained", "-n", "4", "--out", str(tmp_path / "grid.png")]) == 0
    with pytest.raises(SystemExit):
        main(["evaluate", "--pretrained", "other.npz"])


def test_the_table_of_published_numbers_and_the_readme_have_it():
    tests = pathlib.Path(__file__).parents[1]
    results, readme = tests / "benchmarks" / "results", (tests.parent / "README.md").read_text(encoding="utf-8")
    ours = json.loads((results / "published.json").read_text(encoding="utf-8"))
    for name in ("elbo", "log_px", "log_likelihood", "kl"):
        assert f"{ours['vae'][name]:.2f}" in PAGE
    assert f"{ours['vae']['log_px_draws_se']:.3f} over draws" in PAGE
    for row in ("vae", "iwae-5"):
        number = f"{-ours[row]['log_px']:.2f}"
        assert number in readme and f"**{number}**" in (results / "published.md").read_text(encoding="utf-8")
