"""Submissions are found in the folders and archives that platforms give, and hostile ones do no harm."""

import io
import os
import stat
import zipfile

import pytest

from nstkit.course.submissions import LARGEST, Submissions


def put(root, *paths):
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {path}")


def archive(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return data.getvalue()


def handed_in(place):
    found = Submissions(place)
    return {learner: [file.path for file in found.read(learner).files] for learner in found.learners}


def test_a_folder_per_learner(tmp_path):
    put(tmp_path, "ana/03_style_loss.ipynb", "ben/work/03_style_loss.py", "ben/readme.md")
    assert handed_in(tmp_path) == {"ana": ["03_style_loss.ipynb"], "ben": ["work/03_style_loss.py"]}


def test_moodle_folders_lose_their_numbers_unless_two_share_a_name(tmp_path):
    put(tmp_path, "Li Na_11_assignsubmission_file_/a.ipynb", "Li Na_12_assignsubmission_file_/a.ipynb")
    put(tmp_path, "Jo_13_assignsubmission_file_/a.ipynb")
    assert sorted(handed_in(tmp_path)) == ["Jo", "Li Na (11)", "Li Na (12)"]


def test_canvas_files_are_gathered_by_learner(tmp_path):
    put(tmp_path, "doejane_123_456_03_style_loss.ipynb", "doejane_LATE_123_457_04_content_loss-1.ipynb")
    assert handed_in(tmp_path) == {"doejane": ["03_style_loss.ipynb", "04_content_loss-1.ipynb"]}


def test_a_lone_submission_belongs_to_its_folder(tmp_path):
    put(tmp_path / "ana", "03_style_loss.ipynb", "04_content_loss.py")
    assert handed_in(tmp_path / "ana") == {"ana": ["03_style_loss.ipynb", "04_content_loss.py"]}


def test_archives_of_the_class_and_of_learners(tmp_path):
    whole = archive(
        {
            "ana/03_style_loss.ipynb": "{}",
            "ben.zip": archive({"x/03_style_loss.py": "1"}),
            "__MACOSX/a.py": "",
        }
    )
    (tmp_path / "class.zip").write_bytes(whole)
    assert handed_in(tmp_path / "class.zip") == {
        "ana": ["03_style_loss.ipynb"],
        "ben": ["x/03_style_loss.py"],
    }


def test_two_learners_with_one_name_stay_apart(tmp_path):
    put(tmp_path, "ana/03_style_loss.ipynb", "ana.py")
    (tmp_path / "ana.zip").write_bytes(archive({"03_style_loss.ipynb": "{}"}))
    assert sorted(handed_in(tmp_path)) == ["ana", "ana (2)", "ana (3)"]
    assert sorted(map(len, handed_in(tmp_path).values())) == [1, 1, 1]


def test_an_empty_folder_is_a_submission_without_files(tmp_path):
    put(tmp_path, "ana/03_style_loss.ipynb")
    (tmp_path / "ben").mkdir()
    assert handed_in(tmp_path)["ben"] == []


@pytest.mark.parametrize("name", ['O\'Brien "x"', "李娜", "<b>bold</b>", "a b  c", "-rf"])
def test_names_are_kept_as_they_are(tmp_path, name):
    if "/" in name:
        name = name.replace("/", "")
    put(tmp_path, f"{name}/03_style_loss.ipynb")
    assert list(handed_in(tmp_path)) == [name]


def test_links_are_not_followed(tmp_path):
    secret = tmp_path / "secret.py"
    secret.write_text("KEY = 1")
    put(tmp_path / "class", "ana/a.py")
    os.symlink(secret, tmp_path / "class" / "ana" / "03_style_loss.py")
    os.symlink(tmp_path, tmp_path / "class" / "ana" / "up")
    submission = Submissions(tmp_path / "class").read("ana")
    assert [file.path for file in submission.files] == ["a.py"]
    assert submission.notes == ("03_style_loss.py: is a link or no plain file; it was not read",)


def test_a_path_that_climbs_out_of_an_archive_stays_inside(tmp_path):
    (tmp_path / "ana.zip").write_bytes(
        archive({"../../etc/03_style_loss.py": "x = 1", "/top/04_content_loss.py": "y = 1"})
    )
    put(tmp_path, "ben/a.py")
    assert handed_in(tmp_path)["ana"] == ["etc/03_style_loss.py", "top/04_content_loss.py"]
    assert not (tmp_path.parent / "etc").exists()


def test_a_link_in_an_archive_is_not_read(tmp_path):
    link = zipfile.ZipInfo("03_style_loss.py")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as target:
        target.writestr(link, "/etc/passwd")
    (tmp_path / "ana.zip").write_bytes(data.getvalue())
    assert "is a link" in Submissions(tmp_path).read("ana").notes[0]


def test_a_zip_bomb_is_named_and_not_unpacked(tmp_path):
    (tmp_path / "ana.zip").write_bytes(
        archive({"03_style_loss.py": b"#" * (LARGEST + 10), "04_content_loss.py": b"x = 1"})
    )
    submission = Submissions(tmp_path).read("ana")
    assert [file.path for file in submission.files] == ["04_content_loss.py"]
    assert "03_style_loss.py: has 20 MB, more than 20" in submission.notes[0]


def test_many_files_that_are_large_together_are_not_all_read(tmp_path, monkeypatch):
    monkeypatch.setattr("nstkit.course.submissions.LARGEST_TOGETHER", 3 << 20)
    bomb = {f"{number:02}.py": b"#" * (1 << 20) for number in range(50)}
    (tmp_path / "ana.zip").write_bytes(archive(bomb))
    submission = Submissions(tmp_path).read("ana")
    assert len(submission.files) == 4
    assert submission.notes == ("03.py: more than 3 MB together; the rest was not read",)


def test_damaged_data_in_an_archive_is_named_and_the_rest_is_read(tmp_path):
    data = bytearray(archive({"03_style_loss.py": os.urandom(50_000).hex(), "04_content_loss.py": "x = 1"}))
    data[200:260] = b"\xff" * 60
    (tmp_path / "ana.zip").write_bytes(data)
    submission = Submissions(tmp_path).read("ana")
    assert [file.path for file in submission.files] == ["04_content_loss.py"]
    assert submission.notes[0].startswith("03_style_loss.py: cannot be read (")


def test_a_damaged_archive_is_named(tmp_path):
    (tmp_path / "ana.zip").write_bytes(b"PK\3\4 not really")
    assert Submissions(tmp_path).read("ana").notes[0].startswith("ana.zip: not a zip archive")


@pytest.mark.parametrize("name", ["work.rar", "work.tar.gz", "work.7z", "inner.zip"])
def test_archives_that_are_not_opened_are_named_and_nobody_is_forgotten(tmp_path, name):
    (tmp_path / "ana.zip").write_bytes(archive({name: b"x", "03_style_loss.py": "x = 1"}))
    (tmp_path / "ben").mkdir()
    (tmp_path / "ben" / "04_content_loss.py").write_text("y = 1")
    (tmp_path / "class.csv").write_text("ana,ben")
    note = f"{name}: expected a .zip archive, and none inside another; it was not opened"
    assert handed_in(tmp_path) == {"ana": ["03_style_loss.py"], "ben": ["04_content_loss.py"]}
    assert Submissions(tmp_path).read("ana").notes == (note,)


def test_a_learner_whose_archive_is_no_zip_is_a_learner(tmp_path):
    (tmp_path / "lea.rar").write_bytes(b"Rar!")
    assert handed_in(tmp_path) == {"lea": []}
    assert Submissions(tmp_path).read("lea").notes[0].startswith("lea.rar: expected a .zip archive")


@pytest.mark.parametrize("make", [lambda p: p / "nowhere", lambda p: p])
def test_nothing_to_grade_is_said(tmp_path, make):
    with pytest.raises(ValueError, match=r"expected (a folder or a \.zip|one folder)"):
        Submissions(make(tmp_path))
