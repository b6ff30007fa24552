// What every figure stands on: a frame with a title, controls and a sentence; panels with fixed axes; handles to drag.
import { axisBottom, axisLeft } from "d3-axis";
import { drag } from "d3-drag";
import { scaleLinear, scaleLog } from "d3-scale";
import { select } from "d3-selection";
import { line } from "d3-shape";
import css from "./style.css";

let figures = 0;

/**
 * A figure's frame. `state` holds what can be changed, as plain numbers and words, and is shared with the model, so that a
 * notebook sees it and can set it. `draw(state)` is called once a frame at most, after a change.
 */
export function frame({ model, el, title, initial }) {
  const root = select(el).append("section").attr("class", "live").attr("aria-label", title);
  root.append("style").text(css);
  root.append("p").attr("class", "title").text(title);
  const panels = root.append("div").attr("class", "panels");
  const controls = root.append("div").attr("class", "controls");
  const said = root.append("p").attr("class", "said").attr("aria-live", "polite");
  const state = { ...initial, ...(model.get("state") ?? {}) };
  const updates = [];
  let waiting = false;

  const stage = {
    root,
    panels,
    controls,
    state,
    say: (text) => said.text(text),
    /** Call `update` with every drawing. */
    onDraw: (update) => updates.push(update),
    /** Change some of the state, draw in the next frame, and tell the model. */
    set(changes) {
      Object.assign(state, changes);
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        stage.draw();
        model.set("state", { ...state });
        model.save_changes();
      });
    },
    draw: () => updates.forEach((update) => update(state)),
  };
  model.on("change:state", () => {
    const wanted = model.get("state");
    if (Object.keys(wanted).some((name) => wanted[name] !== state[name])) {
      Object.assign(state, wanted);
      stage.draw();
    }
  });
  followTheme(root);
  return stage;
}

/** Dark where the page is: as the system says, or JupyterLab, or the site's theme. */
function followTheme(root) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const look = () => {
    const said = document.body.dataset.jpThemeLight ?? document.documentElement.dataset.theme;
    const dark = said === "false" || said === "dark" || (said === undefined && system.matches);
    root.classed("dark", dark);
  };
  system.addEventListener("change", look);
  const watch = new MutationObserver(look);
  watch.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  look();
}

/**
 * A panel with axes that never move. `x` and `y` are ranges; `equal` gives both the same pixels per unit, by the height.
 * A `wide` panel has a row of its own. Layers are drawn in the order in which they are asked for.
 */
