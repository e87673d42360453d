"""Where paths lead: the 32-bit view and the CurrentControlSet link."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.registry import NATIVE, WOW, KeyPath, physical
from tests.registry.strategies import paths


@pytest.mark.parametrize(
    ("asked", "view", "opened"),
    [
        (r"SOFTWARE\Contoso", NATIVE, r"SOFTWARE\Contoso"),
        (r"SOFTWARE\Contoso", WOW, r"SOFTWARE\Wow6432Node\Contoso"),  # domain.md 57
        (r"software\Contoso", WOW, r"software\Wow6432Node\Contoso"),
        (r"SOFTWARE", WOW, r"SOFTWARE\Wow6432Node"),
        (r"SOFTWARE\WOW6432NODE\Contoso", WOW, r"SOFTWARE\WOW6432NODE\Contoso"),
        (r"SOFTWARE\Wow6432Node\Contoso", NATIVE, r"SOFTWARE\Wow6432Node\Contoso"),
        (r"SYSTEM\CurrentControlSet\Services\X", NATIVE, r"SYSTEM\ControlSet001\Services\X"),  # 98; the 1 is assumed
        (r"System\currentcontrolset", WOW, r"System\ControlSet001"),
        (r"SYSTEM\ControlSet001\Services", WOW, r"SYSTEM\ControlSet001\Services"),
        (r"SYSTEM\Setup", NATIVE, r"SYSTEM\Setup"),
        (r"Cluster\Resources", WOW, r"Cluster\Resources"),
        ("", WOW, ""),
    ],
)
def test_physical(asked: str, view: int, opened: str) -> None:
    assert str(physical(KeyPath.parse(asked), view)) == opened


@given(
    st.lists(st.sampled_from(("SOFTWARE", "software", "Wow6432Node", "SYSTEM", "CurrentControlSet", "x"))).map(KeyPath)
    | paths,
    st.sampled_from((NATIVE, WOW)),
)
def test_physical_is_idempotent(path: KeyPath, view: int) -> None:
    once = physical(path, view)
    assert physical(once, view) == once
    assert physical(once) == once, "a physical key is one in every view"


def test_the_case_that_was_asked_for_is_kept_whatever_was_asked_before() -> None:
    """Equal paths may differ in case: an answer must not show the case of an earlier question."""
    for text in (r"SOFTWARE\Contoso", r"software\CONTOSO"):
        assert str(physical(KeyPath.parse(text))) == text
        assert str(physical(KeyPath.parse(text), WOW)).endswith(text[9:])
