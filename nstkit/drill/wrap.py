"""Lines of Chinese that fill a terminal: it may be broken between any two characters, where English may at spaces.

Rich breaks at spaces alone, so that a formula in the middle of a Chinese sentence leaves half a line empty.
"""

import re
from itertools import pairwise

from rich.cells import cell_len

_WIDE = "\u2e80-\u2fdf\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_CLOSING = "、。，．：；！？）」』】》〉”’…—,.:;!?)\\]}"
_OPENING = "（「『【《〈“‘(\\[{"
_PIECE = re.compile(
    f"\\s+|[{_OPENING}]*[{_WIDE}][{_CLOSING}]*|[{_OPENING}]*[^\\s{_WIDE}]+?[{_CLOSING}]*(?=[\\s{_WIDE}{_OPENING}]|$)|."
)


def wrapped(text: str, width: int) -> str:
    """The same text in lines of at most `width` cells, unless one word is longer; its own line breaks stay.

    No line begins with a closing mark or ends with an opening one.
    """
    return "\n".join(_lines(paragraph, width) for paragraph in text.split("\n"))


def _lines(paragraph: str, width: int) -> str:
    starts = [0]  # where each line begins
    places = [piece.start() for piece in _PIECE.finditer(paragraph)] + [len(paragraph)]
    for start, end in pairwise(places):
        line = paragraph[starts[-1] : end]
        if start > starts[-1] and not paragraph[start:end].isspace() and cell_len(line) > width:
            starts.append(start)
    return "\n".join(paragraph[a:b].rstrip() for a, b in pairwise([*starts, len(paragraph)]))