export function panel(stage, { x, y, xLabel, yLabel, label, width = 460, height = 400, equal = false, logX = false, logY = false, ticks = 6, wide = false }) {
  const margin = { left: 68, right: 14, top: 14, bottom: 48 };
  const inner = width - margin.left - margin.right;
  const tall = equal ? (inner * (y[1] - y[0])) / (x[1] - x[0]) : height - margin.top - margin.bottom;
  const name = `live-${++figures}`;
  const svg = stage.panels
    .append("svg")
    .classed("wide", wide)
    .attr("viewBox", `0 0 ${width} ${tall + margin.top + margin.bottom}`)
    .style("flex", wide ? null : `${width} 1 ${0.62 * width}px`) // so that letters are of one size in all panels
    .attr("role", "group")
    .attr("aria-label", label);
  svg.append("clipPath").attr("id", name).append("rect").attr("width", inner).attr("height", tall);
  const inside = svg.append("g").attr("transform", `translate(${margin.left},${margin.top})`);
  const toX = (logX ? scaleLog() : scaleLinear()).domain(x).range([0, inner]);
  const toY = (logY ? scaleLog() : scaleLinear()).domain(y).range([tall, 0]);
  const axis = (made, logarithmic) => made.ticks(ticks, logarithmic ? (value) => shown(value) : null).tickSizeOuter(0);
  inside.append("g").attr("class", "axis").attr("aria-hidden", "true").attr("transform", `translate(0,${tall})`).call(axis(axisBottom(toX), logX));
  inside.append("g").attr("class", "axis").attr("aria-hidden", "true").call(axis(axisLeft(toY), logY));
  inside.append("text").attr("x", inner / 2).attr("y", tall + 40).attr("text-anchor", "middle").text(xLabel);
  inside.append("text").attr("transform", `translate(-52,${tall / 2}) rotate(-90)`).attr("text-anchor", "middle").text(yLabel);
  const clipped = inside.append("g").attr("clip-path", `url(#${name})`);
  const path = line()
    .defined(([a, b]) => Number.isFinite(a) && Number.isFinite(b))
    .x(([a]) => toX(a))
    .y(([, b]) => toY(b));

  return {
    svg,
    inside,
    clipped,
    toX,
    toY,
    width: inner,
    height: tall,
    /** A curve through points; returns what moves it. */
    curve(colour, { dashes = null, thick = 2.4, fill = "none" } = {}) {
      const drawn = clipped.append("path").attr("fill", fill).attr("stroke", colour).attr("stroke-width", thick).attr("stroke-linejoin", "round").attr("stroke-dasharray", dashes);
      return (points) => drawn.attr("d", points && points.length ? path(points) : null);
    },
    /** An arrow from one point to another; returns what moves it. */
    arrow(colour, { thick = 3, dashes = null } = {}) {
      const shaft = clipped.append("path").attr("fill", "none").attr("stroke", colour).attr("stroke-width", thick).attr("stroke-dasharray", dashes);
      const tip = clipped.append("path").attr("fill", colour);
      return (from, to) => {
        const [x0, y0, x1, y1] = [toX(from[0]), toY(from[1]), toX(to[0]), toY(to[1])];
        const length = Math.hypot(x1 - x0, y1 - y0);
        if (!(length > 0.5)) return shaft.attr("d", null), tip.attr("d", null);
        const [a, b] = [(x1 - x0) / length, (y1 - y0) / length];
        const head = Math.min(12, length);
        shaft.attr("d", `M${x0},${y0}L${x1 - head * 0.8 * a},${y1 - head * 0.8 * b}`);
        tip.attr("d", `M${x1},${y1}L${x1 - head * a - 0.45 * head * b},${y1 - head * b + 0.45 * head * a}L${x1 - head * a + 0.45 * head * b},${y1 - head * b - 0.45 * head * a}Z`);
      };
    },
    /** A mark at a point: a circle, or a star's place. */
    dot(colour, { radius = 5, ring = false } = {}) {
      const drawn = clipped.append("circle").attr("r", radius).attr("fill", ring ? "none" : colour).attr("stroke", colour).attr("stroke-width", 2);
      return (point) => drawn.attr("cx", toX(point[0])).attr("cy", toY(point[1]));
    },
    /** Small marks at many points; returns what moves them. */
    dots(colour, { radius = 3 } = {}) {
      const group = clipped.append("g").attr("fill", colour);
      return (points) => group.selectAll("circle").data(points).join("circle").attr("r", radius).attr("cx", ([a]) => toX(a)).attr("cy", ([, b]) => toY(b));
    },
    /** Words at a point, kept inside the panel. */
    words(colour, { dx = 8, dy = -8 } = {}) {
      const drawn = inside.append("text").style("fill", colour).attr("font-weight", 600);
      return (point, text) => {
        drawn.text(text);
        const wide = 8.2 * text.length;
        drawn
          .attr("x", Math.min(Math.max(toX(point[0]) + dx, 2), inner - wide))
          .attr("y", Math.min(Math.max(toY(point[1]) + dy, 14), tall - 6));
      };
    },
    /**
     * A point to drag, with a mouse, a finger or the arrow keys (with Shift ten times as far). `move(point)` is told where it is
     * wanted, inside the axes; `step` is how far an arrow key moves it, in
     * powers of ten on a logarithmic axis; with a step of 0 the point keeps to the other axis or to a curve.
     */
    handle(colour, { label: handleLabel, step, move, value }) {
      const handle = inside.append("g").attr("class", "handle").attr("tabindex", 0).attr("role", "slider").attr("aria-label", handleLabel).attr("aria-valuenow", 0).attr("data-along", (step[0] ? "x" : "") + (step[1] ? "y" : ""));
      handle.append("circle").attr("class", "reach").attr("r", 24);
      handle.append("circle").attr("class", "dot").attr("r", 9).attr("fill", colour).attr("stroke", "var(--paper)").attr("stroke-width", 2);
      let here = [x[0], y[0]];
      const clamp = (number, [low, high]) => Math.min(Math.max(number, low), high);
      const go = (point) => move([clamp(point[0], x), clamp(point[1], y)]);
      handle.call(
        drag()
          .container(inside.node())
          .on("start", () => handle.node().focus({ preventScroll: true }))
          .on("drag", (event) => go([toX.invert(event.x), toY.invert(event.y)]))
          .subject(() => ({ x: toX(here[0]), y: toY(here[1]) })),
      );
      handle.on("keydown", (event) => {
        const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
        if (!by) return;
        event.preventDefault();
        const times = event.shiftKey ? 10 : 1;
        const nudge = (k, logarithmic) => (logarithmic ? here[k] * 10 ** (by[k] * step[k] * times) : here[k] + by[k] * step[k] * times);
        go([nudge(0, logX), nudge(1, logY)]);
      });
      return (point) => {
        here = point;
        handle.attr("transform", `translate(${toX(point[0])},${toY(point[1])})`).attr("aria-valuenow", point[0].toFixed(3)).attr("aria-valuetext", value(point));
      };
    },
  };
}

