"""Images on a terminal, drawn with half-block characters in shades of grey."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from fmnist_edge.evaluation import Mistake
    from fmnist_edge.session import Images


_WIDTH: Final = 14  # characters, of a picture and of the longest caption "as T-shirt/top"
_BETWEEN: Final = "  "
_UPPER_HALF: Final = "▀"
# Terminals with fewer colours have too few shades of grey.
_ENOUGH_COLOURS: Final = frozenset({"256", "truecolor"})


def can_show(console: "Console") -> bool:
    """Return whether the console is a terminal with shades of grey and block characters."""
    shades = console.is_terminal and not console.no_color
    return shades and console.color_system in _ENOUGH_COLOURS and "utf" in console.encoding.lower()


def contact_sheet(mistakes: "Sequence[Mistake]", images: "Images", columns: int) -> "list[Text]":
    """Return captioned pictures side by side, as lines of text.

    Args:
        mistakes: The mistakes that the captions describe.
        images: uint8[K,28,28], one image per mistake.
        columns: The width of the terminal in characters.
    """
    each_row = max(1, (columns + len(_BETWEEN)) // (_WIDTH + len(_BETWEEN)))
    lines: list[Text] = []
    for start in range(0, len(mistakes), each_row):
        row = slice(start, start + each_row)
        lines += _side_by_side(mistakes[row], images[row])
    return lines


def _side_by_side(mistakes: "Sequence[Mistake]", images: "Images") -> "list[Text]":
    from rich.text import Text

    between = Text(_BETWEEN)
    columns = [_picture(*pair) for pair in zip(mistakes, images, strict=True)]
    return [between.join(parts) for parts in zip(*columns, strict=True)] + [Text()]


def _picture(mistake: "Mistake", image: "Images") -> "list[Text]":
    from rich.text import Text

    from fmnist_edge.plots import half_blocks
    from fmnist_edge.report.evaluation import caption

    lines = []
    for row in half_blocks(image).tolist():
        line = Text()
        for upper, lower in row:
            line.append(_UPPER_HALF, style=f"{_grey(upper)} on {_grey(lower)}")
        lines.append(line)
    return lines + [Text(text[:_WIDTH].ljust(_WIDTH)) for text in caption(mistake)]


def _grey(shade: int) -> str:
    return f"#{shade:02x}{shade:02x}{shade:02x}"
