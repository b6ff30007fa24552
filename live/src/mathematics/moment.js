// The moment M ← βM + (1 − β)g: SOFIM's step length, the average's memory, and the norm in which error and moment contract.

/** How long SOFIM's step is, v = M̂, where ‖M̂‖ = s: η s/(ρ + s²). */
export const stepLength = (eta, rho, s) => (eta * s) / (rho + s * s);

/** The moments after each of the gradients, as they are and divided by 1 − βᵗ. */
export function moments(beta, gradients) {
  let [M, power] = [0, 1];
  return gradients.map((g) => {
    M = beta * M + (1 - beta) * g;
    power *= beta;
    return { plain: M, corrected: M / (1 - power) };
  });
}

/** The weights (1 − β)βᵏ of the last n gradients in the moment, oldest first. */
export function weights(beta, n) {
  const w = [1 - beta];
  while (w.length < n) w.push(w[w.length - 1] * beta);
  return w.reverse();
}

/** SOFIM without bias correction on w²/2: the pairs of error and moment from `start` on, while they are below `huge`. */
export function path(beta, eta, rho, start, steps, huge = 1e6) {
  const points = [start];
  for (let t = 0; t < steps; t++) {
    let [error, M] = points[t];
    M = beta * M + (1 - beta) * error;
    error -= (eta * M) / (rho + M * M);
    if (!(Math.abs(error) < huge)) break;
    points.push([error, M]);
  }
  return points;
}

/**
 * The norm ‖(Δ, M)‖_P for the Hessian's one eigenvalue 1 and the step a = η/ρ, as the upper triangular R with ‖z‖_P = ‖Rz‖, the
 * factor γ by which every step contracts it, and the spectral radius r of a step. Null where the iteration diverges.
 */
export function companionNorm(beta, a) {
  const c = 1 + beta - (1 - beta) * a;
  if (!(Math.abs(c) < 1 + beta)) return null;
  const largest = (sum) => (sum * sum > 4 * beta ? (sum + Math.sqrt(sum * sum - 4 * beta)) / 2 : Math.sqrt(beta));
  const radius = largest(Math.abs(c)); // of the roots of y² − cy + β
  const gamma = (1 + radius) / 2;
  const u = c / (gamma + beta / gamma);
  const rest = 1 - u * u;
  const norms = [[gamma, beta / gamma], [beta / gamma, gamma]].map(([pi, theta]) => {
    const shape = 1 - 2 * theta * u + theta * theta;
    const row = (Math.sqrt(shape) * pi) / (1 - beta);
    const price = (shape / rest) * ((1 - theta * u) ** 2 + pi * pi * rest); // (Z G)²
    return { price, R: [[Math.sqrt(shape / rest), (row * (theta - u)) / Math.sqrt(rest)], [0, row]] };
  });
  const { R } = norms[0].price <= norms[1].price ? norms[0] : norms[1];
  return { R, gamma, radius };
}

/** ‖z‖_P. */
export const lengthOf = (R, [x, y]) => Math.hypot(R[0][0] * x + R[0][1] * y, R[1][1] * y);

/** n points of the ellipse ‖z‖_P = length. */
export function ellipse(R, length, n = 121) {
  return Array.from({ length: n }, (_, k) => {
    const turn = (2 * Math.PI * k) / (n - 1);
    const y = (length * Math.sin(turn)) / R[1][1];
    return [(length * Math.cos(turn) - R[0][1] * y) / R[0][0], y];
  });
}
