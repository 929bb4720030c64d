"""Each kernel in its plain form: one line of NumPy for each array that it returns, in the order of the derivation.

Read these first. The kernels of the same names, in the other modules, compute the same numbers faster, can write into
given arrays, and stay accurate where these lines overflow or cancel. Tests hold them to these lines. Nothing is checked
here. Shapes: B batch, I inputs, O outputs, H hidden, K latent, D data (pixels), S samples per example.
"""

import numpy as np

__all__ = []  # the names that the package exports are those of the other modules


# --- q(z|x) and its divergence from the prior: equations 3.3, 3.4, 3.7 and 3.9 to 3.11 ---

def kl_divergence(mu, log_var):
    return 0.5 * np.sum(mu**2 + np.exp(log_var) - 1 - log_var, axis=1)


def kl_divergence_backward(dkl, mu, log_var):
    dmu = dkl[:, None] * mu
    dlog_var = dkl[:, None] * 0.5 * (np.exp(log_var) - 1)
    return dmu, dlog_var


def standard_deviation(log_var):
    return np.exp(0.5 * log_var)


def standard_deviation_backward(dsigma, sigma):
    return dsigma * 0.5 * sigma


def gaussian_log_density(z, mu, log_var):
    return -0.5 * np.sum(np.log(2 * np.pi) + log_var + (z - mu) ** 2 / np.exp(log_var), axis=1)


def gaussian_log_density_backward(dlog_density, z, mu, log_var):
    dmu = dlog_density[:, None] * (z - mu) / np.exp(log_var)
    dz = -dmu
    dlog_var = dlog_density[:, None] * 0.5 * ((z - mu) ** 2 / np.exp(log_var) - 1)
    return dz, dmu, dlog_var


# --- the draw: equations 4.5 and 4.8 ---

def reparameterize(mu, sigma, eps):
    return mu + sigma * eps


def reparameterize_backward(dz, eps):
    dmu = dz
    dsigma = dz * eps
    return dmu, dsigma


# --- layers: equations 5.2 and 5.4 to 5.11 ---

def dense(x, W, b):
    return x @ W + b


def dense_backward(dy, x, W):
    dx = dy @ W.T
    dW = x.T @ dy
    db = dy.sum(axis=0)
    return dx, dW, db


def tanh(a):
    return np.tanh(a)


def tanh_backward(dy, y):
    return dy * (1 - y**2)


def relu(a):
    return np.maximum(a, 0)


def relu_backward(dy, y):
    return dy * (y > 0)


# --- likelihoods: equations 5.12, 5.13, 5.16 and 5.18 to 5.23 ---

def logistic(logits):
    return 1 / (1 + np.exp(-logits))


def bernoulli_log_likelihood(logits, x):
    return np.sum(x * logits - np.log(1 + np.exp(logits)), axis=1)


def bernoulli_log_likelihood_backward(dll, logits, x):
    return dll[:, None] * (x - logistic(logits))


def gaussian_log_likelihood(mean, x, noise_variance=1.0):
    return -0.5 * np.sum((x - mean) ** 2 / noise_variance + np.log(2 * np.pi * noise_variance), axis=1)


def gaussian_log_likelihood_backward(dll, mean, x, noise_variance=1.0):
    return dll[:, None] * (x - mean) / noise_variance


def learned_variance_log_likelihood(mean, log_var, x):
    return -0.5 * np.sum((x - mean) ** 2 / np.exp(log_var) + np.log(2 * np.pi) + log_var, axis=1)


def learned_variance_log_likelihood_backward(dll, mean, log_var, x):
    dmean = dll[:, None] * (x - mean) / np.exp(log_var)
    dlog_var = np.sum(dll[:, None] * 0.5 * ((x - mean) ** 2 / np.exp(log_var) - 1))
    return dmean, dlog_var


# --- several draws for each example: equations 10.13 and 10.22 to 10.24 ---

def repeat(a, samples):
    return np.repeat(a, samples, axis=0)


def repeat_backward(dy, samples):
    return dy.reshape(-1, samples, dy.shape[1]).sum(axis=1)


def mean_over_samples(log_weight):
    return np.mean(log_weight, axis=1)


def mean_over_samples_backward(dmean, log_weight):
    return dmean[:, None] * np.ones_like(log_weight) / log_weight.shape[1]


def log_mean_exp(log_weight):
    return np.log(np.mean(np.exp(log_weight), axis=1))


def log_mean_exp_backward(dlog_mean, log_weight):
    return dlog_mean[:, None] * np.exp(log_weight) / np.sum(np.exp(log_weight), axis=1, keepdims=True)
