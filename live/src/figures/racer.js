// A race: how each method does with the best of so many settings, and how the winner changes with what is counted.
import { logistic, quadratic, rosenbrock } from "../mathematics/losses.js";
import { minimizer, run } from "../mathematics/methods.js";
import { button, choice, frame, panel, shown, slider } from "../stage.js";

const METHODS = [
  ["gradient", "gradient descent", "var(--muted)", null, 1],
  ["momentum", "momentum", "var(--muted)", "6 3", 1],
  ["adam", "Adam", "var(--three)", null, 1],
  ["sofim", "SOFIM, v = M̂", "var(--two)", null, 1],
  ["sofimGradient", "SOFIM, v = g", "var(--five)", "6 3", 1],
  ["natural", "natural gradient", "var(--one)", null, 5],
  ["newton", "Newton, damped", "var(--four)", null, 5],
];
// A gradient counts 1; a Hessian or a Fisher matrix of two parameters is two products with a vector, which count 2 each.
const ROUND = 300;
const RHOS = [30, 1, 1000]; // a trial of SOFIM is a pair of ρ and η/ρ, so that it has as many trials as the others
const LOSSES = {
  quadratic: { words: "ill-conditioned quadratic", loss: quadratic({ angle: 0.4, condition: 60 }), start: [-2.2, 1.6], best: [0, 0] },
  logistic: {
    words: "logistic regression",
    loss: logistic({ l2: 0.02, points: [[1.6, 0.6, 1], [0.8, 1.5, 1], [1.4, -0.8, 1], [-0.4, 0.5, 1], [-1.5, -0.4, 0], [-0.7, -1.4, 0], [-1.2, 1, 0], [0.5, -0.5, 0]] }),
    start: [-1.5, 2],
  },
  rosenbrock: { words: "Rosenbrock", loss: rosenbrock({ b: 20 }), start: [-1.2, 1], best: [1, 1] },
};

