"""A sheet shows every picture whole, in its place, with letters beside and never on it."""

import pytest
import torch

from nstkit.images import check_image, contact_sheet

PAPER = {False: torch.ones(3), True: torch.tensor([0x17, 0x17, 0x1A]) / 255}


def noise(height, width, seed):
    """An image in whole 8-bit levels, which a sheet must not change."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (1, 3, height, width), generator=generator) / 255


def place_of(picture, sheet):
    """(top, left) of the only exact copy of a picture on a sheet."""
    height, width = picture.shape[-2:]
    windows = (
        sheet[0].unfold(1, height, 1).unfold(2, width, 1)[..., 0, :2]
    )  # (3, rows, columns, 2): first pixels
    hits = (windows == picture[0, :, 0, :2][:, None, None]).all(-1).all(0).nonzero().tolist()
    exact = [hit for hit in hits if torch.equal(cut(sheet, *hit, picture), picture)]
    assert len(exact) == 1
    return exact[0]


def cut(sheet, top, left, picture):
    return sheet[..., top : top + picture.shape[-2], left : left + picture.shape[-1]]


@pytest.fixture
def grid():
    """Portraits, landscapes and a gap; the long side is 48 everywhere."""
    sizes = [[(48, 31), (48, 40), None], [(29, 48), (17, 48), (33, 48)]]
    return [
        [size and noise(*size, seed=10 * y + x) for x, size in enumerate(row)] for y, row in enumerate(sizes)
    ]


LABELS = {"rows": ["first row", "second"], "columns": ["left", "a title of many words", ""], "title": "Sheet"}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("labels", [{}, LABELS])
def test_every_picture_is_shown_whole_and_in_order(grid, labels, dark):
    sheet = contact_sheet(grid, cell=48, dark=dark, **labels)
    check_image(sheet)
    assert sheet.shape[0] == 1
    assert sheet.dtype == torch.float32
    centres = [
        [
            (place_of(p, sheet)[0] + p.shape[-2] / 2, place_of(p, sheet)[1] + p.shape[-1] / 2)
            for p in row
            if p is not None
        ]
        for row in grid
    ]
    for row in centres:
        assert max(y for y, x in row) - min(y for y, x in row) <= 1  # centred in the row
        assert [x for y, x in row] == sorted(x for y, x in row)
    for upper, lower in zip(*centres, strict=False):
        assert abs(upper[1] - lower[1]) <= 1  # centred in the column
        assert upper[0] < lower[0]


@pytest.mark.parametrize("dark", [False, True])
def test_without_labels_all_but_the_pictures_and_their_hairlines_is_paper(grid, dark):
    sheet = contact_sheet(grid, cell=48, gap=5, dark=dark)
    paper = (sheet == PAPER[dark].view(1, 3, 1, 1)).all(1)[0]
    for picture in (p for row in grid for p in row if p is not None):
        top, left = place_of(picture, sheet)
        paper[top - 1 : top + picture.shape[-2] + 1, left - 1 : left + picture.shape[-1] + 1] = True
    assert paper.all()
    assert sheet.shape[-2:] == (48 + 33 + 5 * 5, 48 + 48 + 48 + 6 * 5)  # cells, gaps and margins of two gaps


def test_labels_make_room_for_themselves(grid):
    bare = contact_sheet(grid, cell=48)
    for name in LABELS:
        labelled = contact_sheet(grid, cell=48, **{name: LABELS[name]})
        axis = 3 if name == "rows" else 2
        assert labelled.shape[axis] > bare.shape[axis]
        assert labelled.shape[5 - axis] == bare.shape[5 - axis]


def test_an_empty_corner_and_short_rows_are_left_blank():
    picture = noise(20, 32, seed=1)
    sheet = contact_sheet([[None, picture], [picture]], cell=32, gap=4)
    assert (sheet[..., 8:28, 8:40] == 1).all()
    assert (sheet[..., 34:, 45:] == 1).all()


def test_pictures_of_any_size_are_brought_to_the_cell():
    sheet = contact_sheet(
        [[torch.full((1, 3, 7, 11), 0.2), torch.full((1, 3, 300, 200), 0.2)]], cell=60, gap=3
    )
    assert sheet.shape[-2:] == (60 + 12, 60 + 40 + 15)
    assert ((sheet * 255).round() == 51).all(1).sum() == 60 * 38 + 60 * 40


def test_more_pixels_and_other_precision_do_not_matter(grid):
    double = [[p if p is None else p.double() for p in row] for row in grid]
    strided = [[p if p is None else p.mT.contiguous().mT for p in row] for row in grid]
    expected = contact_sheet(grid, cell=48)
    assert torch.equal(contact_sheet(double, cell=48), expected)
    assert torch.equal(contact_sheet(strided, cell=48), expected)


@pytest.mark.parametrize("pictures", [[], [[]], [[], []]])
def test_a_sheet_of_nothing_is_refused(pictures):
    with pytest.raises(
        ValueError, match=r"^pictures: expected rows of images, got none; give at least one picture$"
    ):
        contact_sheet(pictures)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"rows": ["one"]}, r"rows: expected a sequence of 2 titles, one for each, got \['one'\]"),
        (
            {"columns": ["a", "b"]},
            r"columns: expected a sequence of 3 titles, one for each, got \['a', 'b'\]",
        ),
        ({"rows": "ab"}, r"rows: expected a sequence of 2 titles, one for each, got 'ab'"),
        ({"cell": 3}, r"cell: expected at least 16 pixels, got 3"),
    ],
)
def test_labels_that_do_not_match_are_refused(grid, labels, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        contact_sheet(grid, **labels)


def test_a_picture_off_the_contract_is_named(grid):
    grid[1][2] = torch.full((1, 3, 5, 7), 2.0)
    with pytest.raises(ValueError, match=r"^pictures\[1\]\[2\]: expected pixels in \[0, 1\], got \[2, 2\]"):
        contact_sheet(grid)
    grid[1][2] = torch.zeros(2, 3, 5, 7)
    with pytest.raises(
        ValueError, match=r"^pictures\[1\]\[2\]: expected one image \(1, 3, H, W\), got 2 of them; take"
    ):
        contact_sheet(grid)
