// C⁻¹v for C = ρI + mmᵀ: v is split along m and across it, and each part is divided by its own eigenvalue.
import { dot, solve, split } from "../mathematics/rank_one.js";
import { frame, key, panel, shown, slider } from "../stage.js";

const [M, V, X] = ["var(--one)", "var(--muted)", "var(--two)"];
const turn = Array.from({ length: 121 }, (_, k) => [Math.cos((2 * Math.PI * k) / 120), Math.sin((2 * Math.PI * k) / 120)]);

export function render({ model, el }) {
  const stage = frame({ model, el, title: "C = ρI + mmᵀ divides v by one number along m, and by another across it", initial: { m: [1.6, 0.5], v: [0.6, 1.6], rho: 1 } });
  key(stage, [
    [M, "m"],
    [V, "v, and its parts along m and across m", true],
    [X, "C⁻¹v, and the same two parts divided by ρ + ‖m‖² and by ρ"],
  ]);
  const ranges = { x: [-3.2, 3.2], y: [-2.6, 2.6], xLabel: "first coordinate", yLabel: "second coordinate", equal: true };
  const given = panel(stage, { ...ranges, label: "m, v and the two parts of v" });
  const solved = panel(stage, { ...ranges, label: "The inverse applied to v" });
  const ring = [given.curve("var(--faint)", { thick: 1.4 }), solved.curve("var(--faint)", { thick: 1.4 })];
  const arrows = {
    m: given.arrow(M),
    mAgain: solved.arrow(M, { thick: 1.4 }),
    v: given.arrow(V),
    along: given.arrow(V, { thick: 2, dashes: "5 4" }),
    across: given.arrow(V, { thick: 2, dashes: "5 4" }),
    x: solved.arrow(X),
    xAlong: solved.arrow(X, { thick: 2, dashes: "5 4" }),
    xAcross: solved.arrow(X, { thick: 2, dashes: "5 4" }),
  };
  const handles = {
    m: given.handle(M, { label: "m", step: [0.05, 0.05], value: said("m"), move: (m) => stage.set({ m }) }),
    v: given.handle(V, { label: "v", step: [0.05, 0.05], value: said("v"), move: (v) => stage.set({ v }) }),
  };
  const words = { m: given.words(M), v: given.words(V), x: solved.words(X), unit: given.words("var(--muted)"), image: solved.words("var(--muted)") };
  slider(stage, { name: "rho", label: "ρ", low: 0.25, high: 10, logarithmic: true });

  stage.onDraw(({ m, v, rho }) => {
    const origin = [0, 0];
    const parts = split(m, v);
    const x = solve(rho, m, v);
    const solvedParts = split(m, x);
    ring[0](turn);
    ring[1](turn.map((point) => solve(rho, m, point)));
    arrows.m(origin, m);
    arrows.mAgain(origin, m);
    arrows.v(origin, v);
    arrows.along(origin, parts.along);
    arrows.across(parts.along, v);
    arrows.x(origin, x);
    arrows.xAlong(origin, solvedParts.along);
    arrows.xAcross(solvedParts.along, x);
    handles.m(m);
    handles.v(v);
    words.m(m, "m");
    words.v(v, "v");
    words.x(x, "C⁻¹v");
    words.unit([-0.6, -1], "length 1");
    words.image([-2.2, -2.3], "C⁻¹ of the circle of length 1");
    const large = rho + dot(m, m);
    const [along, across] = [signed(parts.along, m), Math.hypot(...parts.across)];
    stage.say(`Along m: ${shown(along)}/(ρ + ‖m‖²) = ${shown(along)}/${shown(large)} = ${shown(along / large)}. Across m: ${shown(across)}/ρ = ${shown(across / rho)}.`);
  });
  stage.draw();
}

const said = (name) => (point) => `${name} = (${shown(point[0])}, ${shown(point[1])})`;
const signed = (part, m) => (Math.sign(dot(part, m)) || 1) * Math.hypot(...part);

export default { render };
