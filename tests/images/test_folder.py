"""Folders of pictures as data: what is found, what is passed over, and what a crop is."""

import pytest
import torch
import torch.nn.functional as F

from nstkit.images import load_image, save_image
from nstkit.images.folder import PictureFolder, center_square, random_crop


@pytest.fixture
def folder(tmp_path):
    """Three pictures in two folders, and a file that is none by its name."""
    (tmp_path / "sub").mkdir()
    for number, name in enumerate(("b.png", "a.JPG", "sub/c.webp")):
        save_image(torch.full((1, 3, 18, 20 + number), 0.25 * (number + 1)), tmp_path / name)
    (tmp_path / "notes.txt").write_text("not looked at")
    return tmp_path


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_pictures_are_found_below_the_folder_in_the_order_of_their_names(folder):
    found = PictureFolder(folder, 16)
    assert [path.name for path in found.paths] == ["a.JPG", "b.png", "c.webp"]
    assert len(found) == 3
    assert found.passed_over == []
    for number in range(3):
        assert torch.equal(found[number], load_image(found.paths[number]))


def test_files_that_are_no_pictures_are_named(folder):
    (folder / "text.png").write_text("no picture")
    (folder / "empty.jpg").touch()
    save_image(torch.rand(1, 3, 40, 15), folder / "small.png")
    found = PictureFolder(folder, 16)
    assert len(found) == 3
    said = "\n".join(found.passed_over)
    assert "text.png: not a picture" in said
    assert "empty.jpg: the file is empty" in said
    assert "small.png: 15 x 40 pixels, smaller than the crop of 16" in said


def test_in_the_place_of_a_picture_damaged_inside_comes_the_next(folder):
    save_image(torch.rand(1, 3, 32, 32, generator=seeded(0)), folder / "b.png", overwrite=True)
    data = (folder / "b.png").read_bytes()
    (folder / "b.png").write_bytes(data[: len(data) // 2])
    found = PictureFolder(folder, 16)
    assert len(found) == 3  # its header is whole
    for _ in range(2):
        assert torch.equal(found[1], load_image(found.paths[2]))
    assert len(found.passed_over) == 1
    assert "b.png: damaged or incomplete" in found.passed_over[0]


def test_after_the_last_picture_comes_the_first(folder):
    (folder / "sub" / "z.png").write_bytes(cut_png(folder))
    found = PictureFolder(folder, 16)
    assert torch.equal(found[3], load_image(found.paths[0]))


def cut_png(folder):
    save_image(torch.rand(1, 3, 32, 32, generator=seeded(1)), folder / "sub" / "z.png")
    data = (folder / "sub" / "z.png").read_bytes()
    return data[: len(data) // 2]


def test_a_folder_without_usable_pictures_is_refused(tmp_path):
    with pytest.raises(ValueError, match="nowhere: expected a folder of pictures, found none"):
        PictureFolder(tmp_path / "nowhere", 16)
    with pytest.raises(ValueError, match=r"holds no picture that can be used$"):
        PictureFolder(tmp_path, 16)
    save_image(torch.rand(1, 3, 8, 9), tmp_path / "s.png")
    with pytest.raises(ValueError, match=r"used; .*s\.png: 9 x 8 pixels, smaller than the crop of 16"):
        PictureFolder(tmp_path, 16)
    (tmp_path / "s.png").write_bytes(cut(tmp_path / "s.png", 32))
    found = PictureFolder(tmp_path, 16)
    with pytest.raises(ValueError, match=r"holds no picture that can be read; .*s\.png: damaged"):
        found[0]


def cut(path, side):
    save_image(torch.rand(1, 3, side, side, generator=seeded(2)), path, overwrite=True)
    return path.read_bytes()[: path.stat().st_size // 2]


def test_every_place_of_a_small_picture_is_cut_and_half_are_mirrored():
    """On the coordinates as colours, a crop tells where it was cut."""
    height, width, size = 7, 9, 6
    y, x = torch.meshgrid(torch.arange(height) / 10, torch.arange(width) / 10, indexing="ij")
    image = torch.stack([y, x, torch.zeros_like(x)])[None]
    seen, mirrored = set(), 0
    for seed in range(300):
        crop = (random_crop(size)(image, seeded(seed)) + 1) / 2
        rows, columns = (10 * crop[0, :, 0]).round(), (10 * crop[1, 0]).round()
        flipped = bool(columns[0] > columns[-1])
        columns = columns.flip(0) if flipped else columns
        assert torch.equal(rows - rows[0], torch.arange(6.0))
        assert torch.equal(columns - columns[0], torch.arange(6.0))
        seen.add((int(rows[0]), int(columns[0])))
        mirrored += flipped
    assert seen == {(top, left) for top in range(2) for left in range(4)}
    assert 110 < mirrored < 190  # 150 ± 4.6 standard deviations


def test_without_flip_nothing_is_mirrored():
    image = torch.linspace(0, 1, 20).expand(1, 3, 18, 20)
    assert all(
        (random_crop(16, flip=False)(image, seeded(seed)).diff(dim=-1) > 0).all() for seed in range(30)
    )


def test_a_large_picture_is_shrunk_before_the_cut():
    """A crop of a gradient from 0 to 1 spans the share of the picture that it covers."""
    image = torch.linspace(0, 1, 400).expand(1, 3, 300, 400)  # 4:3
    for enlarged in (1.0, 1.12, 2.0):
        crop = (random_crop(32, enlarged=enlarged, flip=False)(image, seeded(0)) + 1) / 2
        assert crop.shape == (3, 32, 32)
        short = round(32 * enlarged)
        assert float(crop[0, 0, -1] - crop[0, 0, 0]) == pytest.approx(31 / (short * 4 / 3), rel=0.04)


def test_a_crop_depends_on_its_generator_alone_and_stays_in_range():
    image = torch.rand(1, 3, 30, 50)
    crop = random_crop(16)
    one, again, other = (crop(image, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert -1 <= one.min() <= one.max() <= 1
    whole = crop(image[..., :16, :16], seeded(0))
    assert torch.equal((whole if (whole + 1).div(2).allclose(image[0, :, :16, :16]) else whole.flip(-1)),
                       2 * image[0, :, :16, :16] - 1)  # fmt: skip


@pytest.mark.parametrize(("height", "width"), [(12, 20), (20, 12), (13, 16)])
def test_the_middle_square_is_the_middle(height, width):
    image = torch.rand(1, 3, height, width)
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = image[..., top : top + side, left : left + side]
    torch.testing.assert_close(center_square(image, side), 2 * middle - 1)
    smaller = F.interpolate(middle, (8, 8), mode="bicubic", antialias=True).clamp(0, 1)
    torch.testing.assert_close(center_square(image, 8), 2 * smaller - 1)
