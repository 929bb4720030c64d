"""The chain of a model's symbols, read backward from the loss: what each gradient is made from.

A wrong gradient spoils every gradient that is computed from it. So the place to look is a tensor that is wrong
although all that it is made from is right. The topology itself is the model's own: its ``chain``.
"""

__all__ = ["Chain"]


class Chain:
    """Who is whose successor, for the symbols and parameters of one model.

    Parameters
    ----------
    sources : dict of str to tuple of str
        What each symbol is made from, in the order of the forward pass, the loss last; what is no key is a parameter.

    Attributes
    ----------
    parameters : list of str
    order : list of str
        Everything that has a gradient, from the loss backward: a parameter follows the last symbol that it enters.
    """

    def __init__(self, sources):
        self.sources = {symbol: tuple(made) for symbol, made in sources.items()}
        self.parameters = list(dict.fromkeys(name for made in self.sources.values() for name in made
                                             if name not in self.sources))
        self.symbols = [symbol for symbol, made in self.sources.items() if made]  # data and noise have no gradient
        users = {name: [s for s, made in self.sources.items() if name in made] for name in [*self.symbols, *self.parameters]}
        leading = set(self.symbols[-1:])  # to the loss
        for symbol in reversed(self.symbols):
            leading |= {symbol} if leading & set(users[symbol]) else set()
        self.leading = leading
        self.users = {name: [user for user in found if user in leading] for name, found in users.items()}
        self.order = []
        for symbol in reversed(self.symbols):
            self.order.append(symbol)
            waiting = [p for p in self.parameters if p not in self.order]
            self.order += [p for p in waiting if set(self.users[p]) <= set(self.order)]

    def layer_inputs(self, parameter):
        """Return the symbol that a layer's W multiplies."""
        return self.sources[self.users[parameter][0]][0]

    def made_from(self, name):
        """Return the symbols whose gradients a symbol's or parameter's gradient is made from."""
        return self.users[name]

    def front(self, wrong):
        """Return those of the wrong that are made from right ones alone, the nearest to the loss first."""
        return [name for name in self.order if name in wrong and not set(self.made_from(name)) & set(wrong)]

    def rows(self):
        """Return the picture's rows, from the loss down: symbols side by side, and the parameters beside them.

        A symbol stands below all that use it. Symbols made from the same, as mu and log_var, stand side by side, and one
        that leads nowhere, as the elbo, stands one row above what it is made from.
        """
        level = {self.symbols[-1]: 0}
        for symbol in reversed(self.symbols[:-1]):
            alike = [s for s in self.symbols if self.sources[s] == self.sources[symbol] and s in self.leading]
            users = [level[user] for s in alike for user in self.users[s]]
            if symbol in self.leading:
                level[symbol] = 1 + max(users)
        for symbol in self.symbols:
            if symbol not in level:
                level[symbol] = min(level[s] for s in self.sources[symbol] if s in level) - 1
        rows = []
        for place in range(1 + max(level.values())):
            row = sorted((s for s in self.symbols if level[s] == place), key=lambda s: s not in self.leading)
            rows.append((row, [p for p in self.parameters if set(self.users[p]) <= set(row)]))
        return rows
