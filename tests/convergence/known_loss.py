"""Losses on the host of which everything is known: what a certificate makes of them is a formula."""

import numpy as np

from sofim_ref.convergence.host_loss import LONG, HostLoss
from sofim_ref.problems import Constants

EPS = float(np.finfo(np.float64).eps)
LONG_EPS = float(np.finfo(LONG).eps)


class Known(HostLoss):
    """A loss whose gradient and Hessian are the same everywhere, and off by known amounts."""

    def __init__(self, gradient, hessian):
        self.known = np.asarray(gradient[0]), gradient[1]
        self.curvature = np.asarray(hessian[0]), hessian[1]

    def gradient(self, w):
        return self.known

    def hessian(self, w):
        return self.curvature

    def product(self, w):
        return self.curvature[0].__matmul__

    def constants(self, center, radius):
        return Constants(), 0.0


class Halved(Known):
    """The loss ½ wᵀw, with twice its Hessian: a step of Newton's method halves the error."""

    def gradient(self, w):
        return w, 0.0
