"""A picture with sliders; where nothing can slide, the picture."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 80
"""Dots an inch: a picture of 10 inches is drawn in some hundredths of a second, and fits a page."""


@dataclass(frozen=True)
class Slider:
    """What can be moved, and where it stands at first.

    Parameters
    ----------
    label : str
        What stands beside it.
    low, high, step : float
        The ends and the stride; for a logarithmic one those of log₁₀.
    start : float
        Where it stands at first: a value, also for a logarithmic one.
    logarithmic : bool
        Whether it moves evenly in the logarithm.
    """

    label: str
    low: float
    high: float
    step: float
    start: float
    logarithmic: bool = False


class Stage:
    """A picture that follows its sliders.

    A notebook shows sliders and picture; a viewer without widgets the picture as it is at first; a terminal a line.

    Parameters
    ----------
    draw : callable
        From the sliders' values, by name, to a matplotlib figure.
    sliders : mapping
        From a name to its slider.
    """

    def __init__(self, draw: Callable[..., Figure], sliders: Mapping[str, Slider]) -> None:
        self.draw = draw
        self.sliders = dict(sliders)
        self.values = {name: slider.start for name, slider in self.sliders.items()}
        self._box: Any = None

    def __repr__(self) -> str:
        """Return what it shows, and where the sliders stand."""
        where = ", ".join(f"{name}={value:g}" for name, value in self.values.items())
        return f"<Stage of {getattr(self.draw, '__name__', 'a picture')}: {where}>"

    def png(self, **values: float) -> bytes:
        """Return the picture as PNG, with some sliders elsewhere."""
        with io.BytesIO() as buffer:
            self.draw(**{**self.values, **values}).savefig(buffer, format="png", dpi=DPI)
            return buffer.getvalue()

    @property
    def box(self) -> Any:
        """Sliders and picture as an ipywidgets box, made once.

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
