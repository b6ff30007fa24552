"""Experiments on convergence, one a file: each a function that lessons, pages and tests call for its numbers."""

from sofim_ref.convergence.experiments.adaptive_rho import adaptive_rho, best_settings
from sofim_ref.convergence.experiments.beyond_images import beyond_images
from sofim_ref.convergence.experiments.diagonal_and_rank_one import conditions, steps_needed
from sofim_ref.convergence.experiments.distances import steps_from_distances
from sofim_ref.convergence.experiments.equal_cost import equal_cost
from sofim_ref.convergence.experiments.kronecker_fits import dependent_block, kronecker_fits, median_fits
from sofim_ref.convergence.experiments.mlp_minimum import mlp_minimum
from sofim_ref.convergence.experiments.newton_order import damped_orders, newton_order
from sofim_ref.convergence.experiments.noise_floor import noise_floors
from sofim_ref.convergence.experiments.quasi_newton import quasi_newton
from sofim_ref.convergence.experiments.rank_k import full_batch_rate, rank_k
from sofim_ref.convergence.experiments.rank_one_term import without_rank_one
from sofim_ref.convergence.experiments.redescent import redescent
from sofim_ref.convergence.experiments.tail_rate import tail_rate
from sofim_ref.convergence.experiments.where_not_convex import saddle, valley, where_not_convex

__all__ = [
    "adaptive_rho",
    "best_settings",
    "beyond_images",
    "conditions",
    "damped_orders",
    "dependent_block",
    "equal_cost",
    "full_batch_rate",
    "kronecker_fits",
    "median_fits",
    "mlp_minimum",
    "newton_order",
    "noise_floors",
    "quasi_newton",
    "rank_k",
    "redescent",
    "saddle",
    "steps_from_distances",
    "steps_needed",
    "tail_rate",
    "valley",
    "where_not_convex",
    "without_rank_one",
]
