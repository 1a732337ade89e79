"""A report without pictures, for tests of its words and tables: three fifths of its time goes into drawing."""

from contextlib import contextmanager

import pytest
from matplotlib.figure import Figure

from analysis.figures import canvas


@contextmanager
def unrendered():
    """Have every figure put on its axes, as ever, and none of them laid out and made a PNG and an SVG."""

    def on_axes(draw, width, height):
        draw(Figure(figsize=(width, height)))
        return canvas.Drawing(b"", "<svg ></svg>")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canvas, "_rendered", on_axes)
        yield
