// On a page without Python: every `<div data-live-figure="name" data-state="{…}">` becomes its figure.
import * as gaussian from "./mathematics/gaussian.js";
import * as rankOne from "./mathematics/rank_one.js";
import splitOfAVector from "./figures/rank_one_solve.js";
import steepest from "./figures/steepest.js";

export const figures = { rank_one_solve: splitOfAVector, steepest };
export const mathematics = { gaussian, rankOne };

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
