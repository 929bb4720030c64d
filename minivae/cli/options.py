"""The options of every verb of the command line, with their help."""

import argparse
import difflib
import pathlib
import re

__all__ = ["ABOUT", "check_numbers", "parser_for"]

RUN = pathlib.Path("runs/mnist")  # where train puts its run, and the other verbs look for one

ABOUT = """\
minivae: a variational autoencoder in pure NumPy, every gradient written by hand.

  python -m minivae train         train a VAE on MNIST, which is built in, and draw what it has learned
  python -m minivae evaluate      measure a trained model on test images: log p(x), the ELBO and its two parts, in nats
  python -m minivae generate      draw new images from a trained model
  python -m minivae gradcheck     check every gradient of a small model against finite differences
  python -m minivae derivation    print the whole derivation, each equation with the code that implements it
  python -m minivae grade         grade students' answers to the exercises, notebooks or Python files

Each has its own help: python -m minivae train --help
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        """Write what is wrong in one line; --help has the rest."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


class _VerbParser(_Parser):
    def parse_known_args(self, args=None, namespace=None):
        """Refuse an unknown option by its name, before argparse takes the value after it for the verb's argument."""
        options = [option for action in self._actions for option in action.option_strings]
        for word in args[:args.index("--")] if "--" in args else args:
            name = word.partition("=")[0]
            looks_like_one = re.match(r"-[^\d. ]\S*$", name)  # not a negative number
            if looks_like_one and name[:2] not in options and not any(option.startswith(name) for option in options):
                near = difflib.get_close_matches(name, options, 1)
                self.error(f"there is no option {name}" + (f"; did you mean {near[0]}?" if near else ""))
        return super().parse_known_args(args, namespace)


def parser_for(verbs):
    """Return the parser of the command line.

    Parameters
    ----------
    verbs : dict of str to callable
        The function of each verb; its docstring begins the help.
    """
    parser = _Parser(prog="python -m minivae", description=ABOUT, usage=argparse.SUPPRESS,
                     formatter_class=argparse.RawDescriptionHelpFormatter)
    subparsers = parser.add_subparsers(prog=parser.prog, dest="verb", metavar="VERB", help=argparse.SUPPRESS,
                                       parser_class=_VerbParser)
    add_options = {"train": _train_options, "evaluate": _evaluate_options, "generate": _generate_options,
                   "gradcheck": _gradcheck_options, "derivation": _derivation_options,
                   "grade": _grade_options}
    for name, function in verbs.items():
        verb = subparsers.add_parser(name, description=function.__doc__)
        add_options.get(name, lambda verb: None)(verb)
    return parser


def check_numbers(options):
    """Raise a ValueError if an option's number is out of range; the message names the option."""
    from ..model.arguments import finite_number, positive_integer, whole_number  # NumPy, which --help does not need

    def positive(name, number):
        return finite_number(name, number, positive=True)

    checks = {positive_integer: "-n --annealed --batch --data-dim --epochs --hidden --latent --samples --threads",
              whole_number: "--holdout --label --seed", finite_number: "--beta --beta-warm-up",
              positive: "--learning-rate --noise-variance"}
    for option, check in ((option, check) for check, names in checks.items() for option in names.split()):
        value = getattr(options, option.lstrip("-").replace("-", "_"), None)
        for number in value if isinstance(value, list) else [value]:
            if number not in (None, "learned"):
                check(option, number)


TRAIN_EXAMPLES = """\
examples:
  python -m minivae train                                        ten epochs on MNIST, in runs/mnist
  python -m minivae train --latent 2 --out runs/plane            a latent space that fits on a page
  python -m minivae train --beta 4 --out runs/beta4              more weight on the KL: fewer latents stay in use
  python -m minivae train --hidden 200 200 --activation tanh --latent 50 --epochs 100 --learning-rate 2e-3 \\
                          --out runs/deep      slower, and several nats better
  python -m minivae train --objective iwae --samples 5 --out runs/iwae         the importance-weighted bound
  python -m minivae train --conditional --out runs/labels        digits on demand: generate runs/labels --label 7
  python -m minivae train --schedule constant --learning-rate 1e-3 --out runs/long   a run that can be made longer,
  python -m minivae train --out runs/long --resume --epochs 20                       as here by ten more epochs
"""


