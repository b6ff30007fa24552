// Losses of two parameters. Each has value, gradient, hessian, fisher and examples' gradients at w; matrices are [a, b, c] for
// [[a, b], [b, c]]. Every loss and every matrix is a mean over examples.

const mean = (rows, f) => {
  const sum = [];
  for (const row of rows) f(row).forEach((entry, i) => (sum[i] = (sum[i] ?? 0) + entry));
  return sum.map((entry) => entry / rows.length);
};
const outer = ([x, y]) => [x * x, x * y, y * y];

/** ½ wᵀHw, H having the eigenvalue 1 along `angle` and κ across it; its Fisher matrix is H, and it is one example. */
export function quadratic({ angle, condition }) {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const H = [c * c + condition * s * s, (1 - condition) * c * s, s * s + condition * c * c];
  const gradient = ([x, y]) => [H[0] * x + H[1] * y, H[1] * x + H[2] * y];
  return {
    value: (w) => (gradient(w)[0] * w[0] + gradient(w)[1] * w[1]) / 2,
    gradient,
    hessian: () => H,
    fisher: () => H,
    examples: (w) => [gradient(w)],
  };
}

/** Logistic regression without intercept: points [x₁, x₂, label], label 0 or 1, and l2/2 ‖w‖², which is in every matrix. */
export function logistic({ points, l2 }) {
  const chance = (w, [x, y]) => 1 / (1 + Math.exp(-(w[0] * x + w[1] * y)));
  const share = (w, point) => ((p) => p * (1 - p))(chance(w, point));
  const hessian = (w) => mean(points, (point) => outer(point).map((entry) => share(w, point) * entry)).map((entry, i) => entry + (i === 1 ? 0 : l2));
  return {
    value: (w) => {
      const one = (point) => ((z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - point[2] * z)(w[0] * point[0] + w[1] * point[1]);
      return mean(points, (point) => [one(point)])[0] + (l2 / 2) * (w[0] ** 2 + w[1] ** 2);
    },
    gradient: (w) => mean(points, (point) => ((r) => [r * point[0], r * point[1]])(chance(w, point) - point[2])).map((entry, i) => entry + l2 * w[i]),
    hessian,
    fisher: hessian,
    examples: (w) => points.map((point) => ((r) => [r * point[0], r * point[1]])(chance(w, point) - point[2])),
    l2,
  };
}

/**
 * Least squares, the mean of ½(z(w) − y)²: each example is a function of w that returns its residual z − y, the gradient of z,
 * and the second derivatives of z. With noise of variance 1 as its model, the Fisher matrix is the Gauss–Newton matrix.
 */
export function leastSquares(examples) {
  return {
    value: (w) => mean(examples, (example) => [example(w)[0] ** 2 / 2])[0],
    gradient: (w) => mean(examples, (example) => (([r, J]) => [r * J[0], r * J[1]])(example(w))),
    hessian: (w) => mean(examples, (example) => (([r, J, second]) => outer(J).map((entry, i) => entry + r * second[i]))(example(w))),
    fisher: (w) => mean(examples, (example) => outer(example(w)[1])),
    examples: (w) => examples.map((example) => (([r, J]) => [r * J[0], r * J[1]])(example(w))),
  };
}

/** A line a + bx through points [x, y]. */
export const line = ({ points }) => leastSquares(points.map(([x, y]) => ([a, b]) => [a + b * x - y, [1, x], [0, 0, 0]]));

/** b(y − x²)² + (1 − x)², as the mean of two halves of squares. */
export const rosenbrock = ({ b }) =>
  leastSquares([
    ([x, y]) => [2 * Math.sqrt(b) * (y - x * x), [-4 * Math.sqrt(b) * x, 2 * Math.sqrt(b)], [-4 * Math.sqrt(b), 0, 0]],
    ([x]) => [2 * (1 - x), [-2, 0], [0, 0, 0]],
  ]);

/** A network of one hidden unit, w₂ tanh(w₁x), through points [x, y]. */
export const network = ({ points }) =>
  leastSquares(
    points.map(([x, y]) => ([u, v]) => {
      const t = Math.tanh(u * x);
      const slope = (1 - t * t) * x;
      return [v * t - y, [v * slope, t], [-2 * v * t * slope * x, slope, 0]];
    }),
  );