export function render({ model, el }) {
  const stage = frame({ model, el, title: "Who wins depends on the target, on what is counted, and on how many settings each may try", initial: { loss: "quadratic", count: "steps", trials: 11, target: -4, position: 1 } });
  choice(stage, { name: "loss", label: "The loss", options: Object.entries(LOSSES).map(([name, { words }]) => [name, words]) });
  choice(stage, { name: "count", label: "What is counted", options: [["steps", "count steps"], ["gradients", "count gradients, a product as two"], ["trials", "and those of all trials"]] });
  const view = panel(stage, { x: [0, 1], y: [1e-10, 1e2], logY: true, xLabel: "share of the count that is drawn", yLabel: "loss above the minimum", label: "Loss against what is counted", width: 520, height: 420 });
  const lanes = panel(stage, { x: [0, 1], y: [0, METHODS.length], ticks: 0, xLabel: "logarithm of the loss, start to target", yLabel: "", label: "How far each method is", width: 420, height: 420 });
  const goal = view.curve("var(--ink)", { thick: 1, dashes: "2 3" });
  const curves = METHODS.map(([, , colour, dashes]) => view.curve(colour, { dashes, thick: 2 }));
  const bars = METHODS.map(([, , colour, dashes]) => lanes.curve(colour, { dashes, thick: 14 }));
  const names = METHODS.map(() => lanes.words("var(--ink)", { dx: 6, dy: -12 }));
  lanes.curve("var(--ink)", { thick: 1.4 })([[1, 0], [1, METHODS.length]]);
  slider(stage, { name: "trials", label: "settings that each may try", low: 1, high: 21, digits: 2, steps: 20 });
  slider(stage, { name: "target", label: "target, log₁₀ of the loss above the minimum", low: -9, high: 0, digits: 2 });
  slider(stage, { name: "position", label: "how much of the race is over", low: 0, high: 1, digits: 2 });
  button(stage, "run", () => play(stage));

  stage.onDraw(({ loss: name, count, trials, target, position }) => {
    const runs = race(name, Math.round(trials), 10 ** target);
    const price = (i) => (count === "steps" ? 1 : count === "gradients" ? METHODS[i][4] : METHODS[i][4] * Math.round(trials));
    const reached = runs.map(({ gaps }, i) => {
      const t = gaps.findIndex((gap) => gap <= 10 ** target);
      return t < 0 ? Infinity : t * price(i);
    });
    const last = Math.max(20, ...reached.filter(Number.isFinite)) * 1.15;
    goal([[0, 10 ** target], [1, 10 ** target]]);
    runs.forEach(({ gaps }, i) => {
      const until = position * last;
      const now = Math.min(Math.floor(until / price(i)), gaps.length - 1);
      curves[i](gaps.slice(0, now + 1).map((gap, t) => [(t * price(i)) / last, Math.max(gap, 1e-12)]));
      const lowest = Math.min(...gaps.slice(0, now + 1));
      const share = Math.min(Math.max(Math.log(gaps[0] / Math.max(lowest, 1e-300)) / Math.log(gaps[0] / 10 ** target), 0), 1);
      const lane = METHODS.length - i - 0.65;
      bars[i]([[0, lane], [share, lane]]);
      names[i]([0, lane], `${METHODS[i][1]}, η = ${shown(runs[i].eta, 2)}${runs[i].rho ? `, ρ = ${runs[i].rho}` : ""}${Number.isFinite(reached[i]) ? `: ${shown(reached[i], 3)}` : ": not reached"}`);
    });
    const first = Math.min(...reached);
    const winners = METHODS.filter((_, i) => reached[i] === first).map(([, words]) => words);
    const unit = count === "steps" ? "steps" : "gradients";
    stage.say(Number.isFinite(first) ? `First at a loss of ${shown(10 ** target, 2)}: ${winners.join(" and ")}, after ${shown(first)} ${unit}.` : `Nobody reaches a loss of ${shown(10 ** target, 2)} in ${ROUND} steps.`);
  });
  stage.draw();
}

const memory = new Map();

/** Each method with the best of its step sizes: the one that reaches the target first or, if none does, ends lowest. */
function race(name, trials, target) {
  const found = `${name} ${trials} ${target}`;
  if (!memory.has(found)) {
    const { loss, start, best } = LOSSES[name];
    const floor = loss.value(best ?? minimizer(loss));
    const sizes = Array.from({ length: trials }, (_, k) => (trials === 1 ? 0.05 : 0.003 * 1000 ** (k / (trials - 1))));
    const runs = METHODS.map(([method]) => {
      const all = sizes.map((size, k) => {
        const rho = method.startsWith("sofim") ? RHOS[k % RHOS.length] : null;
        const eta = rho ? rho * size : method === "momentum" ? 0.1 * size : size;
        const points = run(method, loss, start, { eta, beta: 0.9, rho, damping: 1e-3 }, ROUND);
        const gaps = points.map((w) => Math.max(loss.value(w) - floor, 1e-16));
        const first = gaps.findIndex((gap) => gap <= target);
        const end = points.length <= ROUND ? Infinity : gaps[ROUND];
        return { eta, rho, gaps, score: first < 0 ? ROUND + (Number.isFinite(end) ? 1 - 1 / (1 + end) : 1) : first };
      });
      return all.reduce((a, b) => (b.score < a.score ? b : a));
    });
    memory.set(found, runs);
  }
  return memory.get(found);
}

/** Let the race run in four seconds, or show its end at once to whoever asks for no motion. */
function play(stage) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return stage.set({ position: 1 });
  const began = performance.now();
  const frame_ = (now) => {
    stage.set({ position: Math.min((now - began) / 4000, 1) });
    if (now - began < 4000) requestAnimationFrame(frame_);
  };
  requestAnimationFrame(frame_);
}

export default { render };
