"""Figures to drag: JavaScript that runs in the browser, in a notebook and on a page without Python alike."""

from __future__ import annotations

import base64
import html as html_
import json
from functools import cache
from pathlib import Path
from typing import Any

from sofim_ref.arrays.validation import one_of

BUNDLES = Path(__file__).parent / "live"
"""The built figures: `<name>.mjs` for notebooks, `figures.js` for pages, `<name>.png` for those without scripts."""


def names() -> tuple[str, ...]:
    """Return the names of the live figures.

    Examples
    --------
    >>> "steepest" in names()
    True
    """
    return tuple(sorted(path.stem for path in BUNDLES.glob("*.mjs")))


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Live figures</title>
<style>body {{ margin: 0 }}</style><main>{places}</main><script>{script}</script></html>"""


def page(*figures: str) -> str:
    """Return a page with live figures, as HTML that asks nothing from outside: saved, it opens in any browser.

    Parameters
    ----------
    *figures : str
        Some of `names()`.

    Raises
    ------
    ValueError
        If there is no figure of a name.

    Examples
    --------
    >>> page("steepest").count("data-live-figure=")
    1
    """
    for figure in figures:
        one_of("figures", figure, names())
    places = "".join(f'<div data-live-figure="{name}"></div>' for name in figures)
    return _PAGE.format(places=places, script=(BUNDLES / "figures.js").read_text(encoding="utf-8"))


class LiveFigure:
    """A figure whose points are dragged with the mouse, a finger or the arrow keys, and which redraws in the browser.

    A notebook shows it through anywidget; without anywidget, and where nothing is run, it is a still picture.

    Parameters
    ----------
    name : str
        One of `names()`.
    **state
        What differs from the figure's initial state: numbers, words, and points as lists.

    Raises
    ------
    ValueError
        If there is no figure of that name.

    Notes
    -----
    The figures are written in ``live/src`` of the repository and built by ``npm install && npm run build`` in ``live``.
    Their arithmetic is checked against this library's, step by step: ``tests/lessons/test_live.py``.

    Examples
    --------
    >>> LiveFigure("steepest", epsilon=0.25)
    <LiveFigure steepest: epsilon=0.25>
    """

    def __init__(self, name: str, **state: Any) -> None:
        one_of("name", name, names())
        self.name, self._initial = name, state
        self._widget: Any = None

    def __repr__(self) -> str:
        """Return the figure's name and what its state is known to be."""
        known = ", ".join(f"{name}={value!r}" for name, value in self.state.items())
        return f"<LiveFigure {self.name}: {known}>" if known else f"<LiveFigure {self.name}>"

    @property
    def state(self) -> dict[str, Any]:
        """The state: what was given, and once it is shown in a notebook, all of it, as it has been dragged."""
        return dict(self._initial if self._widget is None else self._widget.state)

    @property
    def widget(self) -> Any:
        """The figure as a widget, made once.

        Raises
        ------
        ModuleNotFoundError
            If anywidget isn't installed.
        """
        if self._widget is None:
            self._widget = _widget_class(self.name)(state=self._initial)
        return self._widget

    def png(self) -> bytes:
        """Return the figure in its initial state as PNG."""
        return (BUNDLES / f"{self.name}.png").read_bytes()

    def html(self, picture: str) -> str:
        """Return what `figures.js` makes the figure of on a page without Python; until then, the picture in base64."""
        state, name = html_.escape(json.dumps(self.state), quote=True), self.name.replace("_", " ")
        image = f'<img alt="Still picture of the figure {name}" src="data:image/png;base64,{picture}">'
        return f'<div data-live-figure="{self.name}" data-state="{state}">{image}</div>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        picture = base64.b64encode(self.png()).decode()
        bundle = {"text/plain": repr(self), "text/html": self.html(picture), "image/png": picture}
        try:
            shown = self.widget._repr_mimebundle_()  # what IPython asks it for
        except ModuleNotFoundError:
            return bundle
        return {**(shown[0] if isinstance(shown, tuple) else shown or {}), **bundle}


@cache
def _widget_class(name: str) -> Any:
    import anywidget
    import traitlets

    source = (BUNDLES / f"{name}.mjs").read_text(encoding="utf-8")
    return type("Live", (anywidget.AnyWidget,), {"_esm": source, "state": traitlets.Dict().tag(sync=True)})
