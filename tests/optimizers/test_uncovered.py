"""What the layered methods' C is on parameters that no layer covers, and with weights shared among positions."""

import numpy as np
import pytest

from sofim_ref import EKFAC, FOOF, SOAP, Eva, KLShampoo, Muon, Shampoo, models, problems

RNG = np.random.default_rng(0)
H, S, E = RNG.standard_normal((4, 3, 2)), RNG.standard_normal((4, 3, 2)), RNG.standard_normal((4, 2))
WHOLE = np.concatenate([E, np.einsum("nti,ntj->nij", H, S).reshape(4, 4)], axis=1)
SQUARES = np.mean(E**2, axis=0)


class Partly(problems.Problem):
    """Two parameters of no layer, and a layer that shares its weights among three positions; all answers are given."""

    dim, l2, size, n_outputs, layers = 6, 0.0, 4, 1, (models.Layer(2, 2, 2),)
    uncovered = (models.ParameterBlock("scale", 0, 2),)
    like = np.zeros(6)

    def answer_gradient(self, at):
        return WHOLE.mean(axis=0)

    def answer_layer_statistics(self, at):
        return (models.LayerStatistics(self.layers[0], H, S),)

    def answer_layer_statistics_of(self, at, u):
        return self.answer_layer_statistics(at)

    def answer_output_gradient(self, at):
        return np.zeros((4, 1))

    def answer_per_example_gradients(self, at):
        return WHOLE

    def answer_per_example_gradients_of(self, at, u):
        return WHOLE


METHODS = {
    "ekfac": lambda **settings: EKFAC(damping=0.5, labels="data", **settings),
    "eva": lambda **settings: Eva(damping=0.5, **settings),
    "foof": lambda **settings: FOOF(damping=0.5, **settings),
    "soap": lambda **settings: SOAP(epsilon=0.5, **settings),
}


def blocks(optimizer, steps=1):
    problem, state = Partly(), optimizer.init(np.zeros(6))
    for _ in range(steps):
        state, choice = optimizer.precondition(state, problem.oracle(np.zeros(6)))
    return [block.to_dense() for block in choice.matrix.blocks]


@pytest.mark.parametrize("name", METHODS)
def test_they_get_a_diagonal_or_the_identity_or_are_refused(name):
    squares = np.abs(E.mean(axis=0)) if name == "soap" else SQUARES
    for steps in (1, 3):
        diagonal, layer = blocks(METHODS[name](uncovered="diagonal"), steps)
        identity, same = blocks(METHODS[name](uncovered="identity"), steps)
        np.testing.assert_allclose(diagonal, np.diag(squares + 0.5), rtol=1e-14)
        np.testing.assert_array_equal(identity, np.eye(2))
        np.testing.assert_array_equal(layer, same)


WORDS = {
    "eva": "the empirical Fisher matrix's diagonal",
    "ekfac": "the Fisher matrix's diagonal",
    "foof": "the Fisher matrix's diagonal",
    "soap": "Adam's diagonal",
    "shampoo": "AdaGrad's diagonal",
    "kl-shampoo": "the root of averaged squares of the gradient",
    "muon": r"diag \|N\|, so the signs of the momentum as the step,",
}
OTHERS = {"shampoo": Shampoo, "kl-shampoo": KLShampoo, "muon": Muon}


@pytest.mark.parametrize("name", WORDS)
def test_a_refusal_says_what_the_method_s_own_diagonal_is(name):
    said = rf'no layer covers the parameters scale: uncovered="diagonal" takes {WORDS[name]} there, .*"refuse"'
    with pytest.raises(ValueError, match=said):
        blocks((METHODS | OTHERS)[name]())


def test_with_shared_weights_eva_takes_the_mean_input_and_the_summed_gradient():
    u = np.outer(H.mean(axis=(0, 1)), S.sum(axis=1).mean(axis=0)).ravel()
    np.testing.assert_allclose(
        blocks(METHODS["eva"](uncovered="identity"))[1], 0.5 * np.eye(4) + np.outer(u, u), rtol=1e-12
    )


@pytest.mark.parametrize("approximation", ["expand", "reduce"])
def test_with_shared_weights_foof_takes_every_position_or_their_mean(approximation):
    h = H.reshape(12, 2) if approximation == "expand" else H.mean(axis=1)
    A = h.T @ h / len(h) + 0.5 * np.eye(2)
    found = blocks(METHODS["foof"](uncovered="identity", approximation=approximation))[1]
    np.testing.assert_allclose(found, np.kron(A, np.eye(2)), atol=1e-14)


def test_with_shared_weights_ekfac_takes_the_squares_of_whole_gradients():
    h, s = H.reshape(12, 2), S.reshape(12, 2)
    Q = np.kron(np.linalg.eigh(h.T @ h)[1], np.linalg.eigh(s.T @ s)[1])
    a = np.mean((WHOLE[:, 2:] @ Q) ** 2, axis=0) + 0.5
    np.testing.assert_allclose(blocks(METHODS["ekfac"](uncovered="identity"))[1], (Q * a) @ Q.T, atol=1e-13)
