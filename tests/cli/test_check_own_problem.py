"""`sofim-ref check` on a file that has a problem of its own: a network of this library's, of torch, of JAX."""

import pytest

OWN = """
import numpy as np
import sofim_ref as sr

rng = np.random.default_rng(0)
problem = sr.problems.FiniteSum(sr.models.MLP((4, 3, 2)), sr.likelihoods.Gaussian(), rng.standard_normal((12, 4)),
                                rng.standard_normal((12, 2)))
w = rng.standard_normal(problem.dim)
IS = "empirical Fisher, diagonal"

def per_example_gradients(parameters, X, y):
    h = np.tanh(X @ parameters["0.weight"].T + parameters["0.bias"])
    s2 = h @ parameters["2.weight"].T + parameters["2.bias"] - y
    s1 = s2 @ parameters["2.weight"] * (1 - h**2)
    return [s1[:, :, None] * X[:, None], s1, s2[:, :, None] * h[:, None], s2]

def fisher(parameters, X, y):
    return [(g**2).mean(0) for g in per_example_gradients(parameters, X, y)]
"""


def test_a_file_may_have_a_problem_and_a_point_of_its_own(checked):
    status, said = checked(OWN)
    assert status == 0, said
    assert "fisher is what the file says" in said
    assert "per_example_gradients is what its name says" in said
    status, said = checked(OWN.replace("(g**2).mean(0)", "g.mean(0)**2"))
    assert status == 1
    assert "This is the squared mean gradient" in said


IN_TORCH = """
import torch
import sofim_ref as sr

torch.manual_seed(0)
network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 2), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(8, 3))
X, y = torch.randn(12, 1, 3, 3), torch.arange(12) % 3
problem = sr.problems.FiniteSum(sr.models.TorchModel(network), sr.likelihoods.Categorical(3), X, y)
IS = "squared mean gradient"

def fisher(parameters, X, y):
    network.zero_grad()
    torch.nn.functional.cross_entropy(network(X), y).backward()
    return {name: p.grad**2 for name, p in network.named_parameters()}

def hvp(parameters, X, y, v):
    def gradient(p):
        loss = lambda p: torch.nn.functional.cross_entropy(torch.func.functional_call(network, p, X), y)
        return torch.func.grad(loss)(p)
    return torch.func.jvp(gradient, (parameters,), (v,))[1]
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
def test_a_torch_module_s_file_is_judged_at_its_own_weights(checked):
    pytest.importorskip("torch")
    status, said = checked(IN_TORCH)
    assert status == 0, said
    assert "hvp is what its name says" in said


IN_JAX = """
import jax
import jax.numpy as jnp
import sofim_ref as sr

a, b = jax.random.split(jax.random.key(0))
params = {"hidden": {"w": jax.random.normal(a, (4, 5)), "b": jnp.zeros(5)}, "out": [jax.random.normal(b, (5, 3))]}
X, y = jax.random.normal(b, (12, 4)), jnp.arange(12) % 3

def apply(params, X):
    return jnp.tanh(X @ params["hidden"]["w"] + params["hidden"]["b"]) @ params["out"][0]

def loss(params, X, y):
    return -jnp.mean(jax.nn.log_softmax(apply(params, X))[jnp.arange(len(y)), y])

problem = sr.problems.FiniteSum(sr.models.JaxModel(apply, params), sr.likelihoods.Categorical(3), X, y)

def hvp(parameters, X, y, v):
    return jax.jvp(lambda at: jax.grad(loss)(at, X, y), (parameters,), (v,))[1]

def per_example_gradients(parameters, X, y):
    return jax.vmap(jax.grad(lambda p, x, k: loss(p, x[None], k[None])), (None, 0, 0))(parameters, X, y)
"""


@pytest.mark.slow
def test_a_jax_function_s_file_has_its_parameters_as_a_tree(checked):
    pytest.importorskip("jax")
    status, said = checked(IN_JAX)
    assert status == 0, said
    status, said = checked(IN_JAX.replace("-jnp.mean(jax", "-jnp.sum(jax"))
    assert "hvp is not what its name says. This is not the Hessian-vector product: it is B times" in said


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("problem = 3", "problem must be a FiniteSum, got 3: a likelihood on a model and data."),
        ("PROBLEM = 'classes'", "PROBLEM stands in place of problem: define one of the two."),
        ("BACKEND = 'torch'", "BACKEND stands in place of problem, which has one: leave it out."),
        ("w = np.ones(3)", "w must have shape (23,), got (3,)"),
        ("w = [1.0]", "w must have shape (23,), got (1,)"),
        ("w = 'here'", "w must be an array"),
    ],
)
def test_a_problem_that_can_t_be_used_is_refused(line, message, checked):
    status, said = checked(f"{OWN}\n{line}\n")
    assert status == 2
    assert message in said
