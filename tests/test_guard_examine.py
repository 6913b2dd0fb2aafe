"""What an ignored path could be imported as."""

import pytest

from agentloop.guard.examine import _module


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("shop/", "shop"), ("src/shop.py", "src/shop"), ("shop.cpython-311-x86_64-linux-gnu.so", "shop"),
        ("src/shop.egg-info/", ""), ("shop.txt", ""), ("a/b.c/", ""), (".env", ""), ("build/", "build"),
    ],
)  # fmt: skip
def test_a_module_is_known_by_its_path(path: str, module: str) -> None:
    assert _module(path) == module
