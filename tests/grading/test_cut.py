"""What the sandbox is sent holds the probes and nothing that answers them."""

import ast

from toy_lesson import CHECKS

from nstkit.grading.cut import probes_only


def names(source):
    return {n.name for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)}


def test_answers_hints_and_their_helpers_are_cut():
    cut = probes_only(CHECKS)
    assert names(cut) == {"a_vector", "single_precision", "a_matrix", "a_vector_is_refused"}
    for secret in ("nearly there", "numpy:cumsum", "_secret_total", "total everywhere"):
        assert secret not in cut


def test_helpers_of_probes_stay_with_their_own_helpers():
    source = CHECKS + (
        "\nSIZE = 3\ndef _inner(draw): return draw.array(SIZE)\ndef _outer(draw): return _inner(draw)\n"
        "@invert.check()\ndef more(answer, draw):\n    '''More.'''\n    return answer(_outer(draw))\n"
    )
    cut = probes_only(source)
    assert {"_inner", "_outer", "more"} <= names(cut)
    assert "SIZE = 3" in cut