def _train_options(verb):
    verb.epilog, verb.formatter_class = TRAIN_EXAMPLES, argparse.RawDescriptionHelpFormatter
    group = None

    def option(name, help, **kind):  # absent unless given, so that --resume can tell a choice from a default
        group.add_argument(name, default=argparse.SUPPRESS, help=help, **kind)

    group = verb.add_argument_group("the run")
    group.add_argument("--out", type=pathlib.Path, default=RUN, metavar="FOLDER",
                       help="where the model, history.csv and the pictures go (default runs/mnist)")
    either = group.add_mutually_exclusive_group()
    either.add_argument("--resume", action="store_true",
                        help="continue the run in --out after its last whole epoch, with the settings with which it "
                             "was started; start a new one if there is none")
    either.add_argument("--force", action="store_true", help="start again and replace the run in --out")
    group.add_argument("--no-pictures", dest="pictures", action="store_false",
                       help="draw no pictures: write only model.npz and history.csv")
    group.add_argument("--movie", action="store_true",
                       help="also write learning.gif: the same latents, decoded after every epoch")
    option("--seed", "seed of weights, shuffling, pixels and noise; the same seed gives the same bits (default 0)",
           type=int, metavar="N")

    group = verb.add_argument_group("the data")
    option("--data", "mnist, which is built in, or a folder of four IDX files, raw or .gz, as MNIST, Fashion-MNIST, "
                     "KMNIST, QMNIST and EMNIST are published; if it holds several data sets, one of them, as in "
                     "FOLDER/emnist-letters (default mnist)", metavar="mnist|FOLDER")
    option("--binarize", "how grey levels become pixels: drawn again in each epoch, drawn once, on if above one half, "
                         "or left grey (default dynamic; none for gaussian)",
           choices=("dynamic", "fixed", "threshold", "none"))
    option("--holdout", "how many of the last training images to hold out, for the ELBO after each epoch (default "
                        "10000, or a sixth of the images if there are fewer than 60000)",
           type=int, metavar="N")

    group = verb.add_argument_group("the model")
    option("--hidden", "units in each hidden layer of the encoder, in order; the decoder has them in reverse; "
                       "without a number both are linear (default 400)", type=int, nargs="*", metavar="H")
    option("--conditional", "join the labels to x and to z: a model of p(x|y), which generates images of any label",
           action="store_true")
    option("--latent", "latent dimensions, K (default 20)", type=int, metavar="K")
    option("--activation", "activation between the layers (default relu)", choices=("relu", "tanh"))
    option("--likelihood", "what the decoder's output is: the probability that a pixel is on, or its mean "
                           "(default bernoulli)", choices=("bernoulli", "gaussian"))
    option("--noise-variance", "variance of the gaussian likelihood: a number for all pixels, or learned (default 1)",
           type=_number_or_learned, metavar="V|learned")
    option("--objective", "what training maximizes: the ELBO with its KL in closed form, the ELBO with its KL sampled, "
                          "or the importance-weighted bound (default elbo)", choices=("elbo", "monte-carlo", "iwae"))
    option("--gradient", "plain, or path: the encoder of a sampled objective learns only through z, with less noise; "
                         "the KL of the elbo is then sampled (default plain)", choices=("plain", "path"))
    option("--samples", "draws of z per image for monte-carlo and iwae, S (default 5)", type=int, metavar="S")
    option("--beta", "weight on the KL: 1 gives the ELBO, more pulls the latents towards the prior (default 1)",
           type=float, metavar="BETA")
    option("--output-bias", "start the decoder's last bias at the mean of the data, or at zero (default data)",
           choices=("data", "zero"))
    option("--dtype", "precision of all numbers (default float32)", choices=("float32", "float64"))

    group = verb.add_argument_group("the training")
    option("--epochs", "passes through the training images (default 10)", type=int, metavar="N")
    option("--batch", "images per step, B (default 100)", type=int, metavar="B")
    option("--learning-rate", "Adam's step size; under the schedule cosine, that of the first step (default 5e-3)",
           type=float, metavar="RATE")
    option("--schedule", "keep the step size constant, or let it fall to zero along a cosine, after which a run "
           "cannot be made longer (default cosine)",
           choices=("constant", "cosine"))
    option("--beta-warm-up", "epochs over which beta rises, step by step, to its value (default 0)", type=float,
           metavar="EPOCHS")
    group.add_argument("--threads", type=int, metavar="N", help="threads that share each step (default: one for each "
                                                                "free core if the steps are large enough to gain "
                                                                "from it, else one; with --resume, as many as before)")


