"""The command line: every verb as a user would call it, in a process of its own where that matters."""

import csv
import errno
import gzip
import io
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from tqdm import tqdm

import minivae as mv
from minivae.cli.main import main
from minivae.data import Dataset
from minivae.training.checkpoint import load_checkpoint, save_checkpoint

RNG = np.random.default_rng(0)


def environment():
    """The environment for a process that is to find the same minivae."""
    return os.environ | {"PYTHONPATH": str(pathlib.Path(mv.__file__).parent.parent)}


NAMES = {"train-images-idx3-ubyte": (60, 5, 3), "train-labels-idx1-ubyte": (60,), "t10k-images-idx3-ubyte": (20, 5, 3),
         "t10k-labels-idx1-ubyte": (20,)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data set that the package has never seen: 60 + 20 images of 5 x 3 pixels, half of its files packed."""
    path = tmp_path_factory.mktemp("idx")
    for index, (name, shape) in enumerate(NAMES.items()):
        content = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
        content += RNG.integers(0, 256 if len(shape) > 1 else 10, shape, dtype=np.uint8).tobytes()
        if index % 2:
            (path / (name + ".gz")).write_bytes(gzip.compress(content))
        else:
            (path / name).write_bytes(content)
    return path


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Make small pictures and use a few images of MNIST; all else is as in a large run."""
    monkeypatch.setattr(mv.plots, "DOTS", 15)
    monkeypatch.setattr("minivae.cli.run.load_mnist", lambda: FEW_OF_MNIST)


RNG_OF_FEW = np.random.default_rng(1)
FEW_OF_MNIST = Dataset(*(RNG_OF_FEW.integers(0, high, (n, *size), dtype=np.uint8)
                         for n in (60, 20) for high, size in ((256, (28, 28)), (10, ()))))


def train(folder, out, *options, pictures=False):
    return main(["train", "--data", str(folder), "--out", str(out), "--hidden", "6", "--latent", "2", "--epochs", "2",
                 "--batch", "10", "--holdout", "10", "--schedule", "constant", *options,
                 *["--no-pictures"] * (not pictures)])


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "toy"
    assert train(folder, out) == 0
    return out


def test_threads_are_chosen_or_given_and_told(folder, tmp_path, capsys):
    assert train(folder, tmp_path / "one") == 0
    assert "this time, on 1 thread)" in capsys.readouterr().out  # for a step as small as this
    assert train(folder, tmp_path / "two", "--threads", "2") == 0
    assert "this time, on 2 threads)" in capsys.readouterr().out
    assert train(folder, tmp_path / "none", "--threads", "0") == 1
    assert "threads must be a positive integer; got 0." in capsys.readouterr().err


def test_alone_it_says_what_there_is(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    for verb in ("train", "evaluate", "generate", "derivation"):
        assert f"python -m minivae {verb}" in printed


@pytest.mark.parametrize("verb", ["train", "evaluate", "generate", "derivation"])
def test_help(verb, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([verb, "--help"])
    assert stopped.value.code == 0
    assert f"usage: python -m minivae {verb}" in capsys.readouterr().out


def test_the_help_of_train_names_every_setting_and_its_default(capsys):
    from minivae.cli.options import parser_for
    from minivae.cli.run import DEFAULTS

    with pytest.raises(SystemExit):
        parser_for({"train": main}).parse_args(["train", "--help"])
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    shown = dict(re.findall(r" --([a-z-]+)\b(?:(?! --).)*?\(default ([^;)]+)", text[text.index("options:"):]))
    for name, default in DEFAULTS.items():
        assert f" --{name.replace('_', '-')} " in text
        default = default[0] if isinstance(default, list) else default
        if default is not None and default is not False:
            value = shown[name.replace("_", "-")]
            assert value == default if isinstance(default, str) else float(value) == default, name


def test_train_leaves_model_and_history(trained):
    assert {path.name for path in trained.iterdir()} == {"model.npz", "history.csv"}
    model = mv.VAE.load(trained / "model.npz")
    assert model.settings["hidden"] == (6,) and model.data_dim == 15
    with open(trained / "history.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    for row in rows:
        assert float(row["elbo"]) == pytest.approx(float(row["log_likelihood"]) - float(row["kl"]), rel=1e-5)
        assert float(row["held_out_elbo"]) < 0


@pytest.mark.parametrize("options, expected", [
    (["--latent", "1", "--conditional", "--holdout", "0"], {"latent_scatter.png", "classes.png"}),
    (["--latent", "2", "--binarize", "fixed"], {"latent_plane.png", "latent_scatter.png"}),
    (["--latent", "4", "--likelihood", "gaussian"], {"traversals.png"}),
])
def test_train_draws_what_it_learned(folder, tmp_path, capsys, options, expected):
    assert train(folder, tmp_path, *options, pictures=True) == 0
    expected |= {"model.npz", "history.csv", "learning_curves.png", "reconstructions.png", "samples.png"}
    assert {path.name for path in tmp_path.iterdir()} == expected
    for path in tmp_path.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert all(name in printed for name in expected)


def test_a_movie_of_the_training(folder, tmp_path, monkeypatch):
    """One frame for each epoch, or about sixty in a long training; the file stays if the run continues without it."""
    saved = []
    monkeypatch.setattr(mv.plots, "save_movie", lambda path, *film: saved.append(film) or path.write_bytes(b"GIF"))
    assert train(folder, tmp_path, "--movie", "--epochs", "3", "--schedule", "constant") == 0
    images, shape, captions = saved[0]
    assert len(images) == 3 and images[0].shape == (36, 15) and shape == (5, 3)
    model, z = mv.VAE.load(tmp_path / "model.npz"), np.random.default_rng(0).standard_normal((36, 2))
    np.testing.assert_allclose(images[-1], model.decode(z), rtol=1e-5)
    assert (images[0] != images[1]).any()
    assert captions[2].startswith("epoch 3: ELBO -1") and captions[2].endswith("nats, held out")
    assert train(folder, tmp_path, "--resume", "--epochs", "4", "--schedule", "constant") == 0
    assert (tmp_path / "learning.gif").exists()
    assert train(folder, tmp_path, "--movie", "--force", "--epochs", "130", "--holdout", "0", "--conditional") == 0
    assert len(saved[1][0]) == 44 and saved[1][2][-1].startswith("epoch 130: ELBO")
    assert train(folder, tmp_path, "--force") == 0
    assert not (tmp_path / "learning.gif").exists()


def test_a_small_data_set_needs_no_holdout(folder, tmp_path, capsys):
    assert main(["train", "--data", str(folder), "--out", str(tmp_path / "run"), "--epochs", "1", "--batch", "10",
                 "--no-pictures"]) == 0
    printed = capsys.readouterr().out
    assert "Trained 1 epoch (" in printed and "→" not in printed  # there is no first one beside the last
    assert re.search(r"ELBO +-\d+\.\d\d\n", printed)
    from minivae.cli.run import open_model
    assert open_model(tmp_path / "run")[1]["holdout"] == 10  # a sixth of 60


def test_the_last_images_are_held_out_and_the_bias_starts_where_asked(folder):
    from minivae.cli.kinds import new_model
    from minivae.cli.run import DEFAULTS, _split

    images = mv.load_idx(folder).train_images
    kept, held_out = _split(images, 10)
    np.testing.assert_array_equal(kept, images[:50])
    np.testing.assert_array_equal(held_out, images[50:])
    for choice in ("zero", "data"):
        b = new_model(DEFAULTS | {"output_bias": choice}, images, 0).parameters["decoder.1.b"]
        assert b.any() == (choice == "data")
    p = np.clip(images.mean(axis=0) / 255, 0.001, 0.999).ravel()
    np.testing.assert_allclose(b, np.log(p / (1 - p)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("chosen", [["--objective", "iwae", "--samples", "2"],
                                    ["--conditional", "--dtype", "float32", "--noise-variance", "2"]])
def test_gradcheck_takes_every_kind_of_model(chosen, capsys):
    small = ["--data-dim", "2", "--latent", "1", "--batch", "2", "--hidden"]
    assert main(["gradcheck", *small, *chosen]) == 0
    printed, notes = capsys.readouterr()
    assert "PASS" in printed and max(map(len, printed.splitlines())) < 120
    assert ("a Bernoulli has none, so it changes nothing" in notes) == ("--noise-variance" in chosen)
    assert main(["gradcheck", "--objective", "iwae", "--conditional"]) == 1
    assert "--conditional goes only with --objective elbo" in capsys.readouterr().err
    assert main(["gradcheck", "--samples", "7"]) == 1
    assert "--samples is for the objectives over several draws; got 7 for the elbo" in capsys.readouterr().err


def test_a_terminal_without_the_characters(folder, tmp_path, monkeypatch):
    for words in (["derivation"], ["gradcheck", "--data-dim", "2", "--latent", "1", "--hidden"],
                  ["train", "--data", str(folder), "--out", str(tmp_path / "run"), "--epochs", "1", "--batch", "10",
                   "--no-pictures"]):
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
        assert main(words) == 0
        sys.stdout.flush()
        assert b"?" in sys.stdout.buffer.getvalue() or words[0] == "train"


@pytest.mark.skipif(os.name == "nt", reason="a shell of another kind")
def test_without_standard_streams(trained):
    command = f'exec "{sys.executable}" -m minivae evaluate "{trained}" --samples 2 '
    assert subprocess.run(["sh", "-c", command + ">&- 2>&-"], env=environment()).returncode == 0
    full = subprocess.run(["sh", "-c", command + "--data nowhere >&-"], env=environment(), capture_output=True,
                          text=True)
    assert full.returncode == 1 and full.stderr.startswith("python -m minivae evaluate: error: nowhere does not exist")


def test_a_reader_that_stops_early():
    """As head does, of a table that is longer than a pipe holds."""
    process = subprocess.Popen([sys.executable, "-m", "minivae", "derivation"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE,
                               env=environment())
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait()


def test_closing_words(folder, tmp_path, capsys):
    train(folder, tmp_path / "run")
    printed = capsys.readouterr().out
    for piece in ("Trained 2 epochs (", "ELBO", "KL", "model.npz, history.csv", "python -m minivae evaluate", "→",
                  "notebooks/00_what_you_will_build.ipynb"):
        assert piece in printed
    assert "--pretrained" not in printed  # it is of other data
    train("mnist", tmp_path / "mnist", "--epochs", "1")
    printed = capsys.readouterr().out
    assert re.search(r"generate --pretrained .* after 1, many samples are not digits yet", printed)
    assert (pathlib.Path(mv.__file__).parents[1] / "notebooks" / "00_what_you_will_build.ipynb").exists()


@pytest.mark.parametrize("options", [
    ["--hidden"], ["--hidden", "6", "4"], ["--latent", "1"], ["--latent", "4"], ["--activation", "tanh"],
    ["--dtype", "float64"],
    ["--likelihood", "gaussian", "--noise-variance", "0.1"],
    ["--likelihood", "gaussian", "--noise-variance", "learned"], ["--beta", "0.5", "--beta-warm-up", "1"],
    ["--schedule", "cosine"],
    ["--binarize", "fixed"], ["--binarize", "threshold"], ["--binarize", "none"], ["--holdout", "0"],
    ["--output-bias", "zero"],
    ["--learning-rate", "1e-4"], ["--seed", "3"], ["--objective", "monte-carlo"],
    ["--objective", "iwae", "--samples", "3"],
    ["--conditional"],
])
def test_every_option_trains_evaluates_and_generates(folder, tmp_path, capsys, options):
    out = tmp_path / "run"
    assert train(folder, out, *options) == 0
    printed = capsys.readouterr()
    note = "on average they are at most the log p(x) of --binarize dynamic"
    assert printed.err.count(note) == (options == ["--binarize", "none"])
    for words in printed:  # the objective is no bound where beta is not 1
        assert ("objective" in words) == ("--objective" in options) and "bound" not in words
    assert main(["evaluate", str(out), "--json", "--samples", "5"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["elbo"] == pytest.approx(result["log_likelihood"] - result["kl"])
    assert result["images"] == 20
    for name, given in result["training"].items():
        assert mv.VAE.load(out / "model.npz").record[name] == given


def test_images_of_a_label_on_demand(folder, trained, tmp_path, capsys):
    out = tmp_path / "run"
    assert train(folder, out, "--conditional", "--latent", "1") == 0
    capsys.readouterr()
    assert main(["evaluate", str(out), "--samples", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["given_labels"] is True  # log p(x|y), which compares with no log p(x)
    pictures = []
    for label in ([], ["--label", "7"], ["--label", "8"]):
        assert main(["generate", str(out), "-n", "5", *label, "--out", str(tmp_path / "grid.png")]) == 0
        pictures.append((tmp_path / "grid.png").read_bytes())
    assert len(set(pictures)) == 3
    for model, label, message in ((out, "10", "--label must be a label that the model was trained on, from 0 to 9; "
                                              "got 10"),
                                  (out, "-1", "--label must be a whole number"),
                                  (trained, "7", "--label is for a conditional model")):
        assert main(["generate", str(model), "--label", label, "--out", str(tmp_path / "none.png")]) == 1
        assert message in capsys.readouterr().err
    assert not (tmp_path / "none.png").exists()


def test_a_label_that_never_occurs_is_named_and_not_generated(tmp_path, capsys, monkeypatch):
    """EMNIST's letters have labels from 1 to 26."""
    labels = np.resize([1, 2, 4], 60).astype(np.uint8)
    monkeypatch.setattr("minivae.cli.run.load_mnist", lambda: FEW_OF_MNIST._replace(train_labels=labels))
    drawn, original = [], mv.ConditionalVAE.generate

    def generate(self, n, *, rng, draw=False, label=None):
        drawn.append(np.resize(label, n).tolist())
        return original(self, n, rng=rng, draw=draw, label=label)

    monkeypatch.setattr(mv.ConditionalVAE, "generate", generate)
    assert train("mnist", tmp_path / "run", "--conditional", pictures=True) == 0
    assert "Note: no training image has the label 0, 3: no image of it will be generated." in capsys.readouterr().err
    assert main(["generate", str(tmp_path / "run"), "-n", "4", "--out", str(tmp_path / "grid.png")]) == 0
    assert set(drawn[0]) == {1, 2, 4} and drawn[1] == [1, 2, 4, 1]
    for label in "035":
        assert main(["generate", str(tmp_path / "run"), "--label", label]) == 1
        message = f"--label must be a label that the model was trained on, one of [1, 2, 4]; got {label}."
        assert message in capsys.readouterr().err


def test_every_option_reaches_the_run(folder, tmp_path):
    from minivae.training import load_checkpoint

    assert train(folder, tmp_path / "run", *"--hidden 7 4 --latent 3 --activation tanh --likelihood gaussian "
                                            "--noise-variance 0.5 --beta 2 --dtype float64 --seed 5 --epochs 1 "
                                            "--batch 8 --learning-rate 2e-4 --schedule cosine --beta-warm-up 0.5 "
                                            "--binarize threshold".split()) == 0
    settings = load_checkpoint(tmp_path / "run" / "model.npz").settings
    for name, value in {"hidden": [7, 4], "latent_dim": 3, "activation": "tanh", "likelihood": "gaussian",
                        "noise_variance": 0.5,
                        "beta": 2.0, "dtype": "float64", "seed": 5}.items():
        assert settings[f"model.{name}"] == value
    for name, value in {"seed": 5, "epochs": 1, "batch_size": 8, "learning_rate": 2e-4, "schedule": "cosine",
                        "beta_warm_up": 0.5,
                        "binarize": "threshold"}.items():
        assert settings[name] == value


def test_evaluate_in_words_and_as_json(trained, capsys):
    assert main(["evaluate", str(trained / "model.npz")]) == 0
    words = capsys.readouterr().out
    assert main(["evaluate", str(trained), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    for name in ("log_px", "elbo", "log_likelihood", "kl", "gap"):
        assert f"{result[name]:.2f}" in words
    assert main(["evaluate", str(trained), "--json", "--seed", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["elbo"] != result["elbo"]
    assert result["binarize"] == "dynamic" and result["samples"] == 100 and result["images"] == 20
    assert result["given_labels"] is False
    assert result["log_px"] >= result["elbo"] and 0 <= result["active_units"] <= result["latents"]
    assert f"{result['active_units']} of {result['latents']}" in words


def test_evaluate_with_more_samples_and_a_curve(trained, tmp_path, capsys):
    picture = tmp_path / "curve.png"
    assert main(["evaluate", str(trained), "--samples", "7", "--json", "--curve", str(picture)]) == 0
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert list(result["bound"]) == ["1", "2", "5", "7"] and picture.read_bytes().startswith(b"\x89PNG")
    assert "Note: log p(x) is not to be trusted yet" in printed.err and "--samples 5000" in printed.err
    assert main(["evaluate", str(trained), "--samples", "9" * 15]) == 1
    assert "minivae evaluate: error: Unable to allocate" in capsys.readouterr().err


def test_the_curve_names_its_model(trained, tmp_path, monkeypatch):
    from minivae.cli import run

    drawn = []
    monkeypatch.setattr(run, "PRETRAINED", trained)  # the real one is for larger images
    monkeypatch.setattr(mv.plots, "bound_curves", lambda curves: drawn.extend(curves) or mv.plots.figure()[0])
    for model in ("--pretrained", str(trained)):
        assert main(["evaluate", model, "--samples", "2", "--curve", str(tmp_path / "curve.png")]) == 0
    assert drawn == ["the VAE of the package", str(trained)]


def test_a_model_without_a_run_is_measured_too(tmp_path, capsys):
    mv.VAE(784, (4,), 2).save(tmp_path / "plain.npz")
    assert main(["evaluate", str(tmp_path / "plain.npz"), "--samples", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"] == "mnist"
    assert main(["generate", str(tmp_path / "plain.npz"), "--draw", "--out", str(tmp_path / "grid.png")]) == 0


def test_generate_draws_or_shows_means(trained, tmp_path):
    for name, options in (("means.png", []), ("draws.png", ["--draw"])):
        assert main(["generate", str(trained), *options, "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / "means.png").read_bytes() != (tmp_path / "draws.png").read_bytes()


def test_generate_repeats_itself(trained, tmp_path):
    pictures = []
    for seed in "001":
        assert main(["generate", str(trained), "--seed", seed, "--out", str(tmp_path / "grid.png")]) == 0
        pictures.append((tmp_path / "grid.png").read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]


def test_an_existing_run_is_not_overwritten_unless_forced(folder, tmp_path, capsys):
    out = tmp_path / "run"
    train(folder, out)
    before = (out / "model.npz").read_bytes()
    assert train(folder, out, "--seed", "1") == 1
    error = capsys.readouterr().err
    assert "exists already" in error and "--resume" in error and "--force" in error
    assert (out / "model.npz").read_bytes() == before
    (out / "latent_plane.png").touch()
    assert train(folder, out, "--latent", "3", "--force") == 0
    assert (out / "model.npz").read_bytes() != before
    assert not (out / "latent_plane.png").exists()  # nothing of the old run


def test_resume(folder, tmp_path, capsys):
    out, whole = tmp_path / "run", tmp_path / "whole"
    resume = ["train", "--out", str(out), "--resume", "--no-pictures"]
    assert train(folder, out, "--resume") == 0  # nothing to resume: starts afresh
    assert main(resume) == 0  # its own settings need not be said again
    assert "is finished: it has its 2 epochs" in capsys.readouterr().out
    assert main([*resume, "--epochs", "4"]) == 0
    train(folder, whole, "--epochs", "4")
    for name in ("model.npz", "history.csv"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    capsys.readouterr()
    assert main([*resume, "--epochs", "0"]) == 1
    assert "Going on" not in capsys.readouterr().out
    assert main(["train", "--out", str(out / "history.csv")]) == 1
    assert "history.csv is a file; --out names a folder" in capsys.readouterr().err
    assert main([*resume, "--hidden", "7"]) == 1
    assert re.search(r"has --hidden \[6\]; got \[7\]", capsys.readouterr().err)
    assert main([*resume, "--data", "mnist"]) == 1  # other data under the same name
    assert re.search(r"--data: mnist does not hold the images that the run in .* was trained on: they were uint8 "
                     r"\(50, 15\), .*; these are uint8 \(50, 784\)", capsys.readouterr().err)
    with pytest.raises(SystemExit):
        main([*resume, "--force"])


def test_a_run_whose_step_size_falls_cannot_be_made_longer(folder, tmp_path, capsys):
    assert train(folder, tmp_path, "--schedule", "cosine") == 0
    assert train(folder, tmp_path, "--schedule", "cosine", "--resume", "--epochs", "3") == 1
    assert "has --epochs 2, over which its step size falls to zero; got 3." in capsys.readouterr().err
    assert train(folder, tmp_path, "--schedule", "cosine", "--resume") == 0
    assert "Its step size has fallen to zero" in capsys.readouterr().out


def test_data_that_moved_between_two_sittings(folder, tmp_path, capsys):
    """A data set is known by its contents, whatever its name; and under the same name there may be another."""
    here, there, out = tmp_path / "here", tmp_path / "there", tmp_path / "run"
    shutil.copytree(folder, here)
    assert train(here, out) == 0
    here.rename(there)
    for words in (["evaluate", str(out)], ["train", "--out", str(out), "--resume", "--epochs", "3"]):
        capsys.readouterr()
        assert main(words) == 1
        assert re.search(r"here does not exist; .* Check --data. The run in .* was trained on this; if it has moved, "
                         r"name its new place with --data.", capsys.readouterr().err)
        assert main([*words, "--data", str(tmp_path / "else")]) == 1
        assert "was trained on this" not in capsys.readouterr().err  # of a name that was given now
        assert main([*words, "--data", str(there), *["--no-pictures"] * (words[0] == "train")]) == 0
    for path in there.glob("train-labels*"):
        path.unlink()
    assert main(["train", "--out", str(out), "--resume", "--data", str(there)]) == 1
    assert re.search("lacks 1 of the four IDX files.* Check --data.", capsys.readouterr().err)


def test_what_holds_no_epoch_is_no_run(folder, tmp_path, capsys):
    out = tmp_path / "run"
    assert train(folder, out, "--learning-rate", "1e30") == 1
    assert not out.exists()
    assert train(folder, out) == 0  # nothing is in its way
    saved = load_checkpoint(out / "model.npz")
    save_checkpoint(out / "model.npz", saved._replace(history=[]))  # as older versions left behind
    assert train(folder, out, "--seed", "1") == 0
    save_checkpoint(out / "model.npz", saved._replace(history=[]))
    assert train(folder, out, "--resume", "--seed", "2") == 0
    assert load_checkpoint(out / "model.npz").settings["seed"] == 2
    saved.model.save(out / "model.npz")  # a model, though no run: not to be overwritten
    assert train(folder, out) == 1 and "exists already" in capsys.readouterr().err
    assert train(folder, out, "--learning-rate", "1e30", "--force") == 1
    assert "smaller --learning-rate, --beta-warm-up, or --dtype float64." in capsys.readouterr().err


def test_a_finished_run_gets_back_a_lost_picture(folder, tmp_path):
    out = tmp_path / "run"
    train(folder, out, pictures=True)
    before = (out / "samples.png").read_bytes()
    (out / "samples.png").unlink()
    (out / "history.csv").unlink()
    assert main(["train", "--out", str(out), "--resume", "--no-pictures"]) == 0
    assert not (out / "samples.png").exists() and (out / "latent_plane.png").exists()  # what is there stays
    assert main(["train", "--out", str(out), "--resume"]) == 0
    assert (out / "samples.png").read_bytes() == before and (out / "history.csv").exists()


@pytest.mark.parametrize("words, code, message", [
    (["--epochs", "0"], 1, "--epochs must be a positive integer; got 0"),
    (["--batch", "0"], 1, "--batch must be a positive integer"),
    (["--batch", "51"], 1, "--batch must be at most the number of training images; got 51 for 50."),
    (["--hidden", "0"], 1, "--hidden must be a positive integer"),
    (["--latent", "-1"], 1, "--latent must be a positive integer"),
    (["--learning-rate", "0"], 1, "--learning-rate must be a finite number above 0"),
    (["--learning-rate", "1e30"], 1, "is not finite in epoch 1, batch 2. Try a new model with a smaller "
                                     "--learning-rate, --beta-warm-up, or --dtype float64."),
    (["--holdout", "60"], 1, "--holdout must leave images to train on; got 60 of 60"),
    (["--holdout", "-1"], 1, "--holdout must be a whole number"),
    (["--beta", "-1"], 1, "--beta must be"), (["--seed", "-1"], 1, "--seed must be"),
    (["--beta-warm-up", "-1"], 1, "--beta-warm-up must"),
    (["--noise-variance", "0", "--likelihood", "gaussian"], 1, "--noise-variance must be"),
    (["--noise-variance", "learned"], 1, "--noise-variance learned goes only with --likelihood gaussian; got "
                                         "bernoulli."),
    (["--noise-variance", "much"], 2, "a number or the word learned; got 'much'"),
    (["--data", "nowhere"], 1, "Check --data."), (["--samples", "5"], 1, "--samples is for the objectives over "
                                                                         "several draws; got 5 for the elbo"),
    (["--objective", "iwae", "--samples", "0"], 1, "--samples must be a positive integer"),
    (["--conditional", "--objective", "iwae"], 1, "--conditional goes only with --objective elbo"),
    (["--resume", "--force"], 2, "not allowed with"), (["--activation", "sigmoid"], 2, "invalid choice"),
    (["--epochs", "many"], 2, "invalid int value"),
])
def test_a_users_mistake_is_one_clear_line(folder, tmp_path, capsys, words, code, message):
    try:
        returned = train(folder, tmp_path / "run", *words)
    except SystemExit as stopped:
        returned = stopped.code
    error = capsys.readouterr().err
    last = error.strip().splitlines()[-1]
    assert "usage:" not in error
    assert returned == code and message in last and "error:" in last and "Traceback" not in error
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("words, message", [
    ("train --no-such 3", "there is no option --no-such"), ("evaluate --no-such 3", "there is no option --no-such"),
    ("generate --pretrained --no-such=3", "there is no option --no-such"),
    ("generate -x 3", "there is no option -x"), ("gradcheck --beta -1 --no-such", "there is no option --no-such"),
    ("derivation --no-such walk.html", "there is no option --no-such"),
    ("grade --no-such 3", "there is no option --no-such"),
    ("train --epohcs 3", "there is no option --epohcs; did you mean --epochs?"),
    ("train --epo x", "argument --epochs: invalid int value"), ("generate -nx", "argument -n: invalid int value"),
    ("train --epochs 1 MODEL", "unrecognized arguments: MODEL"),
])
def test_an_unknown_option_is_named_and_its_value_is_not_taken_for_the_model(capsys, words, message):
    with pytest.raises(SystemExit) as stopped:
        main(words.split())
    assert stopped.value.code == 2 and f"error: {message}" in capsys.readouterr().err


@pytest.mark.parametrize("words, message", [
    ("evaluate none.npz", "none.npz does not exist. Train a model "
                          "first"), ("generate none.npz", "none.npz does not exist"),
    (f"evaluate {__file__}", "is not a minivae model"), (f"generate {__file__}", "is not a minivae model"),
    ("generate {run} -n 0", "-n must be a positive integer; got 0."),
    ("generate {run} -n -3", "-n must be a positive integer; got -3."),
    ("generate {run} --out nowhere/grid.png", "--out: there is no folder nowhere"),
    ("generate {run} --out grid.jpg", "--out must end in .png"),
    ("generate {run} --seed -1", "--seed must be"), ("generate {run} --label 3", "--label is for a conditional model"),
    ("evaluate {run} --data mnist", "--data must hold images of 15 pixels for this model; those of mnist have 784"),
    ("evaluate {run} --data nowhere", "Check --data."), ("evaluate {run} --seed -1", "--seed must be"),
    ("evaluate {run} --samples 0", "--samples must be a positive integer; got 0."),
    ("evaluate {run} --curve c.jpg", "--curve must end in .png"),
    ("evaluate {run} --curve nowhere/c.png", "--curve: there is no folder nowhere"),
    *((f"gradcheck {option} 0", f"{option} must be") for option in (
        "--latent", "--batch", "--hidden", "--data-dim", "--noise-variance", "--samples")),
    ("gradcheck --beta -1", "--beta must be"), ("gradcheck --seed -1", "--seed must be"),
    ("gradcheck --noise-variance learned", "--noise-variance learned goes only with --likelihood gaussian"),
])
def test_the_other_verbs_name_the_option_too(trained, capsys, words, message):
    assert main(words.format(run=trained).split()) == 1
    error = capsys.readouterr().err
    assert message in error and error.startswith(f"python -m minivae {words.split()[0]}: "
                                                 "error: ") and error.count("\n") == 1


@pytest.mark.parametrize("words, message", [
    ("train --batch 9 --latent 1000000000000 --out "
     "{new}", "Unable to allocate .* Take a smaller --hidden, --latent or --batch."),
    ("evaluate {run} --samples 999999999999999", "Unable to allocate .* Take a smaller --samples."),
    ("generate {run} -n 999999999999999", "Unable to allocate .* Take a smaller -n."),
    ("train --batch 9 --out {new}/there", r"--out: the folder .*there cannot be made: (Not a directory|File exists)"),
])
def test_what_does_not_fit_names_the_option(trained, tmp_path, capsys, words, message):
    new = tmp_path / "new"
    if "there" in words:
        new.touch()
    assert main(words.format(run=trained, new=new).split()) == 1
    assert re.search(message, capsys.readouterr().err)


def test_a_warm_up_longer_than_the_training_is_noticed(folder, tmp_path, capsys):
    assert train(folder, tmp_path, "--beta-warm-up", "3") == 0
    assert "Note: beta rises over 3 epochs (--beta-warm-up), and there are only 2" in capsys.readouterr().err
    assert train(folder, tmp_path, "--beta-warm-up", "2", "--force") == 0
    assert "Note" not in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk(folder, trained, tmp_path, capsys, monkeypatch):
    code = "import sys; from minivae.cli.main import main; sys.exit(main(['derivation']))"
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True,
                              env=environment())
    assert done.returncode == 1 and "error: the output cannot be written: No space left on device" in done.stderr

    def full_disk(file, **arrays):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = (trained / "model.npz").read_bytes()
    monkeypatch.setattr(np, "savez", full_disk)
    assert train(folder, tmp_path / "new") == 1
    assert re.search(r"model.npz: cannot write it: No space left on device", capsys.readouterr().err)
    assert not (tmp_path / "new").exists()
    assert main(["train", "--out", str(trained), "--resume", "--epochs", "3", "--no-pictures"]) == 1
    assert (trained / "model.npz").read_bytes() == before and not list(trained.glob("*.tmp"))


def test_without_a_model_the_verbs_take_what_train_leaves(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for verb in ("evaluate", "generate"):
        assert main([verb]) == 1
        assert "runs/mnist does not exist. Train a model first" in capsys.readouterr().err.replace(os.sep, "/")
    assert main(["train", "--data", str(folder), "--epochs", "1", "--batch", "10", "--latent", "1",
                 "--no-pictures"]) == 0
    assert main(["evaluate", "--samples", "2"]) == 0 and main(["generate", "-n", "1"]) == 0
    assert (tmp_path / "grid.png").exists()


# --- in a process of its own ------------------------------------------------------------------------------

def start(folder, out, *options, stderr=subprocess.DEVNULL):
    return subprocess.Popen(
        [sys.executable, "-m", "minivae", "train", "--data", str(folder), "--out", str(out), "--hidden", "30",
         "--latent", "2",
         "--epochs", "150", "--batch", "10", "--holdout", "10", *options],
        stdout=subprocess.DEVNULL, stderr=stderr, text=True, env=environment(),
        # a shell that starts tests in the background has them ignore Ctrl-C
        preexec_fn=None if os.name == "nt" else lambda: signal.signal(signal.SIGINT, signal.default_int_handler))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked there")
def test_killed_at_many_points_it_resumes_to_the_same_bits(folder, tmp_path):
    whole, out, epochs = tmp_path / "whole", tmp_path / "run", ("--epochs", "150")   # long beside a late signal
    assert train(folder, whole, *epochs) == 0

    def killed_after(seconds):
        """Train in a copy of this process, killed after so many seconds on the processor; return how it ended."""
        pid = os.fork()
        if pid == 0:
            signal.setitimer(signal.ITIMER_PROF, seconds)   # whose signal ends a process at once, as kill -9 does
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            # its own: tqdm's is shared, and would stay locked by who is killed with it
            tqdm.set_lock(threading.RLock())
            os._exit(train(folder, out, "--resume", *epochs))
        return os.waitpid(pid, 0)[1]

    rng = np.random.default_rng(0)
    codes = []
    while 0 not in codes and len(codes) < 30:
        codes.append(killed_after(rng.uniform(0.02, 0.1)))
        if (out / "model.npz").exists():
            mv.VAE.load(out / "model.npz")  # always whole
    assert (out / "model.npz").exists() and set(codes) <= {0, signal.SIGPROF}
    assert train(folder, out, "--resume", *epochs) == 0
    assert codes.count(signal.SIGPROF) >= 2
    for name in ("model.npz", "history.csv"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert not list(out.glob("*.tmp"))


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another signal there")
def test_ctrl_c_leaves_a_loadable_model_and_says_how_to_go_on(folder, tmp_path):
    out = tmp_path / "run"
    process = start(folder, out, "--epochs", "100000", stderr=subprocess.PIPE)
    while process.poll() is None and not (out / "model.npz").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 130
    assert all(words in error for words in ("after", "To continue: python -m minivae train", "--resume"))
    assert "Traceback" not in error
    mv.VAE.load(out / "model.npz")
    assert not list(out.glob("*.tmp"))


def test_ctrl_c_before_anything_is_saved(tmp_path, monkeypatch, capsys):
    from minivae.cli import run

    def interrupted(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "load_data", interrupted)
    assert main(["train", "--out", str(tmp_path / "run")]) == 130
    assert "Nothing was saved yet: give the same command again." in capsys.readouterr().err
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.npz").write_bytes(b"")  # damaged: no traceback on top
    assert main(["train", "--out", str(tmp_path / "run"), "--force"]) == 130
    assert "Stopped. To continue: " in capsys.readouterr().err


def test_a_second_ctrl_c_does_not_cut_the_words_short(tmp_path, monkeypatch):
    from minivae.cli import main as cli
    from minivae.cli import run

    def interrupted(name):
        raise KeyboardInterrupt

    seen, before = [], signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(run, "load_data", interrupted)
    monkeypatch.setattr(cli, "_after_interrupt", lambda options: seen.append(signal.getsignal(signal.SIGINT)) or "")
    assert main(["train", "--out", str(tmp_path / "run")]) == 130
    assert seen == [signal.SIG_IGN] and signal.getsignal(signal.SIGINT) == before


def test_importing_stays_light():
    code = "import sys, minivae; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    code = ("import sys, minivae; minivae.VAE(4); "
            "sys.exit(any(name.split('.')[0] in ('matplotlib', 'tqdm', 'IPython') for name in sys.modules))")
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_nothing_below_plots_imports_matplotlib():
    for path in pathlib.Path(mv.__file__).parent.rglob("*.py"):
        if "plots" not in path.parts:
            assert not re.search("(import|from) matplotlib", path.read_text(encoding="utf-8")), path


def test_no_framework_and_no_pickle():
    for path in pathlib.Path(mv.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(import|from) (torch|jax|autograd|tensorflow|scipy|pickle)", text,
                             re.MULTILINE), path
        assert "allow_pickle=" + "True" not in text
