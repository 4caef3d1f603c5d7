"""Pages escape what learners write, stay small, and tell ungraded from 0."""

import csv
import json
import re
from html.parser import HTMLParser

import pytest

from nstkit.course.formats import gradescope, workflow, write_gradescope
from nstkit.course.pages import LARGEST_PAGE, class_page, histogram, learner_page, page_names
from nstkit.course.tables import Learner, harmless, write_tables

EVIL = "<script>alert(1)</script>'\"&"


def exercise(name="running_sum", state="passed", points=3, misconception=None, message="", picture=""):
    check = {
        "name": "c",
        "title": "A vector of seven",
        "state": state,
        "points": points,
        "max_points": 3,
        "message": message,
    }
    return {
        "exercise": name, "state": state, "points": points, "max_points": 3, "misconception": misconception,
        "message": message, "trace": "", "checks": [check], "picture": picture,
    }  # fmt: skip


def record(learner, *exercises, ungraded=""):
    return {"learner": learner, "lesson": "03_style_loss", "exercises": list(exercises), "ungraded": ungraded}


def person(name, *exercises, ungraded="", notes=()):
    return Learner(name, (record(name, *exercises, ungraded=ungraded),), notes)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


def tags(page):
    parser = Tags()
    parser.feed(page)
    return parser.tags


def test_nothing_that_a_learner_wrote_becomes_markup():
    page = learner_page(person(EVIL, exercise(state="wrong", points=0, message=EVIL), notes=(EVIL,)))
    everyone = class_page(
        [person(EVIL, exercise(state="wrong", misconception="m", message=EVIL))], {EVIL: "x.html"}
    )
    assert "script" not in tags(page) + tags(everyone)
    assert "&lt;script&gt;" in page


def test_a_page_stays_small_whatever_is_in_it():
    many = [exercise(f"e{k}", "wrong", 0, message="no", picture="A" * 60_000) for k in range(12)]
    page = learner_page(person("a", *many))
    assert len(page.encode()) <= LARGEST_PAGE
    assert 0 < page.count("<img") < 12
    long = [exercise(f"e{k}", "wrong", 0, message="x" * 1000) for k in range(800)]
    assert len(learner_page(person("a", *long)).encode()) <= LARGEST_PAGE


def test_file_names_are_safe_and_unlike():
    names = page_names(["../../etc", "李娜", "a b", "a-b", "A-B", "", EVIL])
    assert len(set(map(str.lower, names.values()))) == 7
    assert all(re.fullmatch(r"[\w-]+\.html", name) for name in names.values())
    assert names["李娜"] == "李娜.html"


def test_the_class_page_counts_learners_by_misconception():
    wrong = exercise(state="wrong", points=1, misconception="total", message="You returned the total.")
    page = class_page(
        [person("a", wrong), person("b", wrong), person("c", exercise())], dict.fromkeys("abc", "x.html")
    )
    assert "<td class='number'>2</td><td>running_sum</td><td>You returned the total.</td>" in page
    assert "3 learners, 3 graded" in page


def test_the_class_page_says_who_holds_a_misconception():
    wrong = exercise(state="wrong", points=1, misconception="total", message="You returned the total.")
    people = [person(f"learner {number}", wrong) for number in range(9)] + [person("right", exercise())]
    names = page_names([learner.name for learner in people])
    table = class_page(people, names).split("Hardest exercises")[0]
    linked = re.findall(r"<a href='learners/([\w.-]+)'>([^<]+)</a>", table)
    assert linked == [(names[f"learner {number}"], f"learner {number}") for number in range(8)]
    assert " and 1 more</td>" in table


def test_the_histogram_counts_everybody():
    picture = histogram([0.0, 0.05, 0.55, 1.0])
    assert sorted(re.findall(r"middle'>(\d+)</text>", picture)).count("2") >= 1
    assert picture.count("<rect") == 10


def test_ungraded_is_not_zero(tmp_path):
    write_tables(
        tmp_path,
        [
            person("a", exercise(points=0, state="wrong")),
            person("b", ungraded="broken"),
            Learner("c", ()),
            Learner("d", (), ("d.rar: expected a .zip archive",)),
        ],
    )
    nothing = "no file that answers a lesson was handed in"
    with open(tmp_path / "summary.csv", encoding="utf-8-sig") as file:
        rows = {row["learner"]: row for row in csv.DictReader(file)}
    assert (rows["a"]["points"], rows["a"]["ungraded"]) == ("0", "")
    assert (rows["b"]["points"], rows["b"]["ungraded"]) == ("", "broken")
    assert (rows["c"]["points"], rows["c"]["ungraded"]) == ("", nothing)
    assert rows["d"]["ungraded"] == f"{nothing}; d.rar: expected a .zip archive"
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert {line["state"] for line in lines if line["learner"] in "bcd"} == {"ungraded"}
    assert {line["points"] for line in lines if line["learner"] == "b"} == {None}
    assert "Not graded" in learner_page(person("b", ungraded="broken"))


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)"])
def test_a_spreadsheet_takes_no_name_for_a_formula(tmp_path, text):
    assert harmless(text).startswith("'")
    assert harmless("Ana") == "Ana"
    assert harmless(-3) == -3


def test_gradescope_reads_scores_and_sentences(tmp_path):
    learner = person("a/b", exercise(), exercise("invert", "wrong", 1, message="no"))
    result = gradescope(learner)
    assert result["score"] == sum(test["score"] for test in result["tests"]) == 4
    assert result["tests"][1]["output"] == "no"
    folder = write_gradescope(tmp_path, [learner])
    assert json.loads((folder / "a-b.json").read_text()) == result


def test_the_workflow_grades_each_lesson_and_reports_it():
    text = workflow(["03_style_loss", "04_content_loss"])
    assert text.count("autograding-command-grader@v1") == 2
    assert "runners: lesson-03,lesson-04" in text
    assert "LESSON-03_RESULTS: ${{steps.lesson-03.outputs.result}}" in text
