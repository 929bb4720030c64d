"""The command line: python -m minivae train | evaluate | generate | gradcheck | derivation | grade.

Each verb has a function here, which reads its options and calls the package. A user's mistake becomes one line on
standard error. Exit codes: 0 done, 1 not possible, 2 wrong option, 130 stopped by Ctrl-C. gradcheck: 0 pass, 1 fail,
3 inconclusive. grade: 0 all answers are right, 3 some are not.
"""

import contextlib
import json
import os
import shlex
import signal
import sys
import warnings

from .options import ABOUT, check_numbers, parser_for

__all__ = ["main"]


def main(argv=None):
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : list of str, optional
        The words after ``python -m minivae``; by default the process's own.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # started without this stream, as by pythonw or >&-
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that lacks a character shows ? in its place
            stream.reconfigure(errors="replace")
    verbs = {verb.__name__: verb for verb in (train, evaluate, generate, gradcheck, derivation, grade)}
    options = parser_for(verbs).parse_args(argv)
    if options.verb is None:
        print(ABOUT, end="")
        return 0
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code = verbs[options.verb](options) or 0
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # another Ctrl-C would cut the message short
        print(f"\nStopped. {_after_interrupt(options)}".rstrip(), file=sys.stderr)
        signal.signal(signal.SIGINT, before)
        return 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, ArithmeticError, MemoryError) as error:
        print(f"python -m minivae {options.verb}: error: {_in_words(error, options.verb)}", file=sys.stderr)
        return 1


def _show_warning(message, category, *where, usual=warnings.showwarning, **more):
    """Show the package's own warnings, which are written for its user, as notes; show all others as usual."""
    _note(message) if category is UserWarning else usual(message, category, *where, **more)


def _note(message):
    print(f"Note: {message}", file=sys.stderr)


def _in_words(error, verb):
    if isinstance(error, OSError) and error.strerror:  # the operating system's message without its number
        return f"{error.filename or 'the output cannot be written'}: {error.strerror}"
    if isinstance(error, MemoryError):
        smaller = {"evaluate": "--samples", "generate": "-n", "gradcheck": "--hidden, --data-dim or --batch"}
        return f"{error or 'too little memory'}. Take a smaller {smaller.get(verb, '--hidden, --latent or --batch')}."
    return str(error) or type(error).__name__


def train(options):
    """Train a VAE, save it with its history and pictures in a folder, and report the ELBO."""
    from . import run  # brings NumPy, which --help does not need

    check_numbers(options)
    chosen = {name: getattr(options, name) for name in run.DEFAULTS if hasattr(options, name)}
    settings, done = run.resolve(options.out, chosen, resume=options.resume, force=options.force)
    finished = 0 < settings["epochs"] <= done
    if 0 < done < settings["epochs"]:
        print(f"Continuing {options.out} after epoch {done} of {settings['epochs']}.")
    _caution(settings["likelihood"], settings["binarize"], settings["noise_variance"], settings["beta_warm_up"],
             settings["epochs"])
    summary = run.run(options.out, settings, resume=options.resume, threads=options.threads, pictures=options.pictures,
                      movie=options.movie)
    if finished:
        more = f"To train it longer: --resume --epochs {2 * done}." if settings["schedule"] == "constant" else (
            "Its step size has fallen to zero, so it cannot be made longer; train a new one with more --epochs.")
        print(f"The run in {options.out} is finished: it has its {_epochs(done)}. {more}")
    else:
        print(_closing_words(options.out, summary))


def _caution(likelihood, binarize=None, noise_variance=1.0, warm_up=0, epochs=1):
    if likelihood == "bernoulli" and binarize == "none":
        _note("grey levels under a Bernoulli: these nats are not a log density of grey pictures; on average they are "
              "at most the log p(x) of --binarize dynamic.")
    if warm_up > epochs:
        _note(f"beta rises over {warm_up:g} epochs (--beta-warm-up), and there are only {epochs}: it will not reach "
              "its value.")
    if likelihood == "bernoulli" and noise_variance != 1.0:
        _note("--noise-variance belongs to the gaussian likelihood; a Bernoulli has none, so it changes nothing.")


def _after_interrupt(options):
    """Return what a run that was stopped by Ctrl-C has saved, and how to continue."""
    if options.verb == "grade":
        return "Every result so far is kept: the same command continues from there."
    if options.verb != "train":
        return ""
    model_file = options.out / "model.npz"
    if not model_file.exists():
        return "Nothing was saved yet: give the same command again."
    how = f"To continue: python -m minivae train --out {_quoted(options.out)} --resume"
    try:
        from ..training import load_checkpoint
        return f"{model_file} holds the model after {_epochs(len(load_checkpoint(model_file).history))}. {how}"
    except (ImportError, ValueError, OSError):  # stopped during an import, which then fails; or not our run
        return how


