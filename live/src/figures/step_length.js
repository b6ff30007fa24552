// How long SOFIM's step is against the length of the moment, with ρ to drag; and what that does on w²/2.
import { path, stepLength } from "../mathematics/moment.js";
import { frame, key, panel, shown, slider } from "../stage.js";

const [SOFIM, PLAIN, CLIPPED] = ["var(--two)", "var(--muted)", "var(--one)"];
const lengths = Array.from({ length: 161 }, (_, k) => 10 ** (-3 + (6 * k) / 160));
const STEPS = 60;

export function render({ model, el }) {
  const stage = frame({ model, el, title: "A large gradient makes a short step; so does a small one", initial: { rho: 1, eta: 1, start: 30 } });
  key(stage, [
    [SOFIM, "SOFIM, v = M̂"],
    [PLAIN, "momentum, η‖M̂‖/ρ", true],
    [CLIPPED, "momentum clipped at SOFIM's longest step", true],
  ]);
  const left = panel(stage, { x: [1e-3, 1e3], y: [1e-4, 1e2], logX: true, logY: true, xLabel: "length of the moment, ‖M̂‖", yLabel: "length of the step", label: "Length of the step against length of the moment" });
  const right = panel(stage, { x: [0, STEPS], y: [1e-6, 1e3], logY: true, xLabel: "step", yLabel: "error |w| on the loss w²/2, β = 0", label: "Error against step on the loss w²/2, without averaging" });
  const curves = { plain: left.curve(PLAIN, { dashes: "6 4" }), clipped: left.curve(CLIPPED, { dashes: "2 4" }), sofim: left.curve(SOFIM) };
  const errors = { plain: right.curve(PLAIN, { dashes: "6 4" }), clipped: right.curve(CLIPPED, { dashes: "2 4" }), sofim: right.curve(SOFIM) };
  const peak = left.handle("var(--ink)", {
    label: "The longest step",
    step: [0.02, 0],
    value: ([s]) => `ρ = ${shown(s * s)}`,
    move: ([s]) => stage.set({ rho: Math.min(Math.max(s * s, 1e-4), 1e4) }),
  });
  const start = right.handle(SOFIM, {
    label: "The start",
    step: [0, 0.05],
    value: ([, w]) => `start ${shown(w)}`,
    move: ([, w]) => stage.set({ start: Math.max(w, 1e-3) }),
  });
  slider(stage, { name: "rho", label: "ρ", low: 1e-4, high: 1e4, logarithmic: true });
  slider(stage, { name: "eta", label: "η", low: 1e-3, high: 100, logarithmic: true });

  stage.onDraw(({ rho, eta, start: w }) => {
    const longest = stepLength(eta, rho, Math.sqrt(rho));
    curves.sofim(lengths.map((s) => [s, stepLength(eta, rho, s)]));
    curves.plain(lengths.map((s) => [s, (eta * s) / rho]));
    curves.clipped(lengths.map((s) => [s, Math.min((eta * s) / rho, longest)]));
    peak([Math.sqrt(rho), Math.min(Math.max(longest, 1e-4), 1e2)]);
    start([0, w]);
    const seen = (points) => points.map(([error], t) => [t, Math.max(Math.abs(error), 1e-9)]);
    errors.sofim(seen(path(0, eta, rho, [w, 0], STEPS)));
    errors.plain(seen(walk(w, (error) => (eta * error) / rho)));
    errors.clipped(seen(walk(w, (error) => Math.sign(error) * Math.min((eta * Math.abs(error)) / rho, longest))));
    const near = eta / rho;
    const says = near < 2 ? `and shrinks errors by |1 − η/ρ| = ${shown(Math.abs(1 - near), 4)} a step` : "and, since η/ρ > 2, can't come to rest there";
    stage.say(`Drag the peak, and ρ goes with it. Near the minimum, with β = 0, SOFIM is gradient descent with step size η/ρ = ${shown(near)}, ${says}.`);
  });
  stage.draw();
}

function walk(start, step) {
  const points = [[start]];
  for (let t = 0; t < STEPS && Math.abs(points[t][0]) < 1e6; t++) points.push([points[t][0] - step(points[t][0])]);
  return points;
}

export default { render };
