"""`check_curvature` names the example that is wrong, labels that aren't the data's, blocks, and a point that is old."""

import numpy as np
import pytest

from sofim_ref.problems import FiniteSum
from sofim_ref.testing import check_curvature
from sofim_ref.testing.museum import setting
from sofim_ref.testing.museum.setting import one_hot


def verdict(at, product, answer, **more):
    return check_curvature(at.problem, at.w, at.batch, **{product: answer}, **more)


def with_labels(at, y):
    """The same problem, the batch's labels replaced."""
    targets = np.array(at.problem.targets)
    targets[at.batch] = y
    return FiniteSum(at.problem.model, at.problem.likelihood, at.problem.features, targets, at.problem.l2)


# ---------------------------------------------------------------------------- one example


@pytest.mark.parametrize("product", ["hvp", "ggnvp"])
@pytest.mark.parametrize(
    ("share", "said"), [(-1, "example 7 of the batch is absent"), (1, "example 7 of the batch is there twice")]
)
def test_an_example_that_is_left_out_or_there_twice_is_named(product, share, said):
    at = setting("classes")
    one = at.problem.oracle(at.w, at.batch[6:7])

    def ggnvp(oracle, v):
        return oracle.gauss_newton_product(oracle.output_hessian(), v)

    of = {"hvp": lambda oracle, v: oracle.hvp(v) - at.problem.l2 * v * (oracle is one), "ggnvp": ggnvp}[product]
    found = verdict(at, product, lambda v: of(at.oracle, v) + share * of(one, v) / at.B)
    assert (found.kind, found.found) == ("examples", said)
    assert f"the other {at.B - 1} examples are right; {said}" in str(found)


def test_an_example_with_another_label_is_named():
    at = setting("classes")
    y = at.y.copy()
    y[4] = (y[4] + 1) % at.C
    other = with_labels(at, y).oracle(at.w, at.batch)
    found = verdict(at, "hvp", other.hvp)
    assert found.found == f"example 5 of the batch has the label {y[4]}, not {at.y[4]}"
    found = verdict(at, "per_example_gradients", other.per_example_gradients())
    assert found.found == f"example 5 of the batch has the label {y[4]}, not {at.y[4]}"


@pytest.mark.parametrize("name", ["classes", "numbers"])
@pytest.mark.parametrize("product", ["ggnvp", "vjp", "jvp", "per_example_gradients"])
def test_an_example_that_is_wrong_in_any_way_is_named(name, product):
    at, rng = setting(name), np.random.default_rng(0)
    H = np.array(at.oracle.output_hessian())
    J, g = np.array(at.J), np.array(at.g)
    H[2] = np.diag(rng.uniform(1, 2, at.C))
    g[2], wrong = rng.standard_normal(g.shape[1]), J.copy()
    wrong[2] = rng.standard_normal(J[2].shape)
    answers = {
        "ggnvp": lambda v: np.einsum("bci,bcd,bdj,j->i", J, H, J, v) / at.B,
        "vjp": lambda u: np.einsum("bci,bc->i", J, u * (1 + 3 * (np.arange(at.B) == 2)[:, None] * [[1, 2, 3][: at.C]])),
        "jvp": lambda v: wrong @ v,
        "per_example_gradients": lambda: g,
    }
    found = verdict(at, product, answers[product])
    assert found.found == "example 3 of the batch is wrong", str(found)


# ---------------------------------------------------------------------------- labels


def test_the_most_probable_labels_are_recognized():
    at = setting("classes")
    oracle = with_labels(at, at.p.argmax(axis=1)).oracle(at.w, at.batch)
    found = verdict(at, "hvp", oracle.hvp)
    assert found.found == "Hessian for the most probable labels", str(found)
    found = verdict(at, "per_example_gradients", oracle.per_example_gradients())
    assert found.found == "gradients for the most probable labels"
    at = setting("yes or no")
    targets = (np.asarray(at.f[:, 0]) > 0).astype(np.asarray(at.problem.targets).dtype)
    found = verdict(
        at, "per_example_gradients", with_labels(at, targets).oracle(at.w, at.batch).per_example_gradients()
    )
    assert found.found == "gradients for the most probable labels"


def test_labels_that_were_drawn_are_recognized():
    at, rng = setting("classes"), np.random.default_rng(3)
    y = np.asarray([rng.choice(at.C, p=p) for p in at.p])
    found = verdict(at, "per_example_gradients", at.back(at.p - one_hot(y, at.C)))
    changed = int(np.sum(y != at.y))
    assert found.found == "gradients for other labels, as if drawn from the model"
    assert f"{changed} of {at.B} labels aren't the data's" in str(found)


# ---------------------------------------------------------------------------- blocks and points


@pytest.mark.parametrize("product", ["hvp", "ggnvp"])
def test_the_block_diagonal_part_and_the_diagonal_are_named(product):
    at = setting("classes")
    H = np.array(at.oracle.hessian() if product == "hvp" else at.oracle.gauss_newton_of(at.oracle.output_hessian()))
    owner = np.concatenate([np.full(x.stop - x.start, i) for i, x in enumerate(at.problem.layers)])
    matrix = "Hessian" if product == "hvp" else "Gauss–Newton matrix"
    blocks = verdict(at, product, lambda v: (H * (owner[:, None] == owner)) @ v)
    assert blocks.found == f"block-diagonal part of the {matrix}, a block a layer"
    diagonal = verdict(at, product, lambda v: np.diag(H) * v)
    assert diagonal.found == f"diagonal of the {matrix}"


@pytest.mark.parametrize("product", ["hvp", "vjp", "per_example_gradients"])
def test_the_point_of_the_step_before_is_recognized(product):
    at = setting("classes")
    before = at.w + 0.1 * np.random.default_rng(0).standard_normal(at.w.size)
    old = at.problem.oracle(before, at.batch)
    J = np.asarray(old.jacobian())
    answers = {
        "hvp": old.hvp,
        "vjp": lambda u: np.einsum("bci,bc->i", J, u),
        "per_example_gradients": old.per_example_gradients,
    }
    found = verdict(at, product, answers[product], previous=before)
    assert (found.kind, found.found) == ("another", "the previous point")
    assert verdict(at, product, answers[product]).found != "the previous point"


def test_a_previous_point_of_another_shape_is_refused():
    at = setting("classes")
    with pytest.raises(ValueError, match=r"previous must have shape \(38,\), got \(3,\)"):
        verdict(at, "hvp", at.oracle.hvp, previous=np.ones(3))


# ---------------------------------------------------------------------------- half precision


def test_answers_in_bfloat16_are_judged_by_its_eps():
    torch = pytest.importorskip("torch")
    at = setting("classes")

    def rounded(x):
        return torch.asarray(np.array(x)).to(torch.bfloat16)

    found = verdict(at, "hvp", lambda v: rounded(at.oracle.hvp(v)))
    assert found.holds, str(found)
    assert "no more than rounding to bfloat16 explains" in str(found)
    found = verdict(at, "hvp", lambda v: rounded(at.B * at.oracle.hvp(v)))
    assert (found.kind, found.scale_name) == ("scaled", "B")
    found = verdict(at, "hvp", lambda v: rounded(at.oracle.gauss_newton_product(at.oracle.output_hessian(), v)))
    assert found.holds is False
    half = verdict(at, "per_example_gradients", np.asarray(at.g).astype(np.float16))
    assert half.holds
    assert "float16" in str(half)
