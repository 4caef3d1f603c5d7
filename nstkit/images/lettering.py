"""Short texts on pictures: a font that has the letters, lines that fit a width."""

from dataclasses import dataclass

from PIL import ImageDraw, ImageFont

from nstkit.images.photographs import installed_file

Font = ImageFont.FreeTypeFont
_LEADING = 1.25
"""From one baseline to the next, in font sizes."""


@dataclass(frozen=True)
class Label:
    """Lines of text in one font."""

    lines: tuple[str, ...]
    font: Font

    @classmethod
    def fitted(cls, text: str, font: Font, width: float) -> "Label":
        """Break `text` between words so that no line is wider than `width` pixels; cut words that are."""
        lines: list[str] = []
        for word in text.split():
            if lines and font.getlength(f"{lines[-1]} {word}") <= width:
                lines[-1] += f" {word}"
            else:
                lines.append(_cut(word, font, width))
        return cls(tuple(lines), font)

    @property
    def width(self) -> int:
        """Pixels from the left to the right end of the longest line."""
        return max((round(self.font.getlength(line)) for line in self.lines), default=0)

    @property
    def height(self) -> int:
        """Pixels from the top of the first line to the foot of the last; 0 for no text."""
        return round(self.font.size * _LEADING) * len(self.lines)

    def draw(self, canvas: ImageDraw.ImageDraw, x: float, top: float, anchor: str, colour: str) -> None:
        """Draw the block from `top` down; `x` is its left (anchor l), middle (m) or right (r) edge."""
        step = round(self.font.size * _LEADING)
        for k, line in enumerate(self.lines):
            canvas.text((x, top + (k + 0.5) * step), line, fill=colour, font=self.font, anchor=f"{anchor}m")


def font_for(texts: str, size: int) -> Font:
    """Pillow's own font, which knows ASCII; for other letters DejaVu Sans, which lies inside matplotlib."""
    dejavu = installed_file("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf")
    if not texts.isascii() and dejavu is not None:
        return ImageFont.truetype(dejavu, size)
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError(
            "Pillow: expected a build with FreeType, to draw text; pip install --upgrade pillow"
        )
    return font


def _cut(word: str, font: Font, width: float) -> str:
    if font.getlength(word) <= width:
        return word
    keep = next((n for n in range(len(word), 0, -1) if font.getlength(word[:n] + "…") <= width), 0)
    return word[:keep] + "…"
