// Nine methods from one start, on a loss of one's choice, all of it to drag.
import { contours } from "d3-contour";
import { line as lineLoss, logistic, network, quadratic, rosenbrock } from "../mathematics/losses.js";
import { methods, minimizer, run } from "../mathematics/methods.js";
import { choice, frame, panel, shown, slider, toggles } from "../stage.js";

const COLOURS = {
  gradient: ["gradient descent", "var(--muted)", null],
  momentum: ["momentum", "var(--muted)", "6 3"],
  adam: ["Adam", "var(--three)", null],
  adagrad: ["AdaGrad", "var(--six)", "6 3"],
  sofim: ["SOFIM, v = M̂", "var(--two)", null],
  sofimGradient: ["SOFIM, v = g", "var(--five)", "6 3"],
  natural: ["natural gradient", "var(--one)", null],
  empirical: ["empirical Fisher", "var(--four)", "6 3"],
  newton: ["Newton", "var(--ink)", "2 3"],
};
const STEPS = 60;

// What can be dragged besides the start: points of a data set, or the end of the ellipse's long axis.
const xs = [-2, -1.2, -0.5, 0.2, 0.9, 1.6];
const FITS = {
  "right model": xs.map((x, i) => [x, 1 + 1.5 * x + [0.9, -1.1, 0.4, -0.8, 1.2, -0.6][i]]),
  "noise too small": xs.map((x, i) => [x, 1 + 1.5 * x + 0.2 * [0.9, -1.1, 0.4, -0.8, 1.2, -0.6][i]]),
  "wrong curve": xs.map((x) => [x, 0.8 * x * x + 0.5 * x]),
};
const LOSSES = {
  quadratic: { words: "quadratic", make: quadratic, data: { angle: 0.5, condition: 12 }, start: [-2.2, 1.6], x: [-3, 3], y: [-2.4, 2.4] },
  logistic: {
    words: "logistic regression",
    make: logistic,
    data: { l2: 0.02, points: [[1.6, 0.6, 1], [0.8, 1.5, 1], [1.4, -0.8, 1], [-0.4, 0.5, 1], [-1.5, -0.4, 0], [-0.7, -1.4, 0], [-1.2, 1, 0], [0.5, -0.5, 0]] },
    start: [-2, 3],
    x: [-4, 6],
    y: [-4, 4],
    plot: { x: [-2.2, 2.2], y: [-2.2, 2.2], xLabel: "first feature", yLabel: "second feature" },
  },
  fit: {
    words: "a line: three noises",
    make: lineLoss,
    data: { points: FITS["right model"] },
    start: [-2.5, -1.5],
    x: [-4, 5],
    y: [-3, 4.2],
    plot: { x: [-2.4, 2.4], y: [-5, 5], xLabel: "x", yLabel: "y" },
  },
  rosenbrock: { words: "Rosenbrock", make: rosenbrock, data: { b: 20 }, start: [-1.2, 1], x: [-2, 2], y: [-1, 2.4] },
  network: {
    words: "two-parameter network",
    make: network,
    data: { points: xs.map((x) => [x, 1.5 * Math.tanh(1.2 * x)]) },
    start: [-1.5, 2.2],
    x: [-3, 3],
    y: [-3, 3],
    plot: { x: [-2.4, 2.4], y: [-3, 3], xLabel: "x", yLabel: "y" },
  },
};

