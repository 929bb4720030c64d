"""The command line: python -m minivae train | evaluate | generate | gradcheck | derivation.

Each verb reads its options and calls the package; a user's mistake becomes one line on standard error.
Exit codes: 0 done, 1 could not be done, 2 a wrong option, 130 stopped by Ctrl-C; of gradcheck: 0 pass, 1 fail,
3 inconclusive.
"""

import argparse
import json
import os
import pathlib
import shlex
import sys

__all__ = ["main"]

ABOUT = """\
minivae: a variational autoencoder in pure NumPy, every gradient written by hand.

  python -m minivae train         train a VAE on MNIST, which is built in, and draw what it learned
  python -m minivae evaluate      measure a trained model on test images: the ELBO and its two parts, in nats
  python -m minivae generate      draw new images from a trained model
  python -m minivae gradcheck     check every gradient of a small model against finite differences
  python -m minivae derivation    print the whole derivation, each equation with the code that implements it

Each has its own help: python -m minivae train --help
"""


def main(argv=None):
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : list of str, optional
        The words after ``python -m minivae``; by default the process's own.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without these characters shows ? and goes on
            stream.reconfigure(errors="replace")
    parser = _parser()
    options = parser.parse_args(argv)
    if options.verb is None:
        print(ABOUT, end="")
        return 0
    try:
        code = options.run(options) or 0
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print(f"\nStopped. {options.after_interrupt(options)}".rstrip(), file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, ArithmeticError, MemoryError) as error:
        print(f"minivae {options.verb}: error: {error or type(error).__name__}", file=sys.stderr)
        return 1


def train(options):
    """Train a VAE in a folder of its own and tell what came of it."""
    from . import run  # brings NumPy, which --help does not need

    chosen = {name: getattr(options, name) for name in run.DEFAULTS if hasattr(options, name)}
    settings, done = run.resolve(options.out, chosen, resume=options.resume, force=options.force)
    finished = 0 < settings["epochs"] <= done
    if done and not finished:
        print(f"Going on with {options.out} after epoch {done} of {settings['epochs']}.")
    _caution(settings["likelihood"], settings["binarize"])
    summary = run.run(options.out, settings, resume=options.resume)
    if finished:
        more = f"To go on: --resume --epochs {2 * done}." if settings["schedule"] == "constant" else (
            "Its step size has fallen to nothing, so it cannot be made longer; train again with more --epochs.")
        print(f"The run in {options.out} is finished: it has its {_epochs(done)}. {more}")
    else:
        print(_closing_words(options.out, summary))


def _caution(likelihood, binarize):
    if likelihood == "bernoulli" and binarize == "none":
        print("Note: grey levels under a Bernoulli are not a likelihood; these nats compare with no paper.",
              file=sys.stderr)


def _after_interrupt(options):
    """Say what a run stopped by Ctrl-C has left, and how to go on."""
    from .training import load_checkpoint

    model_file = options.out / "model.npz"
    if not model_file.exists():
        return "Nothing was saved yet: give the same command again."
    epochs = _epochs(len(load_checkpoint(model_file).history))
    return f"{model_file} holds the model after {epochs}. To go on: python -m minivae train --out {_quoted(options.out)} --resume"


def _quoted(path):
    return shlex.quote(str(path))


def _epochs(n):
    return f"{n} epoch" if n == 1 else f"{n} epochs"


def _closing_words(folder, summary):
    first, last = summary["history"][0], summary["history"][-1]
    on, prefix = ("held-out", "held_out_") if "held_out_elbo" in last else ("training", "")
    lines = [
        f"Trained {_epochs(last['epoch'])} ({summary['seconds']:.0f} s this time). On {on} images, in nats per image,"
        " after the first epoch and after the last:",
        *(f"  {label:12} {first[prefix + name]:9.2f}  →  {last[prefix + name]:9.2f}" for label, name in
          (("ELBO", "elbo"), ("log p(x|z)", "log_likelihood"), ("KL", "kl"))),
        f"Now in {folder}: {', '.join(summary['files'])}",
        "Next:",
        f"  python -m minivae evaluate {_quoted(folder)}      the ELBO on images it has never seen",
        f"  python -m minivae generate {_quoted(folder)}      new images",
    ]
    if summary["settings"]["latent"] != 2 and summary["settings"]["data"] == "mnist":
        lines.append("  python -m minivae train --latent 2 --out runs/plane      a latent space to look at")
    return "\n".join(lines)


