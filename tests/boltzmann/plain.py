"""Learning once more, in NumPy and float64: one step from given rows of both phases, as the texts have it."""

import numpy as np


def means(kind, fields):
    if kind == "gaussian":
        return fields
    return np.tanh(fields) if kind == "spin" else 1.0 / (1.0 + np.exp(-fields))


class Learner:
    """Parameters, velocities and offsets, and what a step makes of them."""

    def __init__(
        self, parameters, hidden, offsets, *, learning_rate, momentum=0.0, weight_decay=0.0, centering
    ):
        self.weights, self.visible_biases, self.hidden_biases = (
            np.array(part, dtype=float) for part in parameters
        )
        self.velocity = [np.zeros_like(self.weights), 0.0 * self.visible_biases, 0.0 * self.hidden_biases]
        self.hidden, self.centering = hidden, centering
        self.visible_offset, self.hidden_offset = (np.array(part, dtype=float) for part in offsets)
        self.rate, self.momentum, self.decay = learning_rate, momentum, weight_decay

    def awake(self, data):
        return means(self.hidden, data @ self.weights + self.hidden_biases)

    def gradient(self, data, awake, visible, hidden, shares):
        """Of (v - mu) (h - lambda), and the biases that keep the machine when the offsets are taken away."""
        mu = self.visible_offset if self.centering else 0.0 * self.visible_offset
        nu = self.hidden_offset if self.centering else 0.0 * self.hidden_offset
        weights = (data - mu).T @ (awake - nu) / len(data)
        weights -= (visible - mu).T @ (shares[:, None] * (hidden - nu))
        visible_biases = data.mean(axis=0) - shares @ visible - weights @ nu
        hidden_biases = awake.mean(axis=0) - shares @ hidden - mu @ weights
        return weights, visible_biases, hidden_biases

    def step(self, data, asleep):
        """Learn from rows of data and from (visible units, means of hidden ones, shares) of the machine."""
        awake = self.awake(data)
        if self.centering:
            self.hidden_offset = 0.99 * self.hidden_offset + 0.01 * awake.mean(axis=0)
        changes = [self.rate * part for part in self.gradient(data, awake, *asleep)]
        changes[0] -= self.rate * self.decay * self.weights
        self.velocity = [self.momentum * v + c for v, c in zip(self.velocity, changes, strict=True)]
        self.weights += self.velocity[0]
        self.visible_biases += self.velocity[1]
        self.hidden_biases += self.velocity[2]

    @property
    def parameters(self):
        return self.weights, self.visible_biases, self.hidden_biases