def _quoted(path):
    return shlex.quote(str(path))


def _epochs(n):
    return f"{n} epoch" if n == 1 else f"{n} epochs"


def _threads(work):
    """Return how the work was shared; BLAS is mentioned only if it was not limited to one thread."""
    threads = f"{work['threads']} thread{'s' * (work['threads'] > 1)}"
    return threads if "held" in work["blas"] else f"{threads}; the BLAS is {work['blas']}"


def _closing_words(folder, summary):
    settings = summary["settings"]
    lines = [*_what_came_of_it(summary["history"], summary["seconds"], summary["work"]),
             f"In {folder}: {', '.join(summary['files'])}", "Next:",
             f"  python -m minivae evaluate {_quoted(folder)}      log p(x) and the ELBO on images it has never seen",
             f"  python -m minivae generate {_quoted(folder)}      new images"]
    if settings["data"] == "mnist":
        if summary["history"][-1]["epoch"] < 100:
            lines.append("  python -m minivae generate --pretrained      images from a VAE trained for 3000 epochs: "
                         f"after {summary['history'][-1]['epoch']}, many samples are not digits yet")
        if settings["latent"] != 2:
            lines.append("  python -m minivae train --latent 2 --out runs/plane      a latent space to look at")
    lines.append("The course begins with notebooks/00_what_you_will_build.ipynb.")
    return "\n".join(lines)


def _what_came_of_it(history, seconds, work):
    """Return lines with the ELBO and its parts after the first and the last epoch, or after the only one."""
    first, last = history[0], history[-1]
    on, prefix = ("held-out", "held_out_") if "held_out_elbo" in last else ("training", "")
    names = {"objective": "objective", "ELBO": "elbo", "log p(x|z)": "log_likelihood", "KL": "kl"}
    names = {label: prefix + name for label, name in names.items() if prefix + name in last}
    rows = [(label, first[name], last[name]) for label, name in names.items()]
    trained = (f"Trained {_epochs(last['epoch'])} ({seconds:.0f} s this time, on {_threads(work)}). On {on} images, in "
               "nats per image")
    if len(history) == 1:
        return [f"{trained}:", *(f"  {label:12} {number:9.2f}" for label, number, _ in rows)]
    return [f"{trained}, after the first epoch and after the last:",
            *(f"  {label:12} {start:9.2f}  →  {end:9.2f}" for label, start, end in rows)]


def evaluate(options):
    """Measure a model on a data set's test images: log p(x), the ELBO and its parts, active units."""
    import numpy as np

    from .. import evaluation
    from . import run

    check_numbers(options)
    if options.curve:
        from .. import plots
        plots.check_png(options.curve, "--curve")  # at once, and not after minutes of work
    model, notes = run.open_model(run.PRETRAINED if options.pretrained else options.model)
    data, how = options.data or notes["data"], options.binarize or notes["binarize"]
    with run.remembered_by(options.model) if options.data is None else contextlib.nullcontext():
        test = run.load_data(data)
    _caution(model.settings["likelihood"], how)
    images = run.test_rows(model, test, data)
    numbers = evaluation.evaluate(model, images, binarize=how, rng=np.random.default_rng(options.seed),
                                  samples=options.samples, progress=True)
    annealed = {}
    if options.annealed:
        found = evaluation.evaluate_annealed(model, images[:options.annealed], binarize=how, samples=options.samples,
                                             rng=np.random.default_rng(options.seed), progress=True)
        annealed = {"annealed": found}
    if options.json:
        print(json.dumps(numbers | annealed | {"binarize": how, "data": data, "given_labels": bool(model.conditions),
                                               "training": model.record}))
    else:
        given = ", given their labels" if model.conditions else ""
        print(_about_its_training(model.record), end="")
        print(f"Measured on {len(images):,} test images of {data}{given}, binarization {how}; in nats per image, ± "
              "standard error:")
        print(evaluation.as_text(numbers))
        if annealed:
            print(f"  On the first {found['images']:,} of them, log p(x) by annealing (from the prior, "
                  f"{found['chains']} chains, {found['temperatures']} temperatures):\n    {found['log_px']:.2f} ± "
                  f"{found['log_px_draws_se']:.2g} over chains; by {found['samples']:,} draws from q(z|x) "
                  f"{found['importance']:.2f}.\n  Both are too low on average. The higher one is nearer to the truth.")
    doubt = evaluation.doubt(numbers)
    if doubt:
        _note(doubt)
    if options.curve:
        curve = evaluation.BoundCurve(list(numbers["bound"]), list(numbers["bound"].values()),
                                      list(numbers["bound_draws_se"].values()))
        name = "the VAE of the package" if options.pretrained else str(options.model)
        plots.save(plots.bound_curves({name: curve}), options.curve)


