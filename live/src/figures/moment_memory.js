// What a moving average remembers of the gradients, with one of them to drag.
import { moments, weights } from "../mathematics/moment.js";
import { frame, key, panel, shown, slider } from "../stage.js";

const [GRADIENT, PLAIN, CORRECTED] = ["var(--muted)", "var(--one)", "var(--two)"];
const [N, PULLED] = [60, 20];
// Gradients of 1 with noise: a linear congruential generator's, so that everybody sees the same.
const noise = Array.from({ length: N }).reduce((drawn) => [...drawn, (drawn[drawn.length - 1] * 16807) % 2147483647], [20260101]).slice(1);
const given = noise.map((k) => 1 + 1.2 * (k / 2147483647 - 0.5));

export function render({ model, el }) {
  const stage = frame({ model, el, title: "A moment forgets exponentially: a share 1 − β of each gradient goes in, and βᵏ of it is left k steps later", initial: { beta: 0.9, pulled: 3 } });
  key(stage, [
    [GRADIENT, "gradients, one to drag"],
    [PLAIN, "M ← βM + (1 − β)g, from M = 0"],
    [CORRECTED, "M̂ = M/(1 − βᵗ)", true],
  ]);
  const view = panel(stage, { x: [0, N + 1], y: [-4, 5], xLabel: "step t", yLabel: "gradient and moment", label: "Gradients and their moving average", height: 300 });
  const share = panel(stage, { x: [0, N + 1], y: [0, 0.5], ticks: 5, xLabel: "gradient's number", yLabel: "weight in the last moment", label: "The weight of each gradient in the last moment", height: 300 });
  view.curve("var(--faint)", { thick: 1 })([[0, 0], [N + 1, 0]]);
  const dots = given.map(() => view.dot(GRADIENT, { radius: 3 }));
  const [plain, corrected] = [view.curve(PLAIN), view.curve(CORRECTED, { dashes: "6 4" })];
  const bars = share.curve(PLAIN, { thick: 1.5, fill: "var(--faint)" });
  const handle = view.handle("var(--ink)", {
    label: `Gradient ${PULLED}`,
    step: [0, 0.1],
    value: ([, g]) => `gradient ${PULLED} is ${shown(g)}`,
    move: ([, pulled]) => stage.set({ pulled }),
  });
  slider(stage, { name: "beta", label: "β", low: 0, high: 0.99 });

  stage.onDraw(({ beta, pulled }) => {
    const gradients = given.map((g, k) => (k + 1 === PULLED ? pulled : g));
    const found = moments(beta, gradients);
    gradients.forEach((g, k) => dots[k]([k + 1, g]));
    plain([[0, 0], ...found.map(({ plain: M }, k) => [k + 1, M])]);
    corrected(found.map(({ corrected: M }, k) => [k + 1, M]));
    bars([[0.5, 0], ...weights(beta, N).flatMap((w, k) => [[k + 0.5, w], [k + 1.5, w]]), [N + 0.5, 0]]);
    handle([PULLED, pulled]);
    const memory = 1 / (1 - beta);
    const half = beta > 0 ? Math.log(0.5) / Math.log(beta) : 0;
    stage.say(`About 1/(1 − β) = ${shown(memory)} gradients count. A gradient of ${shown(pulled)} moves the moment by (1 − β)(g − M) = ${shown(found[PULLED - 1].plain - found[PULLED - 2].plain, 2)}, and half of that is forgotten ${half < 1 ? "within one step" : `after ${shown(half)} steps`}. After the first step M is ${shown(found[0].plain)}, M̂ ${shown(found[0].corrected)}.`);
  });
  stage.draw();
}

export default { render };
