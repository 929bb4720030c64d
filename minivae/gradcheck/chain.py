"""The VAE's chain of symbols, read backward from the loss: what each gradient is made from.

A wrong gradient spoils all that come after it on the way back. So the place to look is a tensor that is wrong
while all it is made from are right.
"""

__all__ = ["Chain"]


class Chain:
    """Who is whose successor, for the symbols and parameters of one VAE.

    Parameters
    ----------
    symbols : sequence of str
        Of the trace, in the order of the forward pass.
    parameters : sequence of str

    Attributes
    ----------
    order : list of str
        Everything that has a gradient, from the loss backward.
    """

    def __init__(self, symbols, parameters):
        self.encoder = [s for s in symbols if s.startswith("encoder.")]
        self.decoder = [s for s in symbols if s.startswith("decoder.")]
        self.output = next((s for s in symbols if s in ("logits", "mean")), None)
        self.head = ["mu", "log_var"]
        self.sampled = "log_weight" in symbols   # an objective over samples, whose KL is drawn
        self.parameters = list(parameters)
        rest = [s for s in reversed(symbols) if s not in ("x", "label", "eps")]
        self.order = []
        for symbol in rest:
            self.order.append(symbol)
            waiting = [p for p in self.parameters if p not in self.order]
            self.order += [p for p in waiting if set(self.made_from(p)) <= set(self.order)]
        self.order += [p for p in self.parameters if p not in self.order]

    def layer_inputs(self, parameter):
        """Return the symbol that a layer's W multiplies."""
        stack, layer, _ = parameter.split(".")
        hidden = self.encoder if stack == "encoder" else self.decoder
        return hidden[int(layer) - 1] if int(layer) else {"encoder": "x", "decoder": "z"}[stack]

    def made_from(self, name):
        """Return the symbols whose gradients a symbol's or parameter's gradient is made from."""
        if name in self.parameters:
            return self._above(name)
        z, weight, kl = self.decoder[:1] or [self.output], "objective", "kl"
        if self.sampled:
            z, weight, kl = [*z, "log_prior", "log_q"], "log_weight", "log_q"
        known = {"loss": [], "objective": ["loss"], "elbo": ["loss"], "log_weight": ["objective"],
                 "log_likelihood": [weight], "kl": [weight], "log_prior": ["kl"], "log_q": ["kl"],
                 self.output: ["log_likelihood"], "z": z, "sigma": ["z"],
                 "mu": ["z", kl], "log_var": ["sigma", kl]}
        if name in known:
            return known[name]
        hidden, above = (self.encoder, self.head) if name in self.encoder else (self.decoder, [self.output])
        place = hidden.index(name) + 1 if name in hidden else 0
        return [hidden[place]] if place < len(hidden) else above

    def _above(self, parameter):
        parts = parameter.split(".")
        if len(parts) != 3 or not parts[1].isdigit():   # the likelihood's own, as decoder.log_var
            return ["log_likelihood"]
        hidden, above = (self.encoder, self.head) if parts[0] == "encoder" else (self.decoder, [self.output])
        return [hidden[int(parts[1])]] if int(parts[1]) < len(hidden) else above

    def front(self, wrong):
        """Return those of the wrong that are made from right ones alone, the nearest to the loss first."""
        return [name for name in self.order if name in wrong and not set(self.made_from(name)) & set(wrong)]

    def rows(self):
        """Return the picture's rows, from the loss down: symbols side by side, and the parameters beside them."""
        drawn = ([["log_weight"]], [["log_prior", "log_q"]]) if self.sampled else ([], [])
        rows = [["loss"], ["objective", "elbo"], *drawn[0], ["log_likelihood", "kl"], *drawn[1], [self.output]]
        rows += [[h] for h in reversed(self.decoder)] + [["z"], ["sigma"], self.head]
        rows += [[h] for h in reversed(self.encoder)]
        return [(row, [p for p in self.parameters if set(self._above(p)) <= set(row)]) for row in rows]