def evaluate(options):
    """Measure the ELBO and its parts on a data set's test images."""
    import numpy as np

    from . import run
    from .evaluation import evaluate_elbo
    from .model.checks import whole_number

    model, notes = run.open_model(options.model)
    data, how = options.data or notes["data"], options.binarize or notes["binarize"]
    images = run.load_data(data).test_images
    _caution(model.settings["likelihood"], how)
    if images[0].size != model.data_dim:
        raise ValueError(f"the model is for images of {model.data_dim} pixels; those of {data} have {images[0].size}. Name its "
                         "data with --data.")
    rng = np.random.default_rng(whole_number("--seed", options.seed))
    means = evaluate_elbo(model, images, binarize=how, rng=rng)
    if options.json:
        print(json.dumps(means | {"images": len(images), "binarize": how, "data": data}))
        return
    print(f"{len(images):,} test images of {data}, binarization {how}; nats per image, one draw of z each")
    error = "" if means["elbo_se"] is None else f" ± {means['elbo_se']:.2f} (standard error)"
    print(f"  ELBO         {means['elbo']:9.2f}{error}")
    print(f"  log p(x|z)   {means['log_likelihood']:9.2f}")
    print(f"  KL           {means['kl']:9.2f}")


def generate(options):
    """Draw new images from a model into one picture."""
    import numpy as np

    from . import plots, run
    from .model.checks import whole_number

    model, notes = run.open_model(options.model)
    images = model.generate(options.n, rng=np.random.default_rng(whole_number("--seed", options.seed)),
                            draw=options.draw)
    title = f"New images: z drawn from the prior, then {'x drawn from p(x|z)' if options.draw else 'the mean of p(x|z)'}"
    plots.save(plots.image_grid(images, tuple(notes["image_shape"]), title=title), options.out)
    print(f"Wrote {options.out}.")


def gradcheck(options):
    """Climb the whole ladder on a small model: every kernel, every symbol and every parameter against differences."""
    import numpy as np

    from .gradcheck import check_model
    from .model import VAE

    model = VAE(options.data_dim, options.hidden, options.latent, options.activation, options.likelihood,
                noise_variance=options.noise_variance, beta=options.beta, dtype=options.dtype, seed=options.seed)
    rng = np.random.default_rng(options.seed)
    model.parameters.flat[:] += 0.1 * rng.standard_normal(model.parameters.flat.size)  # biases too, which start at zero
    x = rng.integers(0, 2, (options.batch, model.data_dim)).astype(model.dtype)
    report = check_model(model, x, rng.standard_normal((options.batch, model.latent_dim)))
    print(report)
    return {"pass": 0, "fail": 1, "inconclusive": 3}[report.verdict]


def derivation(options):
    """Print every equation with the code that implements it."""
    from .derivation import as_table
    print(as_table())


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        """Say what is wrong in one line, and leave the page of usage to --help."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _parser():
    parser = _Parser(
        prog="python -m minivae", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)
    verbs = parser.add_subparsers(prog=parser.prog, dest="verb", metavar="VERB", help=argparse.SUPPRESS)
    _train_options(_verb(verbs, train, _after_interrupt))
    _evaluate_options(_verb(verbs, evaluate))
    _generate_options(_verb(verbs, generate))
    _gradcheck_options(_verb(verbs, gradcheck))
    _verb(verbs, derivation)
    return parser


def _verb(verbs, function, after_interrupt=lambda options: ""):
    verb = verbs.add_parser(function.__name__, description=function.__doc__)
    verb.set_defaults(run=function, after_interrupt=after_interrupt)
    return verb


TRAIN_EXAMPLES = """\
examples:
  python -m minivae train                                        ten epochs on MNIST, in runs/mnist
  python -m minivae train --latent 2 --out runs/plane            a latent space that fits on a page
  python -m minivae train --beta 4 --out runs/beta4              a KL that weighs more: fewer latents stay in use
  python -m minivae train --hidden 200 200 --activation tanh --latent 50 --epochs 100 --learning-rate 2e-3 \\
                          --schedule cosine --out runs/deep      slower, and several nats better
  python -m minivae train --resume --epochs 20                   ten more epochs
