"""Sentences as HTML: code between backticks, nothing of a learner's left alive."""

import html
import re

import pytest

from nstkit.grading.markup import marked_up


def test_backticks_become_code():
    assert marked_up("did you forget `return` or `a < b`?") == (
        "did you forget <code>return</code> or <code>a &lt; b</code>?"
    )


@pytest.mark.parametrize(
    "text", ["`<script>`", "<img src=x onerror='`alert(1)`'>", "a ` alone", "` over\nlines `", "``", "`" * 5]
)
def test_no_tag_but_code_and_no_character_is_lost(text):
    made = marked_up(text)
    assert set(re.findall(r"<[^>]*>", made)) <= {"<code>", "</code>"}
    assert made.count("<code>") == made.count("</code>")
    assert html.unescape(re.sub("</?code>", "", made)).replace("`", "") == text.replace("`", "")