export function render({ model, el }) {
  const stage = frame({
    model,
    el,
    title: "The same loss, the same start, and a choice of C and v",
    initial: { loss: "quadratic", start: LOSSES.quadratic.start, data: LOSSES.quadratic.data, shown: ["gradient", "sofim", "natural"], eta: 0.08, rho: 30, beta: 0.9, damping: 0.01 },
  });
  choice(stage, {
    name: "loss",
    label: "The loss",
    options: Object.entries(LOSSES).map(([name, { words }]) => [name, words]),
    also: (name) => ({ start: LOSSES[name].start, data: LOSSES[name].data }),
  });
  toggles(stage, { name: "shown", label: "The methods", options: Object.entries(COLOURS).map(([name, [words, colour, dashes]]) => [name, words, colour, dashes]) });
  slider(stage, { name: "eta", label: "step size η of first-order methods", low: 1e-3, high: 1, logarithmic: true });
  slider(stage, { name: "rho", label: "ρ of SOFIM; its step size is ρη", low: 1e-2, high: 1000, logarithmic: true });
  slider(stage, { name: "beta", label: "β", low: 0, high: 0.98 });
  slider(stage, { name: "damping", label: "damping of the others; their step size is 1", low: 1e-4, high: 10, logarithmic: true });
  if (stage.root.select("[data-fits]").empty()) fits(stage);

  let view = null;
  stage.onDraw((state) => {
    if (view?.name !== state.loss) view = build(stage, state.loss);
    view.draw(state);
  });
  stage.draw();
}

function fits(stage) {
  const group = choice(stage, {
    name: "fit",
    label: "The points of the line",
    options: Object.keys(FITS).map((name) => [name, name]),
    also: (name) => ({ data: { points: FITS[name] } }),
  });
  stage.onDraw(({ loss }) => group.style("display", loss === "fit" ? null : "none"));
}

/** The settings of a method: first-order ones step η, SOFIM ρη, since C is about ρI where the moment is short, others 1. */
export function settingsOf(name, { eta, rho, beta, damping }) {
  const second = ["natural", "empirical", "newton"].includes(name);
  const scaled = { momentum: eta * (1 - beta), sofim: eta * rho, sofimGradient: eta * rho };
  return { eta: second ? 1 : (scaled[name] ?? eta), beta, rho, damping };
}

function build(stage, name) {
  const { make, x, y, plot, data } = LOSSES[name];
  stage.panels.selectAll("*").remove();
  const map = panel(stage, { x, y, xLabel: "w₁", yLabel: "w₂", label: "The loss and the paths", equal: true, width: plot ? 420 : 520 });
  const levels = map.clipped.append("g").attr("class", "grid").attr("stroke-width", 1.1);
  const optimum = name === "network" ? null : map.dot("var(--ink)", { radius: 3 });
  const curves = Object.fromEntries(Object.entries(COLOURS).map(([method, [, colour, dashes]]) => [method, map.curve(colour, { dashes, thick: 2 })]));
  const dots = Object.fromEntries(Object.entries(COLOURS).map(([method, [, colour]]) => [method, map.dots(colour, { radius: 2.4 })]));
  const fall = panel(stage, { x: [0, STEPS], y: [1e-6, 1e2], logY: true, xLabel: "step", yLabel: name === "network" ? "loss" : "loss above the minimum", label: "Loss against step", width: plot ? 380 : 460, height: 400 });
  const falls = Object.fromEntries(Object.entries(COLOURS).map(([method, [, colour, dashes]]) => [method, fall.curve(colour, { dashes, thick: 2 })]));
  const pullers = [];
  let fitted = null;
  if (plot) {
    const view = panel(stage, { ...plot, label: "The data", width: 380, height: 400 });
    fitted = name === "logistic" ? null : view.curve("var(--two)", { thick: 1.6 });
    data.points.forEach((_, i) =>
      pullers.push(
        view.handle(data.points[i][2] === 0 ? "var(--one)" : data.points[i][2] === 1 ? "var(--two)" : "var(--ink)", {
          label: `Data point ${i + 1}`,
          step: [0.1, 0.1],
          value: (point) => `(${shown(point[0])}, ${shown(point[1])})`,
          move: (point) => stage.set({ data: { ...stage.state.data, points: stage.state.data.points.map((old, k) => (k === i ? [...point, ...old.slice(2)] : old)) } }),
        }),
      ),
    );
  }
  const axis =
    name === "quadratic" &&
    map.handle("var(--three)", {
      label: "End of the long axis of the ellipse",
      step: [0.05, 0.05],
      value: () => `condition number ${shown(stage.state.data.condition)}`,
      move: ([a, b]) => stage.set({ data: { angle: Math.atan2(b, a), condition: Math.min(Math.max((Math.hypot(a, b) / 0.5) ** 2, 1), 100) } }),
    });
  const ellipse = name === "quadratic" && map.curve("var(--three)", { thick: 1.6 });
  const start = map.handle("var(--ink)", { label: "The start", step: [0.05, 0.05], value: (w) => `w = (${shown(w[0])}, ${shown(w[1])})`, move: (w) => stage.set({ start: w }) });
  let drawn = null;

  return {
    name,
    draw(state) {
      const loss = make(state.data);
      if (drawn !== state.data) {
        drawn = state.data;
        levels.selectAll("path").data(levelLines(loss, map, x, y)).join("path").attr("d", (d) => d);
      }
      const lowest = name === "network" ? null : name === "rosenbrock" ? [1, 1] : minimizer(loss); // a network may have several
      const floor = lowest ? loss.value(lowest) : 0;
      const ends = [];
      for (const method of Object.keys(methods)) {
        const points = state.shown.includes(method) ? run(method, loss, state.start, settingsOf(method, state), STEPS) : [];
        curves[method](points);
        dots[method](points);
        falls[method](points.map((w, t) => [t, Math.min(Math.max(loss.value(w) - floor, 1e-9), 1e3)]));
        if (points.length) ends.push(`${COLOURS[method][0]} ${points.length <= STEPS ? "leaves the picture" : above(loss.value(points[STEPS]) - floor)}`);
      }
      optimum?.(lowest);
      if (fitted) fitted(dataCurve(name, state, loss));
      pullers.forEach((pull, i) => pull(state.data.points[i]));
      if (axis) {
        const long = 0.5 * Math.sqrt(state.data.condition);
        const [c, s] = [Math.cos(state.data.angle), Math.sin(state.data.angle)];
        const turn = Array.from({ length: 91 }, (_, k) => [long * Math.cos((k * Math.PI) / 45), 0.5 * Math.sin((k * Math.PI) / 45)]);
        axis([c * long, s * long].map((entry, k) => Math.min(Math.max(entry, [x, y][k][0]), [x, y][k][1])));
        ellipse(turn.map(([a, b]) => [c * a - s * b, s * a + c * b]));
      }
      start(state.start);
      stage.say(ends.length ? `${lowest ? "Loss above the minimum" : "Loss"} after ${STEPS} steps: ${ends.join("; ")}.` : "No method is chosen: press its name above.");
    },
  };
}

