"""Evidence crosses a process border unchanged, and nothing malformed gets in."""

import struct

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nstkit.grading.compare import difference
from nstkit.grading.evidence import Array, Raised, Thing, freeze, gradient, outcome, pack, unpack

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
)
arrays = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]), hnp.array_shapes(max_side=4)
)
trees = st.recursive(
    scalars | arrays.filter(lambda a: not np.isnan(a.astype(float)).any()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(trees)
def test_what_is_packed_comes_back(tree):
    frozen = freeze(tree)
    assert difference(unpack(pack(frozen)), frozen, rtol=0, atol=0) is None


@pytest.mark.parametrize("cut", [0, 3, 5, 20, -1])
def test_a_message_that_is_cut_short_is_refused(cut):
    data = pack(freeze([np.arange(6.0), "text"]))
    with pytest.raises(ValueError, match=r"evidence|Expecting"):
        unpack(data[:cut])


@pytest.mark.parametrize(
    "header",
    [
        b'{"a": ["tensor", "object", "object", [1]]}',
        b'{"a": ["tensor", "float64", "float64", [-1]]}',
        b'{"x": 1}',
        b"{}",
    ],
)
def test_a_forged_header_is_refused(header):
    with pytest.raises(ValueError):
        unpack(struct.pack(">I", len(header)) + header)


def test_bytes_left_over_are_refused():
    with pytest.raises(ValueError, match="left over"):
        unpack(pack(1.5) + b"x")


def test_a_subclass_cannot_lie_about_its_values():
    class Liar(np.ndarray):
        def __eq__(self, other):
            return np.ones(self.shape, bool)

        def __array__(self, *args, **kwargs):
            return np.zeros(self.shape)

    frozen = freeze(np.arange(3.0).view(Liar))
    assert type(frozen.data) is np.ndarray
    np.testing.assert_array_equal(frozen.data, [0.0, 1.0, 2.0])


def test_tensors_are_copied_with_their_dtype():
    tensor = torch.arange(6, dtype=torch.bfloat16).reshape(2, 3)
    frozen = freeze(tensor.t())
    tensor.zero_()
    assert (frozen.kind, frozen.dtype, frozen.shape) == ("tensor", "bfloat16", (3, 2))
    assert frozen.data[2, 1] == 5


@pytest.mark.parametrize("value", [(x for x in "ab"), print, object(), np.array([object()])])
def test_what_is_no_evidence_becomes_a_thing(value):
    assert isinstance(freeze(value), Thing)


def test_outcome_names_the_error_and_its_bases():
    assert outcome(int, "x") == Raised(("ValueError",))
    assert outcome(lambda: {}["a"]).names[:2] == ("KeyError", "LookupError")
    assert outcome(int, "7") == ("returns", 7)


def test_outcome_lets_the_stub_through():
    def stub():
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        outcome(stub)


def test_gradient_weighs_every_entry():
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=torch.float64)
    (grad,) = gradient(lambda v: v**2, x)
    ramp = torch.arange(1, 7, dtype=torch.float64).reshape(2, 3) / 6
    assert torch.allclose(grad, 2 * x * ramp)
    assert gradient(lambda v: v.detach(), x) == "no gradient"
    assert gradient(lambda v, w: v, x, x.clone())[1] == "no gradient"


def test_array_shape_is_plain_ints():
    assert Array("array", "float64", np.zeros((2, 3))).shape == (2, 3)
