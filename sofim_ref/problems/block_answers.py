"""The answers of a loss over blocks of rows: what is a mean is averaged, what has a row an example is joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.models import LayerStatistics
from sofim_ref.problems.sizes import check_rows
from sofim_ref.problems.supervised_loss import SupervisedLoss

if TYPE_CHECKING:
    from sofim_ref.problems.block_oracle import BlockOracle


class BlockAnswers(SupervisedLoss):
    """Each question, asked of block after block."""

    def answer_value(self, at: BlockOracle) -> Array:
        """Return the mean of the blocks' values, or the one that came with the gradient."""
        return at.value_alone()

    def answer_gradient(self, at: BlockOracle) -> Array:
        """Return the mean of the blocks' gradients; their values, which cost no second pass, are remembered."""
        return at.loss()[1]

    def answer_hessian(self, at: BlockOracle) -> Array:
        """Return the mean of the blocks' Hessians; the gradient comes with it."""
        return at.mean(lambda rows, _: rows.hessian(), with_loss=True)

    def answer_hvp(self, at: BlockOracle, v: Array) -> Array:
        """Return the mean of the blocks' products."""
        return at.mean(lambda rows, _: rows.hvp(v))

    def answer_gauss_newton_of(self, at: BlockOracle, H: Array) -> Array:
        """Return the mean of the blocks' matrices, each with its rows of H."""
        return at.mean(lambda rows, place: rows.gauss_newton_of(H[place, ...]))

    def answer_gauss_newton_product(self, at: BlockOracle, H: Array, v: Array) -> Array:
        """Return the mean of the blocks' products, each with its rows of H."""
        return at.mean(lambda rows, place: rows.gauss_newton_product(H[place, ...], v))

    def answer_outputs(self, at: BlockOracle) -> Array:
        """Return the blocks' outputs, joined."""
        return at.rows("the outputs", lambda rows, _: rows.outputs())

    def answer_output_gradient(self, at: BlockOracle) -> Array:
        """Return the blocks' derivatives in the outputs, joined."""
        return at.rows("the output gradients", lambda rows, _: rows.output_gradient())

    def answer_output_hessian(self, at: BlockOracle) -> Array:
        """Return the blocks' second derivatives in the outputs, joined."""
        return at.rows("the output Hessians", lambda rows, _: rows.output_hessian())

    def answer_output_fisher(self, at: BlockOracle) -> Array:
        """Return the blocks' Fisher matrices in the outputs, joined."""
        return at.rows("the outputs' Fisher matrices", lambda rows, _: rows.output_fisher())

    def answer_output_fisher_factor(self, at: BlockOracle) -> Array:
        """Return their factors, joined."""
        return at.rows("the outputs' Fisher factors", lambda rows, _: rows.output_fisher_factor())

    def answer_sampled_output_gradient(self, at: BlockOracle, rng: np.random.Generator) -> Array:
        """Return the derivatives for drawn labels, joined: row after row, so that blocks draw the same labels."""
        return at.rows("the output gradients", lambda rows, _: rows.sampled_output_gradient(rng))

    def answer_jacobian(self, at: BlockOracle) -> Array:
        """Return the blocks' Jacobians, joined."""
        check_rows("the Jacobian", at, self.n_outputs)
        return at.rows("the Jacobian", lambda rows, _: rows.jacobian())

    def answer_per_example_gradients(self, at: BlockOracle) -> Array:
        """Return the blocks' gradients an example, joined."""
        check_rows("the gradients", at, 1)
        return at.rows("the gradients", lambda rows, _: rows.per_example_gradients())

    def answer_per_example_gradients_of(self, at: BlockOracle, u: Array) -> Array:
        """Return the blocks' products Jₙᵀ uₙ, joined."""
        check_rows("the gradients", at, 1)
        return at.rows("the gradients", lambda rows, place: rows.per_example_gradients_of(u[place, ...]))

    def answer_layer_statistics(self, at: BlockOracle) -> tuple[LayerStatistics, ...]:
        """Return the blocks' layer inputs and gradients, joined."""
        return at.rows("the layers' inputs and gradients", lambda rows, _: rows.layer_statistics())

    def answer_layer_statistics_of(self, at: BlockOracle, u: Array) -> tuple[LayerStatistics, ...]:
        """Return the same for u in place of ∇ℓ."""
        return at.rows("the layers' inputs and gradients", lambda rows, place: rows.layer_statistics_of(u[place, ...]))
