"""How tests are spread over the workers of a run."""

import pytest

from chassis.testing.plugin import ByModule


@pytest.mark.parametrize(
    ("nodeid", "worker"),
    [
        ("a/test_b.py::test_c", "a/test_b.py"),
        ("a/test_b.py::test_c[x@y.org]", "a/test_b.py"),
        ("a/test_b.py::test_c[d::e]", "a/test_b.py"),
        ("a/test_b.py::test_c@suite", "suite"),
        ("a/test_b.py::test_c[x@y.org]@suite", "suite"),
    ],
)
def test_a_module_stays_together_and_so_does_a_group(nodeid: str, worker: str) -> None:
    assert ByModule.__new__(ByModule)._split_scope(nodeid) == worker  # no run is needed to tell
