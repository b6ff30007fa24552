// On a page without Python: every `<div data-live-figure="name" data-state="{…}">` becomes its figure.
import boundBand from "./figures/bound_band.js";
import momentMemory from "./figures/moment_memory.js";
import momentPlane from "./figures/moment_plane.js";
import paths from "./figures/paths.js";
import racer from "./figures/racer.js";
import rankOneSolve from "./figures/rank_one_solve.js";
import steepest from "./figures/steepest.js";
import stepLength from "./figures/step_length.js";

export const figures = { bound_band: boundBand, moment_memory: momentMemory, moment_plane: momentPlane, paths, racer, rank_one_solve: rankOneSolve, steepest, step_length: stepLength };

/** What anywidget gives a figure in a notebook: a place for its state. */
export function standIn(state = {}) {
  const values = { state };
  return { get: (name) => values[name], set: (name, value) => void (values[name] = value), save_changes() {}, on() {} };
}

export function mount(root = document) {
  for (const place of root.querySelectorAll("[data-live-figure]:not([data-mounted])")) {
    place.dataset.mounted = "";
    place.replaceChildren();
    figures[place.dataset.liveFigure].render({ model: standIn(JSON.parse(place.dataset.state ?? "{}")), el: place });
  }
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => mount());
else mount();
