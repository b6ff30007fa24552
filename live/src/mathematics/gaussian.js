// A Gaussian N(μ, s²) fitted to numbers with mean `centre` and variance `spread`. A point is [μ, s].

/** KL(p ‖ q) of two Gaussians. */
export function divergence([mean, s], [otherMean, otherS]) {
  return Math.log(otherS / s) + (s * s + (mean - otherMean) ** 2) / (2 * otherS * otherS) - 0.5;
}

/** The mean of −log p over the data, without its constant log √(2π). */
export function loss([mean, s], data) {
  return Math.log(s) + (data.spread + (mean - data.centre) ** 2) / (2 * s * s);
}

/** The loss's gradient in (μ, s). */
export function gradient([mean, s], data) {
  const square = data.spread + (mean - data.centre) ** 2;
  return [(mean - data.centre) / (s * s), 1 / s - square / (s * s * s)];
}

/** The diagonal of the Fisher matrix in (μ, s). */
export function fisher([, s]) {
  return [1 / (s * s), 2 / (s * s)];
}

/** The diagonal of the Fisher matrix in (μ, log s). */
export function fisherOfLog([, s]) {
  return [1 / (s * s), 2];
}

/** The point where s is replaced by log s, and back. */
export const toLog = ([mean, s]) => [mean, Math.log(s)];
export const fromLog = ([mean, logS]) => [mean, Math.exp(logS)];

/** The gradient in (μ, log s), by the chain rule. */
export function gradientOfLog(point, data) {
  const [gMean, gS] = gradient(point, data);
  return [gMean, point[1] * gS];
}

/** u = −ε F⁻¹g / √(gᵀF⁻¹g), F being diagonal: of all steps with uᵀFu = ε² the one that lowers gᵀu most. */
export function steepestStep(g, F, epsilon) {
  const x = g.map((entry, i) => entry / F[i]);
  const length = Math.sqrt(g.reduce((sum, entry, i) => sum + entry * x[i], 0));
  return length === 0 ? g.map(() => 0) : x.map((entry) => (-epsilon * entry) / length);
}

/**
 * The boundary of {q : KL(p ‖ q) ≤ ε²/2} as a function of an angle. For each width t of q,
 * (μ' − μ)² = 2t²(½ + ε²/2 − log(t/s)) − s², between the two t at which this vanishes.
 */
export function ballOfDivergence([mean, s], epsilon) {
  const half = (epsilon * epsilon) / 2;
  return closedCurve(mean, (t) => 2 * t * t * (0.5 + half - Math.log(t / s)) - s * s, s);
}

/** The points at which the loss is `level`, above its minimum, as a function of an angle: (μ − centre)² = 2t²(level − log t) − spread. */
export function contour(level, data) {
  return closedCurve(data.centre, (t) => 2 * t * t * (level - Math.log(t)) - data.spread, Math.exp(level - 0.5));
}

/** The curve (μ − mean)² = square(t), which surrounds a width `inside` at which the square is positive. */
function closedCurve(mean, square, inside) {
  let [below, above] = [inside, inside];
  while (square(below) > 0) below /= 2;
  while (square(above) > 0) above *= 2;
  const [low, high] = [root(square, below, inside), root(square, above, inside)];
  return (turn) => {
    const t = Math.sqrt(low * high) * (high / low) ** (Math.sin(turn) / 2);
    return [mean + Math.sign(Math.cos(turn)) * Math.sqrt(Math.max(square(t), 0)), t];
  };
}

/** n points of a closed curve, the last one the first again. */
export function pointsOf(curve, n = 181) {
  return Array.from({ length: n }, (_, k) => curve((2 * Math.PI * k) / (n - 1)));
}

/** The point of a closed curve, given by an angle, at which f is least: the best of n, refined by golden sections. */
export function lowestOn(curve, f, n = 90) {
  const step = (2 * Math.PI) / n;
  let best = 0;
  for (let k = 1; k < n; k++) if (f(curve(k * step)) < f(curve(best * step))) best = k;
  let [a, b] = [(best - 1) * step, (best + 1) * step];
  const ratio = (Math.sqrt(5) - 1) / 2;
  for (let k = 0; k < 60; k++) {
    const [c, d] = [b - ratio * (b - a), a + ratio * (b - a)];
    if (f(curve(c)) < f(curve(d))) b = d;
    else a = c;
  }
  return curve((a + b) / 2);
}

/** Where a function changes sign, by bisection: negative at `outside`, positive at `inside`. */
function root(f, outside, inside) {
  let [a, b] = [outside, inside];
  for (let k = 0; k < 60; k++) {
    const middle = (a + b) / 2;
    if (f(middle) > 0) b = middle;
    else a = middle;
  }
  return b;
}