def _number_or_learned(word):
    try:
        return word if word == "learned" else float(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a number or the word learned; got {word!r}") from None


def _model_option(verb):
    either = verb.add_mutually_exclusive_group()
    either.add_argument("model", nargs="?", type=pathlib.Path, default=RUN, metavar="MODEL",
                        help="a model.npz, or the folder of a run (default runs/mnist, where train puts it)")
    either.add_argument("--pretrained", action="store_true",
                        help="the VAE that comes with the package, trained on MNIST for 3000 epochs")


def _evaluate_options(verb):
    _model_option(verb)
    verb.add_argument("--data", metavar="mnist|FOLDER",
                      help="data set whose test images to use (default: that of the training)")
    verb.add_argument("--binarize", choices=("dynamic", "fixed", "threshold", "none"),
                      help="how grey levels become pixels (default: as in training)")
    verb.add_argument("--samples", type=int, default=100, metavar="S",
                      help="draws of z per image for log p(x): 100 is quick, papers report 5000 (default 100)")
    verb.add_argument("--annealed", type=int, metavar="N",
                      help="also measure log p(x) of the first N test images by annealed importance sampling, which "
                           "needs no encoder; minutes for a hundred")
    verb.add_argument("--curve", type=pathlib.Path, metavar="PNG", help="draw the bound against the number of draws")
    verb.add_argument("--seed", type=int, default=0, help="seed of the random pixels and noise (default 0)")
    verb.add_argument("--json", action="store_true", help="print one JSON object, for scripts")


def _generate_options(verb):
    _model_option(verb)
    verb.add_argument("-n", type=int, default=64, metavar="N", help="how many images (default 64)")
    verb.add_argument("--out", type=pathlib.Path, default=pathlib.Path("grid.png"), metavar="PNG",
                      help="the picture's file (default grid.png)")
    verb.add_argument("--label", type=int, metavar="Y",
                      help="for a conditional model, the label of all images (default: each in turn)")
    verb.add_argument("--draw", action="store_true", help="draw every pixel from p(x|z) instead of showing its mean")
    verb.add_argument("--seed", type=int, default=0, help="seed of the draws (default 0)")


def _gradcheck_options(verb):
    for name, kind, default, help in (
        ("--data-dim", int, 6, "pixels, D"), ("--latent", int, 2, "latent dimensions, K"),
        ("--batch", int, 4, "examples, B"),
        ("--noise-variance", _number_or_learned, 1.0, "variance of the gaussian likelihood, or learned"),
        ("--beta", float, 1.0, "weight on the KL"), ("--seed", int, 0, "seed of weights, data and noise"),
    ):
        verb.add_argument(name, type=kind, default=default, metavar="N", help=f"{help} (default {default:g})")
    for name, help, choices in (
        ("--activation", "activation between the layers ", ("tanh", "relu")),
        ("--likelihood", "", ("bernoulli", "gaussian")), ("--objective", "", ("elbo", "monte-carlo", "iwae")),
        ("--dtype", "dtype of the model ", ("float64", "float32")),
    ):
        verb.add_argument(name, choices=choices, default=choices[0], help=f"{help}(default {choices[0]})")
    verb.add_argument("--hidden", type=int, nargs="*", default=[5], metavar="H",
                      help="units in each hidden layer (default 5)")
    verb.add_argument("--samples", type=int, metavar="S",
                      help="draws of z per example for monte-carlo and iwae (default 3)")
    verb.add_argument("--conditional", action="store_true", help="a model of p(x|y), with three labels")


def _derivation_options(verb):
    verb.add_argument("--html", metavar="FILE",
                      help="write a page that steps through one pass of a small model, symbol by symbol: equation, "
                           "code and numbers side by side")


def _grade_options(verb):
    verb.add_argument("place", type=pathlib.Path, metavar="FILE_OR_FOLDER",
                      help="a notebook, a Python file, or a folder of submissions")
    verb.add_argument("--exercises", nargs="+", metavar="NAME|NUMBER",
                      help="which: by name, or all of a notebook by its number (default all)")
    verb.add_argument("--seconds", type=float, default=20.0, metavar="S",
                      help="time limit for running a file, and again for each exercise (default 20)")
    verb.add_argument("--in-all", type=float, default=300.0, metavar="S",
                      help="time limit for the whole of a submission (default 300)")
    verb.add_argument("--jobs", type=int, metavar="N", help="submissions graded at a time (default: one for each core)")
    verb.add_argument("--keep", type=pathlib.Path, metavar="FILE",
                      help="where each result is kept as it comes, so that the same command continues where it stopped "
                           "(default: the name of what is graded, with .graded.jsonl added; beside --out if that "
                           "folder cannot be written to)")
    verb.add_argument("--fresh", action="store_true", help="grade everything again, whatever was kept")
    verb.add_argument("--roster", type=pathlib.Path, metavar="FILE",
                      help="names of all students, one on each line or in the first column of a table; those who "
                           "handed in nothing get a row too")
    verb.add_argument("--points", type=pathlib.Path, metavar="FILE",
                      help="points of the exercises, a table of exercise and points (default: their stars)")
    verb.add_argument("--due", metavar="DATE[TTIME]",
                      help="files changed after it are late, and the table says by how many days; a date alone is the "
                           "end of that day")
    verb.add_argument("--late-per-day", type=float, default=0.0, metavar="PERCENT",
                      help="percent of the points that each late day costs; a day that has begun counts (default 0)")
    verb.add_argument("--overrides", type=pathlib.Path, metavar="FILE",
                      help="marks by hand: a table of student, exercise (or late, or total), points and comment")
    verb.add_argument("--anonymous", type=pathlib.Path, metavar="KEYFILE",
                      help="write pseudonyms in place of names; this file keeps which name each stands for")
    verb.add_argument("--feedback", type=pathlib.Path, metavar="FOLDER", help="write a page for each student there")
    verb.add_argument("--seed", type=int, metavar="N",
                      help="seed of the cases on which answers are tested (default: that of the results kept, else "
                           "random; it is printed)")
    either = verb.add_mutually_exclusive_group()
    either.add_argument("--csv", action="store_true", help="a row for each submission, for a gradebook")
    either.add_argument("--json", action="store_true", help="one JSON object, for scripts")
    verb.add_argument("--out", type=pathlib.Path, metavar="FILE",
                      help="write the table there (default: to the terminal)")
