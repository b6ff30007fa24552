"""Figures with sliders in a notebook; where widgets are missing, static figures."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 80
"""Dots per inch: a figure 10 inches wide is drawn in a few hundredths of a second, and fits a page."""


@dataclass(frozen=True)
class Slider:
    """A number that can be moved, its range and its initial value.

    Parameters
    ----------
    label : str
        The text beside it.
    low, high, step : float
        The range and the increment; those of log₁₀ for a logarithmic slider.
    start : float
        The initial value: the number itself, for a logarithmic slider too.
    logarithmic : bool
        Whether it is uniform in the logarithm.
    """

    label: str
    low: float
    high: float
    step: float
    start: float
    logarithmic: bool = False


class InteractiveFigure:
    """A figure that is drawn anew whenever one of its sliders moves.

    A notebook shows the sliders and the figure, a viewer without widgets the initial figure, a terminal one line.

    Parameters
    ----------
    draw : callable
        Takes the sliders' values by name, and returns a matplotlib figure.
    sliders : mapping
        Names and sliders.
    """

    def __init__(self, draw: Callable[..., Figure], sliders: Mapping[str, Slider]) -> None:
        self.draw = draw
        self.sliders = dict(sliders)
        self.values = {name: slider.start for name, slider in self.sliders.items()}
        self._box: Any = None

    def __repr__(self) -> str:
        """Return the figure's name and the sliders' values."""
        where = ", ".join(f"{name}={value:g}" for name, value in self.values.items())
        return f"<InteractiveFigure of {getattr(self.draw, '__name__', 'a picture')}: {where}>"

    def png(self, **values: float) -> bytes:
        """Return the figure as PNG, with the given sliders at other values."""
        with io.BytesIO() as buffer:
            self.draw(**{**self.values, **values}).savefig(buffer, format="png", dpi=DPI)
            return buffer.getvalue()

    @property
    def box(self) -> Any:
        """Sliders and figure as an ipywidgets box, made once.

        Raises
        ------
        ModuleNotFoundError
            If ipywidgets isn't installed.
        """
        if self._box is None:
            self._box = self._built()
        return self._box

    def _built(self) -> Any:
        import ipywidgets

        layout = {"align_self": "flex-start", "max_width": "100%"}
        picture = ipywidgets.Image(value=self.png(), format="png", layout=layout)
        controls = []
        for name, slider in self.sliders.items():
            kind = ipywidgets.FloatLogSlider if slider.logarithmic else ipywidgets.FloatSlider
            control = kind(
                value=slider.start,
                min=slider.low,
                max=slider.high,
                step=slider.step,
                description=slider.label,
                continuous_update=False,
                readout_format=".3g",
                style={"description_width": "16em"},
                layout={"width": "38em"},
            )

            def move(change: Mapping[str, Any], name: str = name) -> None:
                self.values[name] = change["new"]
                picture.value = self.png()

            control.observe(move, names="value")
            controls.append(control)
        return ipywidgets.VBox([*controls, picture])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle = {"text/plain": repr(self), "image/png": base64.b64encode(self.png()).decode()}
        try:
            widget = self.box._repr_mimebundle_()  # what IPython asks it for
        except ModuleNotFoundError:
            return bundle
        return {**(widget[0] if isinstance(widget, tuple) else widget or {}), **bundle}
