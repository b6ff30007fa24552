"""What is measured on a lecture's page, in the browser: sizes, lines, what overlaps, what is cut off."""

MEASURE = """() => {
    const box = (one) => one.getBoundingClientRect();
    const folded = (one) => one.closest("details:not([open])") && !one.matches("summary");
    const seen = (one) => box(one).width > 0 && box(one).height > 0 && !folded(one);
    const screens = [...document.querySelectorAll(".screen")];
    const prose = [...document.querySelectorAll(".screen .jp-MarkdownOutput :is(p, li)")].filter(seen);
    const plain = prose.filter((one) => one.matches("p") && !one.querySelector("mjx-container"));
    const lines = plain.flatMap((one) => {
        const counts = new Map();
        const walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
        for (let text = walker.nextNode(); text; text = walker.nextNode()) {
            for (let i = 0; i < text.length; i++) {
                const range = document.createRange();
                range.setStart(text, i);
                range.setEnd(text, i + 1);
                const top = Math.round(range.getBoundingClientRect().bottom / 8);
                counts.set(top, (counts.get(top) ?? 0) + 1);
            }
        }
        return [...counts.values()];
    });
    const blocks = ":is(h1, h2, p, li, pre, .widget-hslider, img, .live, summary)";
    const overlapping = screens.flatMap((screen) => {
        const all = [...screen.querySelectorAll(blocks)].filter(seen);
        return all.flatMap((one, i) => all.slice(i + 1).filter((other) => {
            if (one.contains(other) || other.contains(one)) return false;
            if (one.closest(".live") && other.closest(".live")) return false;
            const [a, b] = [box(one), box(other)];
            const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            return across > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
        }).map((other) => `${one.textContent.slice(0, 40)} | ${other.textContent.slice(0, 40)}`));
    });
    const texts = `.screen ${blocks}, .screen mjx-container > mjx-math, .screen .live text`;
    const cut = [...document.querySelectorAll(texts)]
        .filter(seen).filter((one) => {
            if (box(one).left < -1 || box(one).right > window.innerWidth + 1) return true;
            for (let up = one; up.closest(".screen"); up = up.parentElement) {
                const { overflowX, overflowY } = getComputedStyle(up);
                if (overflowX !== "visible" && up.scrollWidth > up.clientWidth + 2) return true;
                if (overflowY !== "visible" && up.scrollHeight > up.clientHeight + 2) return true;
            }
            return false;
        }).map((one) => `${one.tagName} ${one.textContent.slice(0, 60)}`);
    const figures = screens.map((one) => one.querySelectorAll(".widget-image, .live, .jp-RenderedImage").length);
    return {
        screens: screens.length,
        font: Math.min(...prose.map((one) => parseFloat(getComputedStyle(one).fontSize))),
        longest: Math.max(...lines),
        figures: Math.max(...figures),
        tallest: Math.max(...screens.map((one) => box(one).height)) / window.innerHeight,
        overlapping, cut,
    };
}"""
"""JavaScript for a page of screens: how many, the smallest font of prose, its longest line in characters, the most
figures on one screen, the tallest screen in windows, the pairs of blocks that overlap, the texts that are cut off."""
