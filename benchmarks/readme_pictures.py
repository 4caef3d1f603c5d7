"""Make the README's pictures: the six paintings, and photographs in their styles on the embedded encoder.

python benchmarks/readme_pictures.py [FOLDER]        # default docs/pictures; about five minutes on two cores
"""

import sys
import time
from pathlib import Path

from nstkit.images import contact_sheet, photograph, save_image
from nstkit.paintings import paint, painting_names
from nstkit.transfer import stylize

PAIRS = (
    ("chelsea", "stained_glass"),
    ("astronaut", "mosaic"),
    ("coffee", "pointillism"),
    ("grace_hopper", "swirls"),
    ("rocket", "woodcut"),
    ("astronaut", "ink_wash"),
)
SIZE = 384


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sheet = [[paint(name, 400, 500) for name in painting_names()[k : k + 3]] for k in (0, 3)]
    save_image(contact_sheet(sheet, cell=400), folder / "paintings.jpg", overwrite=True)
    rows = []
    for content, style in PAIRS:
        started = time.perf_counter()
        picture, painting = photograph(content, size=SIZE), paint(style, SIZE, round(1.25 * SIZE))
        result = stylize(picture, painting, encoder="tiny", size=SIZE)
        print(f"{content} + {style}: {time.perf_counter() - started:.0f} s", flush=True)
        rows.append([picture, painting, result.image])
    wide = [[*rows[k], *rows[k + 1]] for k in range(0, len(rows), 2)]
    titles = ["photograph", "painting", "result"] * 2
    save_image(contact_sheet(wide, columns=titles, cell=260), folder / "transfers.jpg", overwrite=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures"))
