"""Options of toy functions: one place for type, default and help; errors in the words of the command line."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import pytest
import torch
import typer
from typer.main import get_command

from nstkit.cli.declarations import declaration
from nstkit.cli.option_kinds import Kind
from nstkit.cli.options import help_texts, options_of, shown, takes_options


def sharpen(
    image: torch.Tensor,
    radius: int = 2,
    *,
    mode: Literal["soft", "hard"] = "soft",
    strength: float | None = None,
    wrap: bool = True,
    layers: Mapping[str, float] | None = None,
    taps: Sequence[float] = (0.25, 0.5, 0.25),
    init: Literal["gray"] | torch.Tensor = "gray",
    on_step: Callable[[int], None] | None = None,
) -> None:
    """Sharpen.

    Args:
        image: (B, 3, H, W).
        radius: in pixels,
            over two lines.
        mode: soft or hard.
        strength: how much; None takes the mode's.
        wrap, layers: shared text.
        taps: of the filter, a list, or a Kernel; sums to 1.
        init: from gray, or from an image.

    Returns:
        Nothing: really.
    """


OPTIONS = options_of(declaration(sharpen), skip=("on_step",), instead={"init": Kind("gray|FILE", str)})


def called(*words, options=OPTIONS, body=None):
    """What a command made of the options gets, given these words."""
    got = {}

    @takes_options(options)
    def command(name: str = "x", *, given: dict) -> None:
        """A toy."""
        got.update(given, name=name)
        if body is not None:
            body()

    app = typer.Typer(rich_markup_mode=None)
    app.command()(command)
    with get_command(app).make_context("toy", list(words)) as context:
        context.command.invoke(context)
    return got


def help_of(name):
    return OPTIONS[name].help


def test_parameters_with_a_default_are_options_and_no_others():
    assert list(OPTIONS) == ["radius", "mode", "strength", "wrap", "layers", "taps", "init"]
    assert OPTIONS["taps"].flag == "--taps"


def test_only_what_was_given_arrives():
    assert called() == {"name": "x"}


def test_values_arrive_with_their_types():
    words = "--radius 3 --mode hard --strength 0.5 --no-wrap --layers a=2,b --layers c=0.5 --taps 1,-2 --init a.png"
    assert called(*words.split()) == {
        "name": "x", "radius": 3, "mode": "hard", "strength": 0.5, "wrap": False,
        "layers": {"a": 2.0, "b": 1.0, "c": 0.5}, "taps": [1.0, -2.0], "init": "a.png",
    }  # fmt: skip


def test_help_comes_from_the_docstring_with_the_default():
    assert help_texts(sharpen.__doc__)["image"] == "(B, 3, H, W)."
    assert "Returns" not in help_texts(sharpen.__doc__)
    assert help_of("radius") == "in pixels, over two lines [default: 2]"
    assert help_of("wrap") == "shared text [default: yes]"
    assert help_of("layers") == "shared text"
    assert help_of("taps") == "of the filter, a list; sums to 1 [default: 0.25,0.5,0.25]"


def test_help_says_left_out_where_the_function_says_none():
    assert help_of("strength") == "how much; left out, it takes the mode's"


def test_every_option_of_stylize_has_help():
    from nstkit.cli.transfer import OPTIONS as OF_TRANSFER

    for option in OF_TRANSFER.values():
        assert len(option.help) > 10, option.name
        assert "None" not in option.help
        assert "Encoder" not in option.help


def test_a_type_that_no_option_can_have_is_refused_at_once():
    with pytest.raises(TypeError, match=r"on_step: no option can be of type .*Callable.*skip it"):
        options_of(declaration(sharpen))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--radius", "2.5"], "--radius: expected a whole number, got '2.5'"),
        (["--mode", "softt"], "--mode: expected soft or hard, got 'softt'; did you mean soft?"),
        (["--layers", "a=b"], "--layers: expected a number, got 'b'"),
    ],
)
def test_what_does_not_fit_is_said_with_its_flag(words, message):
    with pytest.raises(ValueError) as caught:
        called(*words)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("radius: expected more"), "--radius: expected more"),
        (KeyError("layers['a']: no such layer"), "--layers['a']: no such layer"),
        (ValueError("image: expected more"), "image: expected more"),
        (ValueError("radius, image, mode: no, radius"), "--radius, image, --mode: no, radius"),
        (ValueError("radius is odd"), "radius is odd"),
    ],
)
def test_the_librarys_complaints_name_the_flag(error, message):
    def body():
        raise error

    with pytest.raises(type(error)) as caught:
        called(body=body)
    assert caught.value.args == (message,)


def test_values_are_shown_as_one_would_type_them():
    assert [shown(v) for v in (True, 0.0, 1e-3, 512, "a", [1.0, 2.5], {"a": 1.0})] == [
        "yes", "0", "0.001", "512", "a", "1,2.5", "a=1",
    ]  # fmt: skip
