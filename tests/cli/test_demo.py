"""`nstkit demo`: the sheet, its parts, the scoreboard; and nobody's file replaced."""

import pytest
from study_folder import make_study

from nstkit.cli import demo
from nstkit.images import load_image, read_metadata

SMALL = ("--size", 64, "--steps", 1)


@pytest.fixture
def study(here):
    return make_study(here)


@pytest.fixture
def ungraded(monkeypatch):
    monkeypatch.setattr(demo, "grade_solutions", lambda: None)


def pictures(folder):
    return sorted(path.name for path in folder.glob("*.png"))


def test_the_sheet_and_every_result_are_written_and_may_be_written_again(nstkit, here, ungraded):
    for _ in range(2):
        code, out, err = nstkit("demo", *SMALL)
        assert (code, out) == (0, "")
        assert "wrote out/demo.png: 4 transfers in" in err
        assert len(pictures(here / "out")) == 5
    sheet = load_image("out/demo.png")
    assert sheet.shape[2] > 3 * 40  # a row of styles and two of results, each at least 40 high at this size
    assert sheet.shape[3] > 3 * 64
    assert all(read_metadata(path)["command"] == "demo" for path in (here / "out").glob("*.png"))


@pytest.mark.parametrize("name", ["demo.png", "demo-chelsea-mosaic.png"])
def test_a_foreign_file_is_never_replaced(nstkit, here, ungraded, name, monkeypatch):
    monkeypatch.setattr(demo, "stylize", pytest.fail)
    monkeypatch.setattr(demo, "photograph_names", lambda: ("chelsea", "astronaut"))
    (here / "out").mkdir()
    (here / "out" / name).write_bytes(b"precious")
    code, _, err = nstkit("demo", *SMALL)
    assert (code, err.count("\n")) == (2, 1)
    assert f"{name}: exists, and `nstkit demo` did not make it; choose another name with --out" in err
    assert (here / "out" / name).read_bytes() == b"precious"


def test_a_name_that_no_picture_can_have_makes_no_folder(nstkit, here):
    code, _, err = nstkit("demo", "--out", "new/demo.gif", *SMALL)
    assert (code, err.count("\n")) == (2, 1)
    assert "new/demo.gif: expected a name that ends in .png" in err
    assert not (here / "new").exists()


def test_without_scikit_image_it_makes_do_and_says_so(nstkit, here, ungraded, monkeypatch):
    monkeypatch.setattr(demo, "photograph_names", lambda: ("grace_hopper",))
    code, _, err = nstkit("demo", "--out", "a.png", *SMALL)
    assert code == 0
    assert "scikit-image is not installed" in err
    assert [name for name in pictures(here) if "grace_hopper" in name] == pictures(here)[:-1]


def test_the_worked_solutions_are_graded(study, capsys):
    (study / "solutions" / "02_meter.py").unlink()
    demo.grade_solutions()
    out = capsys.readouterr().out
    assert "the worked solutions, graded:" in out
    assert "01_sums" in out
    assert "02_meter" not in out
    assert "/7" in out
