// What the theme's pages lack for keyboards and screen readers: names of controls, and tables that can be scrolled by keys.
// Opened as a file, a page can't fetch others, from which the search's excerpts are taken: there are none then.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS === "object") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll(".search-button-field")) button.removeAttribute("aria-label");
  for (const summary of document.querySelectorAll("summary:has(> .toctree-toggle)")) {
    const page = summary.closest("li")?.querySelector("a")?.textContent.trim();
    summary.setAttribute("aria-label", `Pages below ${page}`);
  }
  for (const link of document.querySelectorAll(".sphx-glr-thumbcontainer a")) {
    link.setAttribute("aria-label", link.textContent.trim());
  }
  const scrollable = () => {
    for (const table of document.querySelectorAll("article table, article .highlight pre")) {
      if (table.scrollWidth > table.clientWidth) table.tabIndex = 0;
      else table.removeAttribute("tabindex");
    }
  };
  scrollable();
  addEventListener("resize", scrollable);
});
