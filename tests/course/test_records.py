"""Records survive whatever ends the run that writes them."""

import pytest

from nstkit.course.records import Records


def record(learner, digest="d", lesson="07_toy"):
    return {"learner": learner, "lesson": lesson, "digest": digest, "exercises": [], "ungraded": ""}


def test_what_was_added_is_there_again(tmp_path):
    with Records(tmp_path / "r") as records:
        records.add(record("李 'x'"))
    with Records(tmp_path / "r") as records:
        assert records.of("李 'x'", "07_toy", "d") == record("李 'x'")
        assert records.of("李 'x'", "07_toy", "other") is None


def test_the_latest_counts(tmp_path):
    with Records(tmp_path) as records:
        records.add(record("a", "1"))
        records.add(record("a", "2"))
    with Records(tmp_path) as records:
        assert records.of("a", "07_toy")["digest"] == "2"


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_a_line_cut_short_costs_that_line_alone(tmp_path, cut):
    with Records(tmp_path) as records:
        records.add(record("a"))
        records.add(record("b"))
    path = records.path
    path.write_bytes(path.read_bytes()[:-cut])
    with Records(tmp_path) as records:
        assert records.of("a", "07_toy")
        assert (records.of("b", "07_toy") is None) == (cut > 1)
        records.add(record("c"))
    with Records(tmp_path) as records:
        assert records.of("c", "07_toy")


def test_a_folder_with_something_else_in_it_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(ValueError, match="did not write; name another folder"):
        Records(tmp_path)


def test_two_runs_do_not_write_into_one_folder(tmp_path):
    with Records(tmp_path), pytest.raises(ValueError, match="another `nstkit grade`"), Records(tmp_path):
        pass
