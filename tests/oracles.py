"""The plain expression of each kernel, as it stands in the derivation: the truth that tuned code is held to.

Nothing here is fast or careful. Each function has the signature of the kernel of the same name.
"""

import numpy as np


def dense(x, W, b):
    return x @ W + b


def dense_backward(dy, x, W):
    return dy @ W.T, x.T @ dy, dy.sum(axis=0)


def tanh(a):
    return (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a))


def tanh_backward(dy, y):
    return dy * (1 - y**2)


def relu(a):
    return np.where(a > 0, a, 0)


def relu_backward(dy, y):
    return np.where(y > 0, dy, 0)


def standard_deviation(log_var):
    return np.sqrt(np.exp(log_var))


def standard_deviation_backward(dsigma, sigma):
    return dsigma * sigma / 2


def reparameterize(mu, sigma, eps):
    return mu + sigma * eps


def reparameterize_backward(dz, eps):
    return dz, dz * eps


def kl_divergence(mu, log_var):
    return np.sum(mu**2 + np.exp(log_var) - 1 - log_var, axis=1) / 2


def kl_divergence_backward(dkl, mu, log_var):
    return dkl[:, None] * mu, dkl[:, None] * (np.exp(log_var) - 1) / 2


def gaussian_log_density(z, mu, log_var):
    return np.sum(np.log(np.exp(-((z - mu) ** 2) / (2 * np.exp(log_var))) / np.sqrt(2 * np.pi * np.exp(log_var))), axis=1)


def gaussian_log_density_backward(dlog_density, z, mu, log_var):
    var = np.exp(log_var)
    dmu = dlog_density[:, None] * (z - mu) / var
    return -dmu, dmu, dlog_density[:, None] * ((z - mu) ** 2 / var - 1) / 2


def logistic(logits):
    return 1 / (1 + np.exp(-logits))


def bernoulli_log_likelihood(logits, x):
    p = logistic(logits)
    return np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=1)


def bernoulli_log_likelihood_backward(dll, logits, x):
    return dll[:, None] * (x - logistic(logits))


def gaussian_log_likelihood(mean, x, noise_variance=1.0):
    density = np.exp(-((x - mean) ** 2) / (2 * noise_variance)) / np.sqrt(2 * np.pi * noise_variance)
    return np.sum(np.log(density), axis=1)


def gaussian_log_likelihood_backward(dll, mean, x, noise_variance=1.0):
    return dll[:, None] * (x - mean) / noise_variance


def repeat(a, samples):
    return np.stack([row for row in a for _ in range(samples)])


def repeat_backward(dy, samples):
    return np.stack([dy[start:start + samples].sum(axis=0) for start in range(0, len(dy), samples)])


def mean_over_samples(log_weight):
    return np.sum(log_weight, axis=1) / log_weight.shape[1]


def mean_over_samples_backward(dmean, log_weight):
    return dmean[:, None] / log_weight.shape[1] * np.ones_like(log_weight)


def log_mean_exp(log_weight):
    return np.log(np.sum(np.exp(log_weight), axis=1) / log_weight.shape[1])


def log_mean_exp_backward(dlog_mean, log_weight):
    w = np.exp(log_weight)
    return dlog_mean[:, None] * w / np.sum(w, axis=1, keepdims=True)


def learned_variance_log_likelihood(mean, log_var, x):
    return gaussian_log_likelihood(mean, x, np.exp(log_var))


def learned_variance_log_likelihood_backward(dll, mean, log_var, x):
    dlog_var = np.sum(dll[:, None] * ((x - mean) ** 2 / np.exp(log_var) - 1)) / 2
    return gaussian_log_likelihood_backward(dll, mean, x, np.exp(log_var)), dlog_var


def adam(parameters, gradients, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Algorithm 1 of Kingma & Ba, line by line; return the parameters after a step on each of the gradients."""
    m = v = np.zeros_like(parameters)
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        parameters = parameters - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon)
    return parameters
