"""Processor time to a held-out ELBO, beside PyTorch's basic VAE example: python tests/benchmarks/to_a_good_model.py

Three trainings of ten epochs on the same 50,000 images, in one run and on one thread each: minivae by its defaults,
minivae as its defaults were before (step size 1e-3 throughout, batches of 128), and the example of PyTorch's
repository with its own settings (examples/vae: 784-400-20, relu, Adam 1e-3, batches of 128, and grey levels where
minivae draws pixels). After each epoch the ELBO is measured on the other 10,000 images, for all with the same pixels
and noise; the clock stands still meanwhile. PyTorch is left out where it is not installed. Writes
results/to_a_good_model.md.
"""

import argparse
import os
import pathlib
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"   # PyTorch's; minivae is told

import numpy as np   # noqa: E402

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1])]

import minivae as mv   # noqa: E402
from minivae.training import loop   # noqa: E402
from timing import machine, write_tables   # noqa: E402

TARGETS = (-110.0, -105.0, -102.0)
BEFORE = {"learning_rate": 1e-3, "schedule": "constant", "batch_size": 128}


def minivae(images, held_out, epochs, seed=0, **settings):
    """Return (seconds of processor, held-out ELBO) after each epoch of ``mv.train``."""
    points, measure, clock = [], loop._held_out_means, [time.process_time()]

    def measured(*arguments):
        seconds = time.process_time() - clock[0]
        row = measure(*arguments)
        points.append((seconds, row["held_out_elbo"]))
        clock[0] = time.process_time() - seconds  # it stands still while the ELBO is measured
        return row

    loop._held_out_means = measured
    try:
        model = mv.VAE(784, seed=seed)
        model.start_output_at(images.reshape(len(images), -1).mean(axis=0) / 255)
        mv.train(model, images, epochs=epochs, held_out=held_out, seed=seed, threads=1, progress=False, **settings)
    finally:
        loop._held_out_means = measure
    return points


def pytorch_example(images, held_out, epochs, seed=0):
    """Return the same for PyTorch's example; its loss is that of the example, its held-out ELBO is minivae's."""
    import torch
    from torch import nn
    from torch.nn import functional
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    layers = nn.ModuleDict({"fc1": nn.Linear(784, 400), "fc21": nn.Linear(400, 20), "fc22": nn.Linear(400, 20),
                            "fc3": nn.Linear(20, 400), "fc4": nn.Linear(400, 784)})

    def logits_mu_log_var(x, eps):
        h = functional.relu(layers["fc1"](x))
        mu, log_var = layers["fc21"](h), layers["fc22"](h)
        return layers["fc4"](functional.relu(layers["fc3"](mu + eps * torch.exp(0.5 * log_var)))), mu, log_var

    def elbo(x, pixels, eps):
        logits, mu, log_var = logits_mu_log_var(x, eps)
        log_likelihood = -functional.binary_cross_entropy_with_logits(logits, pixels, reduction="sum")
        return log_likelihood + 0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())

    rng = np.random.default_rng([seed, 1])  # as mv.train measures: the pixels of 500 images, their noise, and so on
    batches = []
    for start in range(0, len(held_out), 500):
        pixels = mv.data.binarize(held_out[start:start + 500].reshape(-1, 784), "dynamic", rng=rng)
        batches.append((torch.from_numpy(pixels),
                        torch.from_numpy(rng.standard_normal((len(pixels), 20)).astype("float32"))))
    x = torch.from_numpy(images.reshape(-1, 784) / np.float32(255))
    adam, points, spent = torch.optim.Adam(layers.parameters(), 1e-3), [], 0.0
    for _ in range(epochs):
        start = time.process_time()
        for batch in torch.randperm(len(x)).split(128):
            loss = -elbo(x[batch], x[batch], torch.randn(len(batch), 20))
            adam.zero_grad()
            loss.backward()
            adam.step()
        spent += time.process_time() - start
        with torch.no_grad():
            points.append((spent, sum(float(elbo(pixels, pixels, eps)) for pixels, eps in batches) / len(held_out)))
    return points


def row_of(name, points):
    """Return a row: the first epoch's end at which each target was reached, in seconds, then the last epoch's."""
    reached = [next((f"{seconds:.1f}" for seconds, elbo in points if elbo >= target), "not reached")
               for target in TARGETS]
    return [name, *reached, f"{points[-1][0]:.1f}", f"{points[-1][1]:.2f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    images = mv.load_mnist().train_images
    images, held_out = images[:50_000], images[50_000:]
    runs = {"minivae": lambda: minivae(images, held_out, arguments.epochs),
            "minivae, step size 1e-3, batches of 128": lambda: minivae(images, held_out, arguments.epochs, **BEFORE),
            "PyTorch's example": lambda: pytorch_example(images, held_out, arguments.epochs)}
    rows = []
    for name, run in runs.items():
        try:
            rows.append(row_of(name, run()))
            print(*rows[-1], sep="  ", flush=True)
        except ImportError as error:
            print(f"{name}: not installed: {error.name}")
    if arguments.epochs == 10 and len(rows) == len(runs):
        columns = ["", *(f"to {target:.0f}, s" for target in TARGETS), "ten epochs, s", "their ELBO"]
        write_tables(HERE / "results" / "to_a_good_model.md", "Processor time to a held-out ELBO",
                     f"{machine()} One thread each, seconds on the processor at the end of the first epoch whose "
                     "held-out ELBO was that high, in nats per image; all three are measured on the same 10,000 "
                     "images, pixels and noise, and the time that this takes is not counted. PyTorch's example trains "
                     "on grey levels, which is its own choice.",
                     [("784-400-20, ten epochs of 50,000 images", columns, rows)])


if __name__ == "__main__":
    main()
