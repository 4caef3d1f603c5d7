"""Every file that cannot be read is refused in one sentence, without decoding a pixel of it where that can be."""

import io
import os
import re
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from nstkit.images import ImageError, ImageNotFoundError, check_image, load_image, opening, read_metadata

READERS = [load_image, read_metadata]


def png_that_claims(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(9))), (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


def bmp_that_claims(width, height):
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header


def encoded(kind, **options):
    noise = np.random.default_rng(0).integers(0, 256, (23, 31, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, kind, **options)
    return file.getvalue()


def refusal(reader, path, kind=ImageError):
    with pytest.raises(kind) as caught:
        reader(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize("reader", READERS)
def test_a_missing_file(reader, tmp_path):
    said = refusal(reader, tmp_path / "phto.jpg", ImageNotFoundError)
    assert said == "no such file; check the name and the folder"


def test_a_missing_file_is_caught_as_what_it_is(tmp_path):
    for kind in (FileNotFoundError, ValueError, ImageError):
        with pytest.raises(kind):
            load_image(tmp_path / "none.png")


@pytest.mark.parametrize("reader", READERS)
def test_a_folder(reader, tmp_path):
    assert refusal(reader, tmp_path) == "a folder, not a picture; name a file in it"


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_instead_of_waited_for(reader, tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert refusal(reader, tmp_path / "pipe.png") == "not a regular file; copy the picture into one"


@pytest.mark.parametrize("reader", READERS)
def test_an_empty_file(reader, tmp_path):
    (tmp_path / "empty.png").touch()
    assert refusal(reader, tmp_path / "empty.png") == "the file is empty; copy or download it again"


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_may_not_be_read(reader, tmp_path, monkeypatch):
    path = tmp_path / "secret.png"
    path.write_bytes(encoded("PNG"))

    def denied(*args, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Image, "open", denied)  # a superuser may read everything: permissions would not do
    assert refusal(reader, path) == "may not be read; change its permissions"


@pytest.mark.parametrize("reader", READERS)
def test_a_text_file_with_the_name_of_a_picture(reader, tmp_path):
    (tmp_path / "notes.png").write_text("Dear diary,\ntoday I renamed a text file.\n")
    said = refusal(reader, tmp_path / "notes.png")
    assert said == "not a picture, or in a format that Pillow does not read; convert it to PNG or JPEG"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
def test_a_file_that_was_cut_short(kind, tmp_path):
    whole = encoded(kind)
    (tmp_path / "half").write_bytes(whole[: len(whole) // 2])
    said = refusal(load_image, tmp_path / "half")
    assert re.fullmatch(r"(damaged or incomplete \(.+\); copy or download it again|not a picture, .+)", said)


def test_a_file_with_a_wrong_checksum(tmp_path):
    damaged = bytearray(encoded("PNG"))
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / "damaged.png").write_bytes(damaged)
    assert refusal(load_image, tmp_path / "damaged.png").startswith("damaged or incomplete (")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("forged", [png_that_claims, bmp_that_claims])
@pytest.mark.parametrize(
    ("width", "height", "claim"),
    [(30_000, 30_000, ""), (60_000, 1_000_000, ""), (15_001, 10_000, "15,001 x 10,000 and so ")],
)
def test_an_absurd_claim_is_refused_by_the_header_alone(
    reader, forged, width, height, claim, tmp_path, monkeypatch
):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    (tmp_path / "bomb").write_bytes(forged(width, height))
    said = refusal(reader, tmp_path / "bomb")
    assert said == f"claims {claim}more than 150,000,000 pixels; shrink it with another program first"


def test_the_limit_itself_is_allowed(tmp_path, monkeypatch):
    (tmp_path / "photo.png").write_bytes(encoded("PNG"))
    monkeypatch.setattr(opening, "MAX_PIXELS", 23 * 31)
    assert load_image(tmp_path / "photo.png").shape == (1, 3, 23, 31)
    monkeypatch.setattr(opening, "MAX_PIXELS", 23 * 31 - 1)
    assert refusal(load_image, tmp_path / "photo.png").startswith(
        "claims 31 x 23 and so more than 712 pixels;"
    )


def test_a_picture_that_does_not_fit_into_memory(tmp_path, monkeypatch):
    def exhausted(self):
        raise MemoryError

    (tmp_path / "large.png").write_bytes(encoded("PNG"))
    monkeypatch.setattr(ImageFile.ImageFile, "load", exhausted)
    said = refusal(load_image, tmp_path / "large.png")
    assert said == "needs more memory than there is; shrink it with another program first"


def test_a_stop_by_the_user_is_no_fault_of_the_file(tmp_path, monkeypatch):
    def stopped(self):
        raise KeyboardInterrupt

    (tmp_path / "photo.png").write_bytes(encoded("PNG"))
    monkeypatch.setattr(ImageFile.ImageFile, "load", stopped)
    with pytest.raises(KeyboardInterrupt):
        load_image(tmp_path / "photo.png")


WHOLE = [
    encoded("PNG"),
    encoded("JPEG", exif=Image.Exif()),
    encoded("JPEG", progressive=True),
    encoded("TIFF"),
    encoded("TIFF", compression="tiff_lzw"),
    encoded("WEBP"),
    encoded("GIF"),
    encoded("BMP"),
]


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    st.floats(0.3, 1),
)
def test_any_damage_gives_an_image_or_an_image_error(whole, changes, kept):
    damaged = bytearray(whole[: max(1, int(len(whole) * kept))])
    for where, byte in changes:
        damaged[int(where**3 * len(damaged))] = byte  # mostly in the header
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "damaged")
        path.write_bytes(damaged)
        said = None
        try:
            check_image(load_image(path, size=8))
            read_metadata(path)
        except ImageError as error:
            said = str(error)
        assert said is None or said.startswith(f"{path}: ")
