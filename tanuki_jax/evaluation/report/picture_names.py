"""Names in Japanese in pictures, on machines with and without a font for them.

matplotlib is imported when a picture is drawn.
"""

from collections.abc import Iterable

from tanuki_jax.base.plots import JAPANESE_FONTS


def font_advice() -> str:
    """Return a sentence for a user whose pictures have boxes for Japanese names."""
    from matplotlib import get_cachedir

    return (
        "matplotlib knows no font for Japanese, so that pictures show boxes for some names: install "
        f"{JAPANESE_FONTS[1]}, or, if it is installed, delete the list of fonts in {get_cachedir()}"
    )


def lack_font(names: Iterable[str]) -> bool:
    """Whether one of the names has Japanese characters, and no font for them is installed."""
    if not any(char >= "\u3000" for name in names for char in name):
        return False
    from matplotlib.font_manager import fontManager

    return not {*JAPANESE_FONTS} & {*fontManager.get_font_names()}
