"""Every error of the package survives pickling, copying and a process pool, equal in text and attributes."""

from __future__ import annotations

import copy
import copyreg
import importlib
import inspect
import pickle
import pkgutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

import smallest_nb as snb
from smallest_nb.errors import SmallestError

CLIP = snb.Clip(bytes(3200), 16000)
VALUES = {
    "message": "it went wrong", "code": 1011, "reason": "a restart", "clip": CLIP, "retry_after": 2.5, "status": 503,
    "replacement": "lightning-v3.1", "request_id": "r1", "found": "x", "fix": "y",
}  # fmt: skip


def tree():
    for module in pkgutil.walk_packages(snb.__path__, "smallest_nb."):
        if not module.name.endswith(("__main__", "_worker", ".child_process")):  # these are run, not imported
            importlib.import_module(module.name)

    def below(kind):
        yield kind
        for one in kind.__subclasses__():
            yield from below(one)

    return sorted({k for k in below(SmallestError) if k.__module__.startswith("smallest_nb")}, key=lambda k: k.__name__)


def made(kind):
    """One with every argument given, from its own signature: a new subclass is covered by itself."""
    own = "__init__" in {n for k in kind.__mro__ if issubclass(k, SmallestError) for n in vars(k)}
    taken = inspect.signature(kind).parameters.values() if own else ()
    unknown = [p.name for p in taken if p.name not in VALUES]
    assert not unknown, f"say in VALUES what {kind.__name__} may be given as {unknown}"
    named = {p.name: value_of(p) for p in taken if p.kind is p.KEYWORD_ONLY}
    error = kind(*([value_of(p) for p in taken if p.kind is not p.KEYWORD_ONLY] or ["it went wrong"]), **named)
    error.add_note("in the second call")
    error.transcript = snb.Transcript([snb.Segment("hello")])
    return error


def value_of(parameter):
    value = VALUES[parameter.name]  # a close code is a number, a service's code a word
    return "BAD_VOICE" if parameter.name == "code" and "str" in str(parameter.annotation) else value


def parts(error):
    attributes = {n: v for n, v in vars(error).items() if n != "transcript"}
    return type(error), str(error), repr(error), error.args, attributes, error.transcript.text


KINDS = tree()


def test_X6_the_tree_is_whole():
    assert {snb.IncompleteError, snb.RateLimitError, snb.ModelRetiredError, snb.ConnectionLost} <= set(KINDS)
    assert "EngineError" in {k.__name__ for k in KINDS}


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_X6_an_error_survives_pickling_and_copying(kind):
    error = made(kind)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert parts(pickle.loads(pickle.dumps(error, protocol))) == parts(error)
    assert parts(copy.copy(error)) == parts(error)
    deep = copy.deepcopy(error)
    assert parts(deep) == parts(error)
    assert deep.transcript is not error.transcript
    again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(error))))
    assert str(again) == str(error)


class Stubborn(Exception):  # noqa: N818 - stands for other packages' errors
    """Pickles, and cannot be made again."""

    def __init__(self, one, two):
        super().__init__(one)


@pytest.mark.parametrize(
    ("cause", "kept"),
    [(OSError(28, "No space left"), True), (snb.ConnectionLost("gone", code=1006), True), (Stubborn(1, 2), False),
     (ValueError(lambda: 1), False)],
    ids=["OSError", "ours", "cannot be made again", "cannot be pickled"],
)  # fmt: skip
def test_X6_causes_are_kept_where_they_can_be(cause, kept, monkeypatch):
    # `import distributed`, in another test of this process, lets tblib 3.2.2 pickle every class of exceptions that
    # there is by then, with its cause, which is then refused if it cannot be pickled.
    for kind in (snb.ConfigError, type(cause)):
        monkeypatch.delitem(copyreg.dispatch_table, kind, raising=False)
    try:
        try:
            raise cause
        except Exception as first:
            raise snb.ConfigError("no room") from first
    except snb.ConfigError as error:
        came = pickle.loads(pickle.dumps(error))
    assert str(came) == "no room"
    assert (repr(came.__cause__) == repr(cause)) is kept
    assert kept or came.__cause__ is None


def give(error):
    return error


def fail(error):
    raise error


def test_X6_errors_cross_a_process_pool_returned_and_raised():
    errors = [made(kind) for kind in KINDS]
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        for error, came in zip(errors, pool.map(give, errors), strict=True):
            assert parts(came) == parts(error)
        for error in errors:
            came = pool.submit(fail, error).exception(60)
            assert parts(came) == parts(error)
