"""The book's one style: the settings keep their colours and markers on every page.

``SETTING_COLORS`` and ``SETTING_MARKERS`` are dicts from a setting ("single-task", "pooled",
"multi-task", "transfer") to what matplotlib takes. `use_style` sets fonts, sizes and background.
`Dial` is a figure that a reader turns.
"""

import html
import io
import zlib
from xml.etree import ElementTree

__all__ = ["SETTING_COLORS", "SETTING_MARKERS", "Dial", "use_style"]

# From the palette of Okabe and Ito, made for colour-blind readers, those that reach a contrast of
# 3:1 on white.
SETTING_COLORS = {
    "single-task": "#0072B2",  # blue
    "multi-task": "#D55E00",  # vermilion
    "transfer": "#009E73",  # bluish green
    "pooled": "#000000",  # black
}
# Colour never stands alone.
SETTING_MARKERS = {"single-task": "o", "multi-task": "D", "transfer": "^", "pooled": "s"}


def use_style():
    """Set matplotlib's defaults to the style of the book, for this process.

    The style itself is the file ``mtlkit/book.mplstyle``; ``plt.style.use("mtlkit.book")`` puts it
    on top of settings of your own, which this function forgets.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    See Also
    --------
    SETTING_COLORS : The colour of each setting.
    SETTING_MARKERS : The marker of each setting.

    Notes
    -----
    Text is large enough on a phone, and the background is opaque white, so that figures stay
    readable in the dark theme. Taught in :doc:`/chapters/background/words_and_symbols`.
    """
    plt = _pyplot()
    plt.rcdefaults()  # whatever a reader's own matplotlibrc says
    plt.style.use("mtlkit.book")


def _pyplot():
    """matplotlib.pyplot, or an error that says how to get it."""
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError as error:
        raise ImportError(
            "a plot needs matplotlib, which is not installed: python -m pip install 'mtlkit[plot]'"
        ) from error
    return plt


class Dial:
    """A figure with a dial: its stops are drawn once, a reader chooses which is seen.

    The last line of a cell shows it. Nothing runs while it is turned, no script either: it is one
    SVG in which what differs between stops is there for each of them, and a row of radio buttons,
    so it works offline, by keyboard, and in a page that was saved. Where HTML is not shown, as on
    paper, the stop at which it starts is a picture.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure, drawn. It is closed.
    turn : callable
        ``turn(value)`` changes the artists of the figure to what they are at a value.
    stops : dict
        What a reader reads at a stop -> the value that `turn` receives; two stops or more.
    label : str
        What is turned, with its unit.
    alt : str
        What the figure shows, for those who do not see it.
    start : int, default=0
        Position of the stop at which the dial stands first.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there are fewer than two stops, or `start` is none of them.

    See Also
    --------
    use_style : The style of the figure.

    Notes
    -----
    Cost: one drawing a stop. Used in :doc:`/chapters/background/three_settings`.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mtlkit.plotting import Dial
    >>> fig, ax = plt.subplots()
    >>> (line,) = ax.plot([0, 1], [0, 1])
    >>> Dial(
    ...     fig,
    ...     lambda slope: line.set_ydata([0, slope]),
    ...     {"flat": 0, "steep": 1},
    ...     label="slope",
    ...     alt="A line from the origin.",
    ... )
    Dial('slope', ['flat', 'steep'])
    """

    def __init__(self, figure, turn, stops, *, label, alt, start=0):
        plt = _pyplot()
        if len(stops) < 2:
            raise ValueError(f"a dial needs two stops or more, not {list(stops)}")
        if isinstance(start, (bool, float)) or start not in range(len(stops)):
            raise ValueError(f"start must be a position from 0 to {len(stops) - 1}, not {start!r}")
        self.label, self.alt, self.stops, self.start = label, alt, list(stops), start
        drawings = []
        for value in stops.values():
            turn(value)
            drawings.append(_svg(figure, label))
        self._drawing = _merged(drawings)
        turn(list(stops.values())[start])
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
        self._picture = picture.getvalue()
        plt.close(figure)

    def __repr__(self):
        return f"Dial({self.label!r}, {self.stops})"

    def _repr_png_(self):
        return self._picture

    def _repr_html_(self):
        name = f"dial-{zlib.crc32((self.label + self.alt).encode())}"  # the same in every build
        shown = "".join(
            f"#{name}:has([value='{k}']:checked) .stop-{k}{{display:inline}}"
            for k in range(len(self.stops))
        )
        first = {self.start: ' checked=""'}
        buttons = "".join(
            f'<label><input type="radio" name="{name}" value="{k}"{first.get(k, "")} /> '
            f"{html.escape(stop)}</label> "
            for k, stop in enumerate(self.stops)
        )
        drawing = self._drawing
        drawing.attrib |= {
            "role": "img",
            "aria-label": self.alt,
            "style": "max-width:100%;height:auto",
        }
        return (
            f'<div class="dial" id="{name}"><style>#{name} .stop{{display:none}}{shown}</style>'
            f"<fieldset><legend>{html.escape(self.label)}</legend>{buttons}</fieldset>"
            f"{ElementTree.tostring(drawing, encoding='unicode')}</div>"
        )


def _svg(figure, salt):
    """The figure as an SVG element, without ids that nothing in it refers to."""
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": salt, "svg.fonttype": "none"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    ElementTree.register_namespace("", "http://www.w3.org/2000/svg")
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    drawing = ElementTree.fromstring(text)
    for element in drawing.iter():
        if f"#{element.get('id')}" not in text:
            element.attrib.pop("id", None)
    for element in drawing.findall("{*}metadata"):
        drawing.remove(element)
    return drawing


def _merged(drawings):
    """One element for those of all stops: what is equal once, what differs once a stop."""
    first = drawings[0]
    kinds = {(d.tag, d.text, d.tail, tuple(d.attrib.items()), len(d)) for d in drawings}
    if len(kinds) == 1:
        children = [_merged(parts) for parts in zip(*drawings, strict=True)]
        for k, child in enumerate(children):
            first[k] = child
        return first
    group = ElementTree.Element("{http://www.w3.org/2000/svg}g")
    for k, drawing in enumerate(drawings):
        stop = ElementTree.SubElement(group, group.tag, {"class": f"stop stop-{k}"})
        stop.append(drawing)
    return group
