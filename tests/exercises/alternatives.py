"""Other correct answers: loops, einsum, another order of operations, lists for tuples; at least one an exercise."""

import math

import numpy as np
from exercises.notebooks import function


def _rowwise(f):
    """Apply a function of rows example by example."""
    return lambda *arrays: np.array([f(*rows) for rows in zip(*arrays)])


def kl_in_loops(mu, log_var):
    totals = []
    for m_row, l_row in zip(mu, log_var):
        total = 0.0
        for m, l in zip(m_row, l_row):
            total += 0.5 * (m * m + math.exp(l) - 1 - l)
        totals.append(total)
    return totals


def kl_by_einsum(dkl, mu, log_var):
    return [np.einsum("b,bk->bk", dkl, mu), np.einsum("b,bk->bk", dkl / 2, np.exp(log_var)) - dkl.reshape(-1, 1) / 2]


def score_with_baseline(f_z, z, mu, log_var):
    score = (z - mu) / np.exp(log_var)
    others = (f_z.sum() - f_z) / (len(f_z) - 1)          # a baseline that leaves each draw out of its own
    f = (f_z - others)[:, None]
    return f * score, f * ((z - mu) * score - 1) / 2


def dense_in_loops(dy, x, W):
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(W.shape[1])
    for n in range(len(x)):
        for o in range(W.shape[1]):
            db[o] += dy[n, o]
            for i in range(W.shape[0]):
                dx[n, i] += dy[n, o] * W[i, o]
                dW[i, o] += dy[n, o] * x[n, i]
    return [dx, dW, db]


def relu_in_place(dy, y):
    dy = dy.copy()
    dy[y <= 0] = 0
    return dy


def logistic_by_masks(a):
    p = np.empty_like(a)
    up = a >= 0
    p[up] = 1 / (1 + np.exp(-a[up]))
    e = np.exp(a[~up])
    p[~up] = e / (1 + e)
    return p


def bernoulli_by_signs(logits, x):
    return -np.logaddexp(0, (1 - 2 * x) * logits).sum(axis=-1)


def fan_in_by_variance(dz, dkl, mu, log_var, eps):
    variance = np.exp(log_var)
    up = np.repeat(dkl[:, np.newaxis], mu.shape[1], axis=1)
    return dz + up * mu, 0.5 * (dz * eps * np.sqrt(variance) + up * variance - up)


def head_in_blocks(dmu, dlog_var, h, W):
    K = dmu.shape[1]
    dW = np.hstack([h.T @ dmu, h.T @ dlog_var])
    return dmu @ W[:, :K].T + dlog_var @ W[:, K:].T, dW, np.r_[dmu.sum(0), dlog_var.sum(0)]


def encoder_as_dict(d_head, x, h, W1):
    da = np.einsum("bj,hj->bh", d_head, W1) * (1 - h) * (1 + h)
    return {"W1": h.T @ d_head, "b1": d_head.sum(0), "W0": np.einsum("bd,bh->dh", x, da), "b0": da.sum(0)}


def decoder_by_examples(dlogits, z, h, W0, W1):
    da = np.array([(1 - row**2) * (W1 @ d) for d, row in zip(dlogits, h)])
    dW0 = sum(np.outer(a, b) for a, b in zip(z, da))
    return da @ W0.T, dW0, sum(da), sum(np.outer(a, b) for a, b in zip(h, dlogits)), sum(dlogits)


def elbo_by_kernels(t, p, beta):
    from minivae.kernels import (bernoulli_log_likelihood_backward, dense_backward, kl_divergence_backward,
                                 reparameterize_backward, standard_deviation_backward, tanh_backward)

    B = len(t["x"])
    d, g = {}, {}
    d["logits"] = bernoulli_log_likelihood_backward(np.full(B, -1 / B), t["logits"], t["x"])
    d["h"], g["decoder.1.W"], g["decoder.1.b"] = dense_backward(d["logits"], t["decoder.0.h"], p["decoder.1.W"])
    d["z"], g["decoder.0.W"], g["decoder.0.b"] = dense_backward(tanh_backward(d["h"], t["decoder.0.h"]), t["z"],
                                                                p["decoder.0.W"])
    mu_z, sigma = reparameterize_backward(d["z"], t["eps"])
    mu_kl, log_var_kl = kl_divergence_backward(np.full(B, beta / B), t["mu"], t["log_var"])
    head = np.hstack([mu_z + mu_kl, standard_deviation_backward(sigma, t["sigma"]) + log_var_kl])
    d["h"], g["encoder.1.W"], g["encoder.1.b"] = dense_backward(head, t["encoder.0.h"], p["encoder.1.W"])
    _, g["encoder.0.W"], g["encoder.0.b"] = dense_backward(tanh_backward(d["h"], t["encoder.0.h"]), t["x"],
                                                           p["encoder.0.W"])
    return g