/** A number to slide, uniform in itself or in its logarithm; `digits` significant ones are shown. */
export function slider(stage, { name, label, low, high, logarithmic = false, digits = 3, steps = 400 }) {
  const label_ = stage.controls.append("label").text(label);
  const input = label_.append("input").attr("type", "range").attr("min", 0).attr("max", steps).attr("step", 1);
  const output = label_.append("output");
  const toValue = (k) => (logarithmic ? low * (high / low) ** (k / steps) : low + ((high - low) * k) / steps);
  const toStep = (value) => (logarithmic ? (steps * Math.log(value / low)) / Math.log(high / low) : (steps * (value - low)) / (high - low));
  input.on("input", function () {
    stage.set({ [name]: toValue(+this.value) });
  });
  stage.onDraw((state) => {
    const text = shown(state[name], digits);
    if (document.activeElement !== input.node()) input.property("value", Math.round(toStep(state[name])));
    input.attr("aria-valuetext", text);
    output.text(text);
  });
}

/** Buttons of which one is pressed. `options` are pairs of a value and its words; `also` is what else a choice changes. */
export function choice(stage, { name, label, options, also = () => ({}) }) {
  const group = stage.controls.append("span").attr("role", "group").attr("aria-label", label).attr("class", "choice");
  const buttons = options.map(([value, words]) =>
    [value, group.append("button").attr("type", "button").text(words).on("click", () => stage.set({ [name]: value, ...also(value) }))],
  );
  stage.onDraw((state) => buttons.forEach(([value, button]) => button.attr("aria-pressed", state[name] === value)));
  return group;
}

/** Buttons of which any may be pressed. `options` are a value, its words, and the colour and dashes of its line. */
export function toggles(stage, { name, label, options }) {
  const group = stage.controls.append("span").attr("role", "group").attr("aria-label", label).attr("class", "choice");
  const buttons = options.map(([value, words, colour, dashed]) => {
    const flip = () => stage.set({ [name]: stage.state[name].includes(value) ? stage.state[name].filter((other) => other !== value) : [...stage.state[name], value] });
    const button = group.append("button").attr("type", "button").attr("class", "toggle").on("click", flip);
    button.append("i").style("border-top", `3px ${dashed ? "dashed" : "solid"} ${colour}`);
    button.append("span").text(words);
    return [value, button];
  });
  stage.onDraw((state) => buttons.forEach(([value, button]) => button.attr("aria-pressed", state[name].includes(value))));
}

/** What the colours mean: entries are a colour, words, and whether the line is dashed. */
export function key(stage, entries) {
  const list = stage.root.insert("p", ".controls").attr("class", "key");
  for (const [colour, words, dashed] of entries) {
    const entry = list.append("span");
    entry.append("i").style("border-top", `3px ${dashed ? "dashed" : "solid"} ${colour}`);
    entry.append("span").text(words);
  }
}

/** One button that does something. */
export function button(stage, words, act) {
  return stage.controls.append("button").attr("type", "button").text(words).on("click", act);
}

/** A number in so many significant digits: as 0.0012, or as 1.2·10⁻⁵ where it is very small or large. */
export function shown(value, digits = 3) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) return String(Number(value.toPrecision(digits)));
  const [mantissa, power] = value.toExponential(digits - 1).split("e");
  const raised = [...power.replace("+", "")].map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign])).join("");
  return `${Number(mantissa)}·10${raised}`.replace(/^1·/, "");
}