/** The fitted curve of the first method shown, at its end. */
function dataCurve(name, state, loss) {
  const first = Object.keys(methods).filter((method) => state.shown.includes(method)).pop();
  if (!first) return [];
  const points = run(first, loss, state.start, settingsOf(first, state), STEPS);
  const [a, b] = points[points.length - 1];
  return Array.from({ length: 61 }, (_, k) => -2.4 + 0.08 * k).map((x) => [x, name === "fit" ? a + b * x : b * Math.tanh(a * x)]);
}

/** A distance from the minimum, which rounding hides below 10⁻¹⁵. */
const above = (gap) => (gap > 1e-15 ? shown(gap, 2) : "none, up to rounding");

/** Lines of equal loss as paths, at heights that crowd towards the minimum. */
function levelLines(loss, map, x, y) {
  const [columns, rows] = [56, 44];
  const at = (k, n, [low, high]) => low + ((high - low) * (k + 0.5)) / n;
  const values = Float64Array.from({ length: columns * rows }, (_, k) => loss.value([at(k % columns, columns, x), at(Math.floor(k / columns), rows, y)]));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const heights = Array.from({ length: 11 }, (_, k) => low + (high - low) * ((k + 0.6) / 11) ** 3);
  const point = ([a, b]) => `${map.toX(x[0] + ((x[1] - x[0]) * a) / columns)},${map.toY(y[0] + ((y[1] - y[0]) * b) / rows)}`;
  return contours().size([columns, rows]).thresholds(heights)(values).map(({ coordinates }) => coordinates.flat().map((ring) => `M${ring.map(point).join("L")}Z`).join(""));
}

export default { render };
