"""The book's one style: the settings keep their colours and markers on every page.

``SETTING_COLORS`` and ``SETTING_MARKERS`` are dicts from a setting ("single-task", "pooled",
"multi-task", "transfer") to what matplotlib takes. `use_style` sets fonts, sizes and background.
"""

__all__ = ["SETTING_COLORS", "SETTING_MARKERS", "use_style"]

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
