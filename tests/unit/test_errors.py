"""The tree of errors is what its docstring draws, and every kind has its own exit code."""

import re
from collections.abc import Iterator

from fmnist_edge import errors
from fmnist_edge.errors import FmnistEdgeError, HashMismatchError


def _tree(root: type[FmnistEdgeError]) -> Iterator[type[FmnistEdgeError]]:
    yield root
    for child in root.__subclasses__():
        yield from _tree(child)


_CODES = {kind.__name__: kind.exit_code for kind in _tree(FmnistEdgeError)}


def test_no_two_kinds_of_error_share_an_exit_code() -> None:
    assert len(_CODES) == 35
    assert len(set(_CODES.values())) == len(_CODES)


def test_no_exit_code_means_success_an_interruption_or_a_signal() -> None:
    assert all(0 < code < 126 for code in _CODES.values())
    assert errors.INTERRUPTED_EXIT_CODE == 130


def test_the_docstring_lists_every_kind_with_its_code() -> None:
    listed = re.findall(r"(\w+Error) +(\d+)", errors.__doc__ or "")
    assert {name: int(code) for name, code in listed} == _CODES
    assert len(listed) == len(_CODES)


def test_every_kind_is_defined_in_one_module() -> None:
    assert {kind.__module__ for kind in _tree(FmnistEdgeError)} == {errors.__name__}


def test_an_error_carries_a_message_and_a_hint() -> None:
    error = HashMismatchError("a.tflite was damaged.", hint="Copy it again.")
    assert str(error) == error.message == "a.tflite was damaged."
    assert error.hint == "Copy it again."
    assert FmnistEdgeError("That is all.").hint == ""
