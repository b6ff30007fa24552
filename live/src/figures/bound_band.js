// The error of SOFIM and what a theorem allows it to be after every step. Try to break it.
import { firstCoefficient, hessianLipschitz, largest, secondCoefficient } from "../mathematics/bound.js";
import { logistic } from "../mathematics/losses.js";
import { minimizer, run } from "../mathematics/methods.js";
import { button, frame, key, panel, shown, slider } from "../stage.js";

const [PATH, BAND] = ["var(--two)", "var(--one)"];
const STEPS = 40;
const L2 = 0.1;
const given = [[1.6, 0.6, 1], [0.8, 1.5, 1], [1.4, -0.8, 1], [-0.4, 0.5, 1], [-1.5, -0.4, 0], [-0.7, -1.4, 0], [-1.2, 1, 0], [0.5, -0.5, 0]];

export function render({ model, el }) {
  const stage = frame({ model, el, title: "No step ends above the linear-quadratic bound: try to break it", initial: { start: [-2, 2.4], rho: 0.3, stretch: 1, points: given } });
  key(stage, [
    [PATH, "SOFIM with β = 0, and its error"],
    [BAND, "ξ₁‖Δ‖ + ξ₂‖Δ‖²: the bound on the error after the next step"],
    ["var(--ink)", "the rate near the minimum", true],
  ]);
  const map = panel(stage, { x: [-4, 5], y: [-4, 4], xLabel: "w₁", yLabel: "w₂", label: "The path", equal: true, width: 420 });
  const falls = panel(stage, { x: [0, STEPS], y: [1e-8, 1e2], logY: true, xLabel: "step", yLabel: "error: the distance to the minimum w*", label: "Error and bound against step", width: 420, height: 400 });
  const view = panel(stage, { x: [-2.2, 2.2], y: [-2.2, 2.2], xLabel: "first feature", yLabel: "second feature", label: "The data", equal: true, width: 380 });
  const [way, ends, optimum] = [map.curve(PATH, { thick: 1.8 }), map.dots(PATH, { radius: 2.6 }), map.dot("var(--ink)", { radius: 4 })];
  const [band, error, dots, tail] = [falls.curve(BAND, { thick: 1.6, fill: "var(--faint)" }), falls.curve(PATH), falls.dots(PATH, { radius: 2.6 }), falls.curve("var(--ink)", { dashes: "7 5", thick: 2.2 })]; // the dashes above the curve
  const start = map.handle("var(--ink)", { label: "The start", step: [0.1, 0.1], value: (w) => `w = (${shown(w[0])}, ${shown(w[1])})`, move: (w) => stage.set({ start: w }) });
  const pullers = given.map(([, , label], i) =>
    view.handle(label ? PATH : BAND, {
      label: `Data point ${i + 1}`,
      step: [0.1, 0.1],
      value: (point) => `(${shown(point[0])}, ${shown(point[1])})`,
      move: (point) => stage.set({ points: stage.state.points.map((old, k) => (k === i ? [...point, old[2]] : old)) }),
    }),
  );
  slider(stage, { name: "rho", label: "ρ", low: 0.01, high: 10, logarithmic: true });
  slider(stage, { name: "stretch", label: "ηL/ρ", low: 0.1, high: 2.4 });
  button(stage, "a random start", () => stage.set({ start: [-4 + 9 * Math.random(), -4 + 8 * Math.random()] }));

  stage.onDraw(({ start: w0, rho, stretch, points: data }) => {
    const loss = logistic({ points: data, l2: L2 });
    const best = minimizer(loss);
    const H = loss.hessian(best);
    const L = largest(H);
    const mu = H[0] + H[2] - L;
    const eta = (stretch * rho) / L;
    const M = hessianLipschitz(data);
    const points = run("sofim", loss, w0, { eta, beta: 0, rho }, STEPS);
    const errors = points.map((w) => Math.hypot(w[0] - best[0], w[1] - best[1]));
    const bounds = points.map((w, t) => firstCoefficient(eta, rho, loss.gradient(w), loss.hessian(w)) * errors[t] + secondCoefficient(eta, rho, M) * errors[t] ** 2);
    const rate = Math.max(Math.abs(1 - (eta * mu) / rho), Math.abs(1 - (eta * L) / rho));
    const seen = (value) => Math.min(Math.max(value, 1e-9), 1e3);
    way(points);
    ends(points);
    optimum(best);
    start(w0);
    pullers.forEach((pull, i) => pull(data[i]));
    const upper = bounds.slice(0, STEPS).map((bound, t) => [t + 1, seen(bound)]);
    const lower = upper.map(([t]) => [t, seen(errors[t] ?? 1e-9)]).reverse();
    band([...upper, ...lower]);
    error(errors.map((value, t) => [t, seen(value)]));
    dots(errors.map((value, t) => [t, seen(value)]));
    const close = errors.findIndex((value) => value < 0.05);
    tail(rate < 1 && close >= 0 ? errors.map((_, t) => [t, seen(errors[close] * rate ** (t - close))]).slice(close) : []);
    const broken = bounds.slice(0, STEPS).filter((bound, t) => errors[t + 1] > bound * (1 + 1e-9) + 1e-13).length;
    const near = `ξ₂ = ${shown((eta * M) / (2 * rho))}, and near the minimum a step multiplies the error by at most ${shown(rate)}`;
    stage.say(`The bound is broken in ${broken} of ${errors.length - 1} steps. ${near}${rate < 1 ? "." : ": it need not fall."}`);
  });
  stage.draw();
}

export default { render };