def _about_its_training(record):
    """Return how a model was trained, in two lines; nothing if its file does not record it."""
    if not record:
        return ""
    schedule = "" if record["schedule"] == "constant" else f", {record['schedule']}"
    warm_up = f", beta warm-up over {record['beta_warm_up']:g} epochs" if record["beta_warm_up"] else ""
    planned = "" if record["epochs"] == record["planned_epochs"] else f" of {record['planned_epochs']} planned"
    return (f"Trained for {_epochs(record['epochs'])}{planned} by {record['optimizer']}, "
            f"step size {record['learning_rate']:g}{schedule}, batch {record['batch_size']}, "
            f"binarization {record['binarize']}{warm_up}, seed {record['seed']},\n"
            f"  on images {record['images']}.\n")


def generate(options):
    """Generate new images with a model and draw them in one picture."""
    import numpy as np

    from .. import plots
    from ..evaluation.cores import one_blas_thread
    from . import run

    check_numbers(options)
    plots.check_png(options.out, "--out")
    model, notes = run.open_model(run.PRETRAINED if options.pretrained else options.model)
    if options.label is not None and not model.conditions:
        raise ValueError("--label is for a conditional model; this one was trained without labels. Train one with "
                         "--conditional.")
    label = {"label": run.labels_to_draw(model, notes, options.n, options.label)} if model.conditions else {}
    with one_blas_thread():
        images = model.generate(options.n, rng=np.random.default_rng(options.seed), draw=options.draw, **label)
    given = "x|z" if not model.conditions else "x|z, y" if options.label is None else f"x|z, y = {options.label}"
    title = f"New images: z drawn from the prior, then {'x drawn from' if options.draw else 'the mean of'} p({given})"
    plots.save(plots.image_grid(images, tuple(notes["image_shape"]), title=title), options.out)
    print(f"Wrote {options.out}.")


def gradcheck(options):
    """Check every kernel, every symbol and every parameter of a small model against finite differences."""
    import numpy as np

    from ..gradcheck import check_model
    from ..model import join_labels
    from .kinds import check_noise_variance, draws_per_image, kind_of_model

    check_numbers(options)
    check_noise_variance(options.noise_variance, options.likelihood)
    classes = 3 if options.conditional else 0
    kind, more = kind_of_model(options.objective, classes)
    _caution(options.likelihood, noise_variance=options.noise_variance)
    model = kind(options.data_dim, options.hidden, options.latent, options.activation, options.likelihood,
                 noise_variance=options.noise_variance, beta=options.beta, dtype=options.dtype, seed=options.seed,
                 **more)
    rng = np.random.default_rng(options.seed)
    model.parameters.flat[:] += 0.1 * rng.standard_normal(model.parameters.flat.size)  # biases too, else zero
    x = rng.integers(0, 2, (options.batch, model.data_dim)).astype(model.dtype)
    if classes:
        x = join_labels(x, np.arange(options.batch) % classes, classes)
    samples = draws_per_image(options.objective, options.samples, default=3)
    report = check_model(model, x, rng.standard_normal((options.batch * samples, model.latent_dim)))
    print(report)
    return {"pass": 0, "fail": 1, "inconclusive": 3}[report.verdict]


def derivation(options):
    """Print every equation with the code that implements it; or write the walk, a page that steps through one pass."""
    if options.html:
        from ..lesson import step_through, toy
        step_through(*toy()).save(options.html)
        print(f"Wrote {options.html}. Open it in a browser, and step through one pass of a small model with → and ←.")
        return
    from ..derivation import as_table
    print(as_table())


def grade(options):
    """Grade students' answers to the exercises: each submission in a process of its own, with a time limit.

    A file is one submission; in a folder each file is one, and so is each subfolder with all its notebooks. The
    processes keep one student's mistakes from another's result; they are not a security sandbox. Each result is kept as
    it comes, and the same command continues where it stopped.
    """
    from ..grading import grade_all
    return grade_all(options)
