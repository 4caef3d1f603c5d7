"""The plan of a folder: names, batches of one size, results that are kept, and what cannot be."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from nstkit.cli.folder_plan import FolderOrder, Marks, picture_names, planned
from nstkit.images import save_image


def order(here, **changes):
    fields = {
        "content": "photos", "styles": ("style.png",), "output": Path("out"), "model": None, "alpha": 1.0,
        "frames": False, "force": False, "resume": False, "quiet": False, "given": {"steps": 3, "device": "cpu"},
    }  # fmt: skip
    return FolderOrder(**fields | changes)


def plan(asked, size=64):
    return planned(asked, Marks(asked, "tiny"), size)


def picture(name, height, width, **options):
    level = (torch.arange(width) % 7 / 7).expand(1, 3, height, width)
    save_image(level, Path("photos") / name, **options)


@pytest.fixture
def photos(here, style):
    (here / "photos").mkdir()
    (here / "out").mkdir()
    return here / "photos"


def test_pictures_of_one_size_share_a_batch_as_they_come(photos):
    for name in ("a.png", "c.jpg", "e.webp", "f.png"):
        picture(name, 30, 40)
    picture("b.tif", 40, 30)
    picture("d.png", 60, 80)  # 48 x 64 at size 64, as 30 x 40
    assert plan(order(photos, batch=2)).batches == [
        ["a.png", "c.jpg"],
        ["d.png", "e.webp"],
        ["f.png"],
        ["b.tif"],
    ]
    assert plan(order(photos, batch=9)).batches == [["a.png", "c.jpg", "d.png", "e.webp", "f.png"], ["b.tif"]]
    assert plan(order(photos, batch=9), size=None).batches[1:] == [["b.tif"], ["d.png"]]
    assert [len(batch) for batch in plan(order(photos)).batches] == [1] * 6


def test_a_photograph_on_its_side_is_upright_in_the_plan(photos):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees
    Image.new("RGB", (40, 30)).save(photos / "turned.jpg", exif=exif)
    picture("upright.jpg", 40, 30)
    assert plan(order(photos, batch=2)).batches == [["turned.jpg", "upright.jpg"]]


def test_damaged_headers_are_named_and_left_out(photos):
    picture("a.png", 30, 40)
    (photos / "b.png").write_bytes(b"no picture")
    found = plan(order(photos))
    assert (found.batches, found.pictures) == ([["a.png"]], 1)
    assert found.damaged == ["photos/b.png: not a picture, or in a format that Pillow does not read; "
                             "convert it to PNG or JPEG"]  # fmt: skip


def test_only_pictures_of_the_folder_itself_count(photos):
    picture("b.PNG", 30, 40)
    picture("a.jpeg", 30, 40)
    (photos / ".hidden.png").write_bytes(b"")
    (photos / "notes.txt").write_text("no picture")
    (photos / "more.png").mkdir()
    assert picture_names(photos) == ["a.jpeg", "b.PNG"]


def test_a_format_that_is_not_written_becomes_png(photos):
    asked = order(photos)
    assert [asked.target(name).name for name in ("a.bmp", "b.JPG", "c.tiff")] == ["a.png", "b.JPG", "c.tiff"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), r"photos: holds no picture; expected \.png, \.jpg"),
        (
            ("a.bmp", "a.png"),
            r"out/a\.png: a\.bmp and a\.png would both become this file; rename one of them",
        ),
        (
            ("a.png", "a.partial.png"),
            r"a\.partial\.png: would get the name that is kept for a\.png in case it fails",
        ),
    ],
)
def test_folders_that_are_refused(photos, names, words):
    for name in names:
        Image.new("RGB", (40, 30)).save(photos / name)
    with pytest.raises(ValueError, match=words):
        plan(order(photos))


def results(asked, *names):
    marks = Marks(asked, "tiny")
    for name in names:
        save_image(
            torch.rand(1, 3, 20, 30),
            asked.target(name),
            metadata=marks.of(asked.folder / name),
            overwrite=True,
        )


def test_results_of_the_same_order_are_kept(photos):
    for name in ("a.png", "b.jpg", "c.bmp"):
        Image.new("RGB", (40, 30)).save(photos / name)
    results(order(photos), "a.png", "c.bmp")
    elsewhere = {"steps": 3, "device": "cuda:1"}
    found = plan(order(photos, resume=True, batch=4, given=elsewhere))
    assert (found.batches, found.kept) == ([["b.jpg"]], 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"given": {"steps": 4}}, r"--resume: out/a\.png was made with other options; name a new folder"),
        ({"styles": ("other.png",)}, "was made from other pictures"),
        ({"content": "new"}, "was made from other pictures"),
        ("style", "was made from other pictures"),
        ("by hand", "was made by others"),
        ("damaged", "was made by others"),
    ],
)
def test_other_results_are_refused_or_with_force_made_anew(photos, change, words):
    for folder in (photos, photos.parent / "new"):
        folder.mkdir(exist_ok=True)
        Image.new("RGB", (40, 30), len(folder.name)).save(folder / "a.png")
    picture("b.png", 30, 40)
    Image.new("RGB", (40, 30)).save(photos.parent / "other.png")
    results(order(photos), "a.png")
    if change == "style":
        Image.new("RGB", (50, 50)).save("style.png")
    elif change == "by hand":
        Image.new("RGB", (40, 30)).save("out/a.png")
    elif change == "damaged":
        Path("out/a.png").write_bytes(b"")
    changes = change if isinstance(change, dict) else {}
    with pytest.raises(ValueError, match=words):
        plan(order(photos, resume=True, **changes))
    found = plan(order(photos, resume=True, force=True, **changes))
    assert ["a.png"] in found.batches
    assert found.kept == 0


def test_other_weights_of_the_encoder_are_other_options(photos):
    picture("a.png", 30, 40)
    asked = order(photos, resume=True)
    results(asked, "a.png")
    assert Marks(asked, "tiny").differ(photos / "a.png", Path("out/a.png")) == ""
    assert Marks(asked, "vgg19").differ(photos / "a.png", Path("out/a.png")) == "with other options"
