// The keys of a lecture, and figures as large as the screen allows.
(() => {
  const screens = () => [...document.querySelectorAll(".screen")];
  const place = document.body.appendChild(Object.assign(document.createElement("div"), { id: "place" }));

  const current = () => {
    const middle = window.innerHeight / 2;
    return Math.max(0, screens().findLastIndex((screen) => screen.getBoundingClientRect().top <= middle));
  };
  const go = (index) => screens()[Math.min(Math.max(index, 0), screens().length - 1)].scrollIntoView();
  const say = () => { place.textContent = `${current() + 1} / ${screens().length}`; };

  const own = "input, select, textarea, button, summary, [role=slider], .noUi-handle, .handle";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(own)) return;
    const box = screens()[current()].getBoundingClientRect();
    const below = box.bottom > window.innerHeight + 2;
    const above = box.top < -2;
    const step = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1, ArrowDown: below ? 0 : 1, ArrowUp: above ? 0 : -1 }[event.key];
    if (step) {
      event.preventDefault();
      go(current() + step);
    } else if (event.key === "c" || event.key === "C") {
      const all = [...document.querySelectorAll("details.code")];
      const open = !all.some((one) => one.open);
      for (const one of all) one.open = open;
    }
  });

  // A live figure is 1080 pixels wide at most: enlarge it until the window is full.
  const enlarge = () => {
    for (const figure of document.querySelectorAll(".screen .live")) {
      figure.style.zoom = 1;
      figure.style.width = "1080px";
      const { width, height } = figure.getBoundingClientRect();
      if (height) figure.style.zoom = Math.max(0.9, Math.min((0.94 * window.innerWidth) / width, (0.84 * window.innerHeight) / height, 1.8));
    }
  };
  // A formula that is wider than its place is set smaller.
  const fit = () => {
    for (const formula of document.querySelectorAll('.screen mjx-container[display="true"]')) {
      formula.style.fontSize = "";
      const table = formula.querySelector("mjx-mtable");  // of a formula with a number: as wide as its place, and no less than this
      const least = parseFloat(table?.style.minWidth) * parseFloat(getComputedStyle(table ?? formula).fontSize);
      const width = least || (formula.querySelector("mjx-math")?.getBoundingClientRect().width ?? 0);
      const share = formula.getBoundingClientRect().width / width;
      if (share < 1) formula.style.fontSize = `${Math.floor(100 * share)}%`;
    }
  };
  const arrange = () => { enlarge(); fit(); say(); };
  let waiting = 0;
  new MutationObserver(() => {
    clearTimeout(waiting);
    waiting = setTimeout(arrange, 300);
  }).observe(document.getElementById("rendered_cells"), { childList: true, subtree: true });
  window.addEventListener("resize", arrange);
  document.addEventListener("scroll", say, { passive: true, capture: true });  // whichever element scrolls
  say();
})();