def adam_by_the_paper_s_end(w, g, m, v, t, learning_rate, beta1, beta2, epsilon):
    m, v = m + (1 - beta1) * (g - m), v + (1 - beta2) * (g * g - v)
    rate = learning_rate * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return [w - rate * m / (np.sqrt(v) + epsilon * np.sqrt(1 - beta2**t)), m, v]


def richardson(f, x):
    h = 1e-3 * max(1.0, abs(x))
    coarse, fine = ((f(x + s) - f(x - s)) / (2 * s) for s in (h, h / 2))
    return (4 * fine - coarse) / 3


def complex_step(f, x):
    return np.imag(f(x + 1e-30j)) / 1e-30


def checker_by_directions(f, gradient, x):
    rng, size = np.random.default_rng(0), np.abs(gradient).max()
    for direction in [*np.eye(x.size).reshape(x.size, *x.shape), *rng.standard_normal((3, *x.shape))]:
        h = 1e-5
        slope = (f(x + h * direction) - f(x - h * direction)) / (2 * h)
        if not abs(slope - (gradient * direction).sum()) < 1e-6 * max(size, abs(slope)):
            return np.False_
    return np.True_


def _keyed(name, change):
    """The notebook's solution, handed in otherwise."""
    right = function("solutions", name)
    return lambda *arguments: change(right(*arguments))


def estimate_by_squares(log_likelihood):
    """The error from the mean square: its ratio to the squared mean is rho, equation 1.7."""
    S = log_likelihood.shape[1]
    log_mean = np.logaddexp.reduce(log_likelihood, axis=1) - np.log(S)
    log_square = np.logaddexp.reduce(2 * log_likelihood, axis=1) - np.log(S)
    return {"relative_error": np.sqrt(np.expm1(log_square - 2 * log_mean) / (S - 1)), "log_p_x": log_mean}


def log_mean_exp_by_moving_the_axis(log_w, axis):
    rows = np.moveaxis(log_w, axis, -1)
    largest = np.maximum(rows.max(-1), -1e300)
    return largest + np.log(np.add.reduce(np.exp(rows - largest[..., None]), -1) / rows.shape[-1])


def bound_by_dot_products(log_likelihood, log_prior, log_q, spacing):
    q = spacing * np.exp(log_q)
    return [np.einsum("bg,bg->b", q, log_likelihood), (q * log_q).sum(1) - q @ log_prior,
            np.vecdot(q, log_likelihood + log_prior - log_q)]


def draws_in_a_loop(mu, log_var, n, eps):
    return [[m + math.sqrt(math.exp(v)) * e for m, v, e in zip(mu[i], log_var[i], row)] for i, row in zip(n, eps)]


def density_by_examples(z, mu, log_var):
    total = np.full(len(z), -np.inf)
    for m, v in zip(mu, log_var):
        total = np.logaddexp(total, -((z - m) ** 2 * np.exp(-v) + v + math.log(math.tau)).sum(1) / 2)
    return total - np.log(len(mu))


def path_by_precision(dz, z, mu, log_var):
    slope = dz - (z * (1 - np.exp(-log_var)) + mu * np.exp(-log_var))
    return {"dmu": slope, "dlog_var": (z - mu) / 2 * slope}