"""


def _train_options(verb):
    verb.epilog, verb.formatter_class = TRAIN_EXAMPLES, argparse.RawDescriptionHelpFormatter
    group = None

    def option(name, help, **kind):  # absent unless given, so that --resume can tell a choice from a default
        group.add_argument(name, default=argparse.SUPPRESS, help=help, **kind)

    group = verb.add_argument_group("the run")
    group.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/mnist"), metavar="FOLDER",
                       help="where the model, history.csv and the pictures go (default runs/mnist)")
    either = group.add_mutually_exclusive_group()
    either.add_argument("--resume", action="store_true",
                        help="go on with the run in --out from its last whole epoch, with the settings it was started with; "
                             "start afresh if there is none")
    either.add_argument("--force", action="store_true", help="begin again over the run in --out")
    option("--seed", "of weights, shuffling, pixels and noise; the same seed gives the same bits (default 0)", type=int,
           metavar="N")

    group = verb.add_argument_group("the data")
    option("--data", "mnist, which is built in, or a folder of four IDX files under MNIST's names, raw or .gz "
                     "(Fashion-MNIST, KMNIST, ...) (default mnist)", metavar="mnist|FOLDER")
    option("--binarize", "how grey levels become pixels: a fresh draw each epoch, one draw for all, above one half or "
                         "not, or left grey (default dynamic; none for gaussian)",
           choices=("dynamic", "fixed", "threshold", "none"))
    option("--holdout", "how many of the last training images to keep for measuring after each epoch (default 10000, or a "
                        "sixth of a data set of under 60000)",
           type=int, metavar="N")

    group = verb.add_argument_group("the model")
    option("--hidden", "units in each hidden layer of the encoder, first layer first; the decoder mirrors them; "
                       "no number makes both linear (default 400)", type=int, nargs="*", metavar="H")
    option("--latent", "latent dimensions, K (default 20)", type=int, metavar="K")
    option("--activation", "between the layers (default relu)", choices=("relu", "tanh"))
    option("--likelihood", "what the decoder says of a pixel: the probability that it is on, or its mean (default bernoulli)",
           choices=("bernoulli", "gaussian"))
    option("--noise-variance", "of the gaussian likelihood (default 1)", type=float, metavar="V")
    option("--beta", "weight on the KL; 1 trains the ELBO, more presses the latents towards the prior (default 1)",
           type=float, metavar="BETA")
    option("--output-bias", "start the decoder's last bias at the data's mean, or at zero (default data)",
           choices=("data", "zero"))
    option("--dtype", "precision (default float32)", choices=("float32", "float64"))

    group = verb.add_argument_group("the training")
    option("--epochs", "passes through the training images (default 10)", type=int, metavar="N")
    option("--batch", "images per step, B (default 128)", type=int, metavar="B")
    option("--learning-rate", "Adam's step size (default 1e-3)", type=float, metavar="RATE")
    option("--schedule", "keep the step size, or let it fall to nothing along a cosine (default constant)",
           choices=("constant", "cosine"))
    option("--beta-warm-up", "epochs over which beta rises, step by step, to its value (default 0)", type=float, metavar="EPOCHS")


def _evaluate_options(verb):
    verb.add_argument("model", type=pathlib.Path, metavar="MODEL", help="a model.npz, or the folder of its run")
    verb.add_argument("--data", metavar="mnist|FOLDER", help="whose test images (default: what it was trained on)")
    verb.add_argument("--binarize", choices=("dynamic", "fixed", "threshold", "none"),
                      help="how grey levels become pixels (default: as in training)")
    verb.add_argument("--seed", type=int, default=0, help="of the random pixels and noise (default 0)")
    verb.add_argument("--json", action="store_true", help="print one JSON object, for scripts")


def _generate_options(verb):
    verb.add_argument("model", type=pathlib.Path, metavar="MODEL", help="a model.npz, or the folder of its run")
    verb.add_argument("-n", type=int, default=64, metavar="N", help="how many images (default 64)")
    verb.add_argument("--out", type=pathlib.Path, default=pathlib.Path("grid.png"), metavar="PNG",
                      help="the picture's file (default grid.png)")
    verb.add_argument("--draw", action="store_true", help="draw every pixel from p(x|z) in place of showing its mean")
    verb.add_argument("--seed", type=int, default=0, help="of the draws (default 0)")


def _gradcheck_options(verb):
    for name, kind, default, help in (
        ("--data-dim", int, 6, "pixels, D"), ("--latent", int, 2, "latent dimensions, K"), ("--batch", int, 4, "examples, B"),
        ("--noise-variance", float, 1.0, "of the gaussian likelihood"), ("--beta", float, 1.0, "weight on the KL"),
        ("--seed", int, 0, "of weights, data and noise"),
    ):
        verb.add_argument(name, type=kind, default=default, metavar="N", help=f"{help} (default {default:g})")
    verb.add_argument("--hidden", type=int, nargs="*", default=[5], metavar="H", help="units in each hidden layer (default 5)")
    verb.add_argument("--activation", choices=("relu", "tanh"), default="tanh", help="between the layers (default tanh)")
    verb.add_argument("--likelihood", choices=("bernoulli", "gaussian"), default="bernoulli", help="(default bernoulli)")
    verb.add_argument("--dtype", choices=("float32", "float64"), default="float64", help="of the model (default float64)")
