// Methods in two dimensions: each has its start's state and a step, w ← w − η C⁻¹v. Letters are those of the library's docstrings.

/** C⁻¹v for C = [[a, b], [b, c]]. */
export function solve([a, b, c], [x, y]) {
  const determinant = a * c - b * b;
  return [(c * x - b * y) / determinant, (a * y - b * x) / determinant];
}

const move = (w, eta, step) => [w[0] - eta * step[0], w[1] - eta * step[1]];
const average = (old, now, beta) => old.map((entry, i) => beta * entry + (1 - beta) * now[i]);
const dot = (a, b) => a[0] * b[0] + a[1] * b[1];
const plus = ([a, b, c], number) => [a + number, b, c + number];
const moment = () => ({ m: [0, 0], left: 1 }); // left is βᵗ

/** The average of the gradients and the average without its bias. */
function averaged({ m, left }, g, beta) {
  const state = { m: average(m, g, beta), left: left * beta };
  return [state, state.m.map((entry) => entry / (1 - state.left))];
}

/** C⁻¹v for C = ρI + mmᵀ. */
function solveRankOne(rho, m, v) {
  const share = dot(m, v) / (rho + dot(m, m));
  return v.map((entry, i) => (entry - share * m[i]) / rho);
}

export const methods = {
  gradient: {
    start: () => ({}),
    step: (w, state, loss, { eta }) => [move(w, eta, loss.gradient(w)), state],
  },
  momentum: {
    start: () => ({ b: [0, 0] }),
    step(w, { b }, loss, { eta, beta }) {
      const next = loss.gradient(w).map((entry, i) => beta * b[i] + entry);
      return [move(w, eta, next), { b: next }];
    },
  },
  adam: {
    start: () => ({ first: moment(), second: moment() }),
    step(w, state, loss, { eta, beta }) {
      const g = loss.gradient(w);
      const [first, m] = averaged(state.first, g, beta);
      const [second, v] = averaged(state.second, g.map((entry) => entry * entry), 0.999);
      return [move(w, eta, m.map((entry, i) => entry / (Math.sqrt(v[i]) + 1e-8))), { first, second }];
    },
  },
  adagrad: {
    start: () => ({ s: [0, 0] }),
    step(w, { s }, loss, { eta }) {
      const g = loss.gradient(w);
      const next = s.map((entry, i) => entry + g[i] * g[i]);
      return [move(w, eta, g.map((entry, i) => entry / (Math.sqrt(next[i]) + 1e-10))), { s: next }];
    },
  },
  sofim: {
    start: moment,
    step(w, state, loss, { eta, beta, rho }) {
      const [next, m] = averaged(state, loss.gradient(w), beta);
      return [move(w, eta, solveRankOne(rho, m, m)), next];
    },
  },
  sofimGradient: {
    start: moment,
    step(w, state, loss, { eta, beta, rho }) {
      const g = loss.gradient(w);
      const [next, m] = averaged(state, g, beta);
      return [move(w, eta, solveRankOne(rho, m, g)), next];
    },
  },
  natural: {
    start: () => ({}),
    step: (w, state, loss, { eta, damping }) => [move(w, eta, solve(plus(loss.fisher(w), damping), loss.gradient(w))), state],
  },
  empirical: {
    start: () => ({}),
    step(w, state, loss, { eta, damping }) {
      const rows = loss.examples(w);
      const F = rows.reduce((sum, [x, y]) => [sum[0] + (x * x) / rows.length, sum[1] + (x * y) / rows.length, sum[2] + (y * y) / rows.length], [0, 0, 0]);
      return [move(w, eta, solve(plus(F, damping + (loss.l2 ?? 0)), loss.gradient(w))), state];
    },
  },
  newton: {
    start: () => ({}),
    step: (w, state, loss, { eta, damping }) => [move(w, eta, solve(plus(loss.hessian(w), damping), loss.gradient(w))), state],
  },
};

/** The points of a run, while they stay within reach. */
export function run(name, loss, w, settings, steps, reach = 1e3) {
  const { start, step } = methods[name];
  let state = start();
  const points = [w];
  for (let t = 0; t < steps; t++) {
    [w, state] = step(w, state, loss, settings);
    if (!(Math.abs(w[0]) < reach && Math.abs(w[1]) < reach)) break;
    points.push(w);
  }
  return points;
}

/** Where a convex loss is lowest, by Newton steps no longer than 1. */
export function minimizer(loss) {
  let w = [0, 0];
  for (let t = 0; t < 60; t++) {
    const step = solve(loss.hessian(w), loss.gradient(w));
    const length = Math.hypot(...step);
    w = move(w, length > 1 ? 1 / length : 1, step);
  }
  return w;
}