ALTERNATIVES = {
    "log_mean_exp": [lambda log_w, axis: np.logaddexp.reduce(log_w, axis=axis) - np.log(log_w.shape[axis]),
                     log_mean_exp_by_moving_the_axis],
    "naive_estimate": [estimate_by_squares],
    "elbo_by_quadrature": [bound_by_dot_products],
    "objective_and_loss": [lambda log_p, kl_k, beta: (log_p.sum(-1) - kl_k.sum(-1), log_p.sum(-1) - beta * kl_k.sum(-1),
                                                      float((beta * kl_k.sum() - log_p.sum()) / len(log_p)))],
    "aggregate_draws": [draws_in_a_loop],
    "aggregate_log_density": [density_by_examples],
    "kl_divergence": [
        kl_in_loops,
        lambda mu,
        log_var: (np.linalg.norm(np.stack([mu, np.exp(log_var / 2)]), axis=0) ** 2 - 1 - log_var).sum(1) / 2],
    "kl_divergence_backward": [kl_by_einsum],
    "reparameterize": [lambda mu, sigma, eps: (mu / sigma + eps) * sigma],
    "reparameterize_backward": [lambda dz, eps: np.stack([dz, dz * eps]), lambda dz, eps: (g for g in (+dz, eps * dz))],
    "score_function": [score_with_baseline],
    "dense_dx": [lambda dy, W: np.einsum("bo,io->bi", dy, W), lambda dy, W: (np.tensordot(dy, W, axes=(1, 1)),)],
    "dense_dW": [lambda dy, x: sum(np.outer(a, b) for a, b in zip(x, dy)), lambda dy, x: (dy.T @ x).T],
    "dense_db": [lambda dy: np.ones(len(dy)) @ dy, lambda dy: dy.sum(axis=0).tolist(), lambda dy: np.add.reduce(dy)],
    "dense_backward": [dense_in_loops, lambda dy, x, W: {"db": dy.sum(0), "dx": dy @ W.T, "dW": x.T @ dy},
                       lambda dy, x, W: tuple(np.asarray(g, np.float64) for g in (dy @ W.T, x.T @ dy, dy.sum(0)))],
    "tanh_backward": [lambda dy, y: dy - dy * y * y, lambda dy, y: dy * (1 - y) * (1 + y),
                      lambda dy, y: dy / np.cosh(np.arctanh(y)) ** 2],
    "relu_backward": [relu_in_place, lambda dy, y: dy * np.sign(y), lambda dy, y: np.where(y > 0, dy, 0.0)],
    "logistic": [logistic_by_masks, lambda a: np.exp(-np.logaddexp(0, -a))],
    "softplus": [lambda a: np.logaddexp(0, a), lambda a: np.where(a > 0, a, 0) + np.log1p(np.exp(-abs(a)))],
    "bernoulli_log_likelihood": [bernoulli_by_signs],
    "bernoulli_log_likelihood_backward": [lambda dll, logits, x: np.diag(dll) @ (x - (np.tanh(logits / 2) + 1) / 2)],
    "gaussian_log_likelihood": [
        lambda mean, x, noise_variance: -((x - mean) ** 2).sum(1) / (2 * noise_variance)
        - x.shape[1] / 2 * math.log(2 * math.pi * noise_variance)],
    "gaussian_log_likelihood_backward": [lambda dll, mean, x, noise_variance: ((x - mean).T * dll / noise_variance).T],
    "numeric_derivative": [richardson, complex_step],
    "gradient_checker": [checker_by_directions],
    "find_the_bug_1": [_keyed("find_the_bug_1", list)],
    "find_the_bug_2": [_keyed("find_the_bug_2",
                              lambda parts: [{**parts[0], "more": 1}, dict(reversed(parts[1].items()))])],
    "find_the_bug_3": [_keyed("find_the_bug_3", list)],
    "fan_in": [fan_in_by_variance],
    "head_backward": [head_in_blocks],
    "encoder_backward": [encoder_as_dict],
    "decoder_backward": [decoder_by_examples],
    "elbo_backward": [elbo_by_kernels],
    "review": [lambda: ["encoder.0.b", "the activation's slope is missing"]],
    "adam": [adam_by_the_paper_s_end],
    "importance_weighted_bound": [lambda log_weight: np.logaddexp.reduce(log_weight,
                                                                         axis=1) - np.log(log_weight.shape[1])],
    "importance_weighted_bound_backward": [lambda dbound, log_weight: dbound[:, None] * np.exp(
        log_weight - np.logaddexp.reduce(log_weight, axis=1, keepdims=True))],
    "sticking_the_landing": [path_by_precision],
    "doubly_reparameterized": [lambda log_weight, path: np.einsum("bs,bsk->bk", np.exp(
        2 * (log_weight - np.logaddexp.reduce(log_weight, axis=1, keepdims=True))), path)],
    "annealed_log_weight": [lambda log_likelihood, temperatures: (np.diff(temperatures) * log_likelihood).sum(axis=1)],
}
