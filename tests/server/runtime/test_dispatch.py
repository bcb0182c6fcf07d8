"""Requests and the functions that answer them."""

import inspect
from collections.abc import Callable
from typing import get_args, get_type_hints

import pytest

from zettel.server.protocol.schemas import (
    Arguments,
    AroundReading,
    LinkChange,
    NewLink,
    Reading,
)
from zettel.server.runtime.dispatch import VERBS

CONTEXT = {"memory", "caller", "_caller", "now"}
"""Parameters that are not part of a request."""
NOT_REQUESTS = {Arguments, AroundReading, Reading, NewLink, LinkChange}


def models(kind: type[Arguments]) -> set[type[Arguments]]:
    """All request models below one, recursively."""
    below = {kind, *(model for child in kind.__subclasses__() for model in models(child))}
    return {model for model in below if model.__module__ == kind.__module__} - NOT_REQUESTS


def parameters_of(verb: Callable[..., object]) -> dict[str, bool]:
    """Name of each argument -> whether it is required; those of an unpacked `TypedDict`, too."""
    found = dict[str, bool]()
    for name, parameter in inspect.signature(verb).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            (fields,) = get_args(parameter.annotation)
            found |= {field: field in fields.__required_keys__ for field in get_type_hints(fields)}
        else:
            found[name] = parameter.default is parameter.empty
    return found


def test_every_request_has_a_function_that_answers_it() -> None:
    assert VERBS.keys() == models(Arguments)


@pytest.mark.parametrize("model", VERBS, ids=lambda model: model.__name__)
def test_the_fields_of_a_request_are_the_parameters_of_its_function(model: type[Arguments]) -> None:
    parameters = parameters_of(VERBS[model])
    required = {name for name, needed in parameters.items() if needed and name not in CONTEXT}
    always_given = {name for name, f in model.model_fields.items() if f.default is not None}

    assert parameters.keys() - CONTEXT == model.model_fields.keys()
    # A field that is None is left out of the call.
    assert required <= always_given
