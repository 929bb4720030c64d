"""A minivae model in PyTorch, with its very weights: python tests/benchmarks/to_pytorch.py MODEL.npz [--processes 2]

Computes the loss and every gradient of a batch in both and says how far apart they are. With more processes each takes
a share of the batch and PyTorch averages their gradients, as it would over the machines of a cluster. Needs torch.
"""

import argparse
import pathlib
import sys
import tempfile

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1])]

import minivae as mv   # noqa: E402

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


class TorchVAE(nn.Module):
    """A Bernoulli VAE with a minivae model's weights; calling it on (x, eps) gives the loss."""

    def __init__(self, model):
        if model.settings["likelihood"] != "bernoulli" or model.conditions:
            raise ValueError("TorchVAE is for a Bernoulli VAE without labels; got a model of another kind.")
        super().__init__()
        self.encoder = stack(model.encoder, model.parameters)
        self.decoder = stack(model.decoder, model.parameters)
        self.beta = model.beta

    def forward(self, x, eps):
        mu, log_var = self.encoder(x).chunk(2, dim=1)
        sigma = torch.exp(0.5 * log_var)
        logits = self.decoder(mu + sigma * eps)
        log_likelihood = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(dim=1)
        kl = 0.5 * (mu**2 + torch.expm1(log_var) - log_var).sum(dim=1)
        return -(log_likelihood - self.beta * kl).mean()


def stack(mlp, parameters):
    """Return a stack of dense layers. PyTorch keeps W transposed: (outputs, inputs)."""
    layers = []
    for W, b in zip(mlp.W, mlp.b):
        linear = nn.Linear(*parameters[W].shape)
        linear.weight.data = torch.tensor(parameters[W].T.copy())
        linear.bias.data = torch.tensor(parameters[b].copy())
        layers += [linear, ACTIVATIONS[mlp.activation]()]
    return nn.Sequential(*layers[:-1])  # no activation after the last


def gradients(module, model):
    """Return the module's gradients under minivae's names, in minivae's shapes."""
    named = {}
    for mlp, layers in ((model.encoder, module.encoder), (model.decoder, module.decoder)):
        for W, b, linear in zip(mlp.W, mlp.b, layers[::2]):
            named[W], named[b] = linear.weight.grad.T.numpy(), linear.bias.grad.numpy()
    return named


def share_of_the_work(rank, processes, path, x, eps, meeting, out):
    """Be one of several processes: backward through a share of the batch; PyTorch averages the gradients of all."""
    torch.distributed.init_process_group("gloo", init_method=meeting.as_uri(), rank=rank, world_size=processes)
    model = mv.VAE.load(path)
    module = TorchVAE(model)
    shared = nn.parallel.DistributedDataParallel(module)
    loss = shared(x.chunk(processes)[rank], eps.chunk(processes)[rank])
    loss.backward()
    torch.distributed.all_reduce(loss.detach())
    if rank == 0:
        np.savez(out, loss=loss.item() / processes, **gradients(module, model))
    torch.distributed.destroy_process_group()


def in_pytorch(path, x, eps, processes=1):
    """Return the loss and the gradients by name; the batch must divide by the number of processes."""
    x, eps = torch.from_numpy(x), torch.from_numpy(eps)
    if processes == 1:
        model = mv.VAE.load(path)
        module = TorchVAE(model)
        loss = module(x, eps)
        loss.backward()
        return loss.item(), gradients(module, model)
    with tempfile.TemporaryDirectory() as folder:
        meeting, out = pathlib.Path(folder, "meeting"), pathlib.Path(folder, "out.npz")
        torch.multiprocessing.spawn(share_of_the_work, (processes, path, x, eps, meeting, out), processes)
        with np.load(out) as arrays:
            named = dict(arrays)
    return named.pop("loss").item(), named


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="what model.save or training wrote")
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    model, rng = mv.VAE.load(arguments.model), np.random.default_rng(0)
    x = (rng.random((100, model.data_dim)) < 0.2).astype(model.dtype)
    eps = rng.standard_normal((100, model.latent_dim)).astype(model.dtype)
    trace = model.forward(x, eps)
    _, grads = model.backward(trace)
    loss, named = in_pytorch(arguments.model, x, eps, arguments.processes)
    print(f"loss: minivae {trace.loss:.6f}, PyTorch {loss:.6f}")
    for name, gradient in grads.items():
        apart = np.abs(gradient - named[name]).max() / np.abs(gradient).max()
        print(f"{name:14} differs by {apart:.1e} of its largest entry")


if __name__ == "__main__":
    main()
