// The step of length ε that lowers the loss most, by three measures of length: two Euclidean ones, and KL.
import { ballOfDivergence, contour, divergence, fisher, fisherOfLog, fromLog, gradient, gradientOfLog, loss, lowestOn, pointsOf, steepestStep, toLog } from "../mathematics/gaussian.js";
import { choice, frame, key, panel, shown, slider } from "../stage.js";

const data = { centre: 1, spread: 2 }; // of −1, 0, 1, 2, 3
const best = [data.centre, Math.sqrt(data.spread)];
const [CIRCLE, EGG, BALL] = ["var(--one)", "var(--three)", "var(--two)"];
const levels = [0.02, 0.1, 0.25, 0.5, 0.9, 1.5, 2.5, 4].map((above) => loss(best, data) + above);

const f = (point) => (point[1] > 1e-3 ? loss(point, data) : Infinity);
const circle = ([mean, s], epsilon) => (turn) => [mean + epsilon * Math.cos(turn), s + epsilon * Math.sin(turn)];
const circleOfLog = (point, epsilon) => (turn) => fromLog(circle(toLog(point), epsilon)(turn));

export function render({ model, el }) {
  const stage = frame({ model, el, title: "The steepest step of length ε, for three ways to measure length", initial: { mean: -1, s: 3, epsilon: 0.5, steps: "lowest points" } });
  key(stage, [
    [CIRCLE, "circle in (μ, σ)"],
    [EGG, "circle in (μ, log σ)", true],
    [BALL, "KL ball, the same Gaussians in both"],
  ]);
  const views = [
    { name: "σ", to: (point) => point, from: (point) => point, y: [0, 5], step: [0.05, 0.05] },
    { name: "log σ", to: toLog, from: fromLog, y: [-1.2, 1.8], step: [0.05, 0.02] },
  ].map((view) => coordinates(stage, view));
  const bells = densities(stage);
  slider(stage, { name: "epsilon", label: "length ε", low: 0.05, high: 0.8, digits: 2 });
  choice(stage, { name: "steps", label: "what to show", options: [["lowest points", "lowest points"], ["straight steps", "straight steps"]] });

  stage.onDraw(({ mean, s, epsilon, steps }) => {
    const point = [mean, s];
    const curves = [circle(point, epsilon), circleOfLog(point, epsilon), ballOfDivergence(point, epsilon)];
    const straight = steps === "straight steps";
    const ends = straight ? straightSteps(point, epsilon) : curves.map((curve) => lowestOn(curve, f));
    for (const view of views) view(point, curves, ends);
    bells(point, ends);
    const apart = shown(divergence(ends[0], ends[1]), 2);
    if (straight) {
      const natural = shown(divergence(ends[2], ends[3]), 2);
      stage.say(`Straight steps of equal length ε: the ends of the two gradient steps are ${apart} apart in KL, those of the two natural-gradient steps ${natural}.`);
    } else {
      stage.say(`The lowest points on the two circles are different Gaussians, ${apart} apart in KL. The lowest point of the KL ball is one Gaussian, whatever its coordinates.`);
    }
  });
  stage.draw();
}

/** Where the gradient steps end, in (μ, σ) and in (μ, log σ), and where the natural ones end: all as (μ, σ). */
export function straightSteps(point, epsilon) {
  const [g, gLog] = [gradient(point, data), gradientOfLog(point, data)];
  const from = toLog(point);
  const plus = (a, b) => a.map((entry, i) => entry + b[i]);
  return [
    plus(point, steepestStep(g, [1, 1], epsilon)),
    fromLog(plus(from, steepestStep(gLog, [1, 1], epsilon))),
    plus(point, steepestStep(g, fisher(point), epsilon)),
    fromLog(plus(from, steepestStep(gLog, fisherOfLog(point), epsilon))),
  ];
}

function coordinates(stage, { name, to, from, y, step }) {
  const view = panel(stage, { x: [-3, 5], y, xLabel: "mean μ", yLabel: name, label: `Loss in the coordinates μ and ${name}`, equal: true });
  for (const level of levels) view.curve("var(--faint)", { thick: 1.2 })(pointsOf(contour(level, data)).map(to));
  view.dot("var(--muted)", { radius: 4 })(to(best));
  view.words("var(--muted)")(to(best), "optimum");
  const curves = [view.curve(CIRCLE), view.curve(EGG, { dashes: "6 4" }), view.curve(BALL)];
  const colours = [CIRCLE, EGG, BALL, BALL];
  const arrows = colours.map((colour) => view.arrow(colour, { thick: 2 }));
  const dots = colours.map((colour) => view.dot(colour, { radius: 5 }));
  const start = view.handle("var(--ink)", {
    label: `Start in μ and ${name}`,
    step,
    value: (point) => `mean ${shown(point[0])}, ${name} ${shown(point[1])}`,
    move: (point) => {
      const [mean, s] = from(point);
      stage.set({ mean, s: Math.min(Math.max(s, 0.3), 4.8) });
    },
  });
  return (point, drawn, ends) => {
    drawn.forEach((curve, i) => curves[i](pointsOf(curve).map((end) => (end[1] > 0 ? to(end) : [NaN, NaN]))));
    colours.forEach((_, i) => {
      const end = ends[i] ?? ends[2];
      arrows[i](to(point), to(end));
      dots[i](to(end));
    });
    start(to(point));
  };
}

function densities(stage) {
  const view = panel(stage, { x: [-7, 9], y: [0, 0.42], ticks: 4, xLabel: "x", yLabel: "density", label: "The Gaussians at the start and at each step's end", width: 760, height: 210, wide: true });
  const at = Array.from({ length: 161 }, (_, k) => -7 + k / 10);
  const bell = ([mean, s]) => at.map((x) => [x, Math.exp(-((x - mean) ** 2) / (2 * s * s)) / (s * Math.sqrt(2 * Math.PI))]);
  const start = view.curve("var(--muted)", { thick: 1.6 });
  const ends = [view.curve(CIRCLE), view.curve(EGG, { dashes: "6 4" }), view.curve(BALL)];
  const [label, given] = [view.words("var(--muted)"), [-1, 0, 1, 2, 3]];
  given.forEach((x) => view.dot("var(--ink)", { radius: 3 })([x, 0.012]));
  return (point, found) => {
    start(bell(point));
    label([point[0] - point[1], 0.26 / point[1]], "start");
    ends.forEach((curve, i) => curve(bell(found[i])));
  };
}

export default { render };
