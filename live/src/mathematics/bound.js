// The linear-quadratic bound of SOFIM with β = 0 on logistic regression in two dimensions:
// ‖Δ⁺‖ ≤ ξ₁‖Δ‖ + ξ₂‖Δ‖² with ξ₁ = ‖I − ηC⁻¹H(w)‖ and ξ₂ = ηM/(2ρ), C = ρI + ggᵀ, whose inverse has the norm 1/ρ.

/** The larger eigenvalue of [[a, b], [b, c]]. */
export const largest = ([a, b, c]) => (a + c) / 2 + Math.hypot((a - c) / 2, b);

/** The largest singular value of [[a, b], [c, d]]. */
export function norm([a, b, c, d]) {
  const [p, q] = [Math.hypot(a + d, c - b), Math.hypot(a - d, b + c)];
  return (p + q) / 2;
}

/** A Lipschitz constant of the Hessian: λ_max of the mean of ‖x‖xxᵀ, times the largest |σ''|, 1/(6√3). */
export function hessianLipschitz(points) {
  const sum = [0, 0, 0];
  for (const [x, y] of points) {
    const length = Math.hypot(x, y);
    [x * x, x * y, y * y].forEach((entry, i) => (sum[i] += (length * entry) / points.length));
  }
  return largest(sum) / (6 * Math.sqrt(3));
}

/** ξ₁, given the gradient and the Hessian [a, b, c] at w. */
export function firstCoefficient(eta, rho, g, [a, b, c]) {
  const scale = 1 / (rho + g[0] * g[0] + g[1] * g[1]);
  const [p, q, r] = [(1 - scale * g[0] * g[0]) / rho, (-scale * g[0] * g[1]) / rho, (1 - scale * g[1] * g[1]) / rho]; // C⁻¹
  return norm([1 - eta * (p * a + q * b), -eta * (p * b + q * c), -eta * (q * a + r * b), 1 - eta * (q * b + r * c)]);
}

/** ξ₂. */
export const secondCoefficient = (eta, rho, M) => (eta * M) / (2 * rho);
