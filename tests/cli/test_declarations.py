"""What is read from source is what an import would have told."""

import inspect
import typing

import pytest

from nstkit.cli.declarations import Foreign, declaration, declaration_in_source
from nstkit.cli.option_kinds import kind_of
from nstkit.encoders import load_encoder
from nstkit.images import contact_sheet, save_image
from nstkit.paintings import paint
from nstkit.transfer import stylize

FUNCTIONS = [stylize, paint, load_encoder, save_image, contact_sheet]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_source_and_import_agree(function):
    read, imported = declaration_in_source(function.__module__, function.__name__), declaration(function)
    assert read.doc == imported.doc == inspect.getdoc(function)
    assert list(read.parameters) == list(imported.parameters)
    for name, parameter in imported.parameters.items():
        assert read.parameters[name].default == parameter.default
        assert read.parameters[name].kind == parameter.kind
        assert said(read.parameters[name]) == said(parameter)


def said(parameter):
    """What a command line would make of a parameter."""
    kind = kind_of(parameter.annotation)
    return kind and (kind.metavar, kind.many)


def test_what_was_not_imported_is_foreign():
    parameters = declaration_in_source("nstkit.transfer.stylize", "stylize").parameters
    assert isinstance(parameters["content"].annotation, Foreign)
    assert parameters["content"].annotation.__name__ == "Tensor"
    generator, nothing = typing.get_args(parameters["generator"].annotation)
    assert (generator.__name__, nothing) == ("Generator", type(None))


def test_a_default_may_be_a_constant_of_the_module(tmp_path, monkeypatch):
    import nstkit

    (tmp_path / "toy.py").write_text(
        'RADIUS = 2 * 3\nMode = Literal["a", "b"]\ndef blur(x, *, r: int = RADIUS, m: Mode = "a"): ...\n'
    )
    monkeypatch.setattr(nstkit, "__path__", [str(tmp_path)])
    parameters = declaration_in_source("nstkit.toy", "blur").parameters
    assert parameters["r"].default == 6
    assert parameters["m"].annotation == typing.Literal["a", "b"]
    assert parameters["x"].default is parameters["x"].annotation is inspect.Parameter.empty


def test_a_missing_function_is_named():
    with pytest.raises(LookupError, match=r"nstkit\.transfer\.stylize: has no function 'stylise'"):
        declaration_in_source("nstkit.transfer.stylize", "stylise")
