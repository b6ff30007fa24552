// Error and moment of one parameter: the error comes back, the norm of the pair falls in every step.
import { companionNorm, ellipse, lengthOf, path } from "../mathematics/moment.js";
import { frame, key, panel, shown, slider } from "../stage.js";

const [PATH, ELLIPSE] = ["var(--two)", "var(--one)"];
const [STEPS, NEAR] = [50, 1e-4]; // so near that ‖M‖² is nothing beside ρ: each step is the linear one

export function render({ model, el }) {
  const stage = frame({ model, el, title: "Error and moment: in which length does every step shrink?", initial: { beta: 0.8, step: 2, start: [1, 0] } });
  key(stage, [
    [PATH, "error Δ and moment M, step by step"],
    [ELLIPSE, "the norm ‖(Δ, M)‖, and its ellipses"],
    [ELLIPSE, "what the norm is guaranteed to fall to", true],
  ]);
  const plane = panel(stage, { x: [-1.6, 1.6], y: [-1.2, 1.2], xLabel: "error Δ = w − w*", yLabel: "moment M", label: "The plane of error and moment" });
  const fall = panel(stage, { x: [0, STEPS], y: [1e-4, 1e2], logY: true, xLabel: "step", yLabel: "size, in units of the first error", label: "Error and norm against step" });
  plane.curve("var(--faint)", { thick: 1 })([[-1.6, 0], [1.6, 0]]);
  plane.curve("var(--faint)", { thick: 1 })([[0, -1.2], [0, 1.2]]);
  const ellipses = Array.from({ length: 8 }, () => plane.curve(ELLIPSE, { thick: 1.2 }));
  const way = plane.curve(PATH, { thick: 1.6 });
  const dots = Array.from({ length: 12 }, () => plane.dot(PATH, { radius: 3.5 }));
  const [error, norm, bound] = [fall.curve(PATH, { thick: 1.8 }), fall.curve(ELLIPSE), fall.curve(ELLIPSE, { dashes: "5 4", thick: 1.4 })];
  const start = plane.handle(PATH, { label: "Error and moment at the start", step: [0.05, 0.05], value: (z) => `Δ = ${shown(z[0])}, M = ${shown(z[1])}`, move: (z) => stage.set({ start: z }) });
  slider(stage, { name: "beta", label: "β", low: 0.05, high: 0.98, digits: 3 });
  slider(stage, { name: "step", label: "η/ρ", low: 0.03, high: 40, logarithmic: true });

  stage.onDraw(({ beta, step, start: z }) => {
    const points = path(beta, step, 1, z.map((entry) => NEAR * entry), STEPS, 1e3 * NEAR).map((pair) => pair.map((entry) => entry / NEAR));
    const made = companionNorm(beta, step);
    way(points);
    dots.forEach((dot, k) => dot(points[k + 1] ?? [NaN, NaN].map(() => 1e3)));
    start(z);
    error(points.map(([x], t) => [t, Math.max(Math.abs(x), 1e-9)]));
    const lengths = made ? points.map((point) => lengthOf(made.R, point)) : [];
    norm(lengths.map((length, t) => [t, Math.max(length, 1e-9)]));
    bound(lengths.map((_, t) => [t, Math.max(lengths[0] * made.gamma ** t, 1e-9)]));
    ellipses.forEach((draw, k) => draw(made && lengths[k] > 0.02 ? ellipse(made.R, lengths[k]) : null));
    const back = points.slice(1).filter(([x], t) => Math.abs(x) > Math.abs(points[t][0])).length;
    stage.say(
      made
        ? `The error grows in ${back} of ${points.length - 1} steps, the norm in ${lengths.slice(1).filter((length, t) => length > lengths[t] * (1 + 1e-9)).length}. Each step multiplies the norm by at most γ = ${shown(made.gamma, 4)}; in the long run by ${shown(made.radius, 4)}.`
        : `No norm contracts: the iteration diverges, since η/ρ is above 2(1 + β)/(1 − β) = ${shown((2 * (1 + beta)) / (1 - beta))}.`,
    );
  });
  stage.draw();
}

export default { render };
