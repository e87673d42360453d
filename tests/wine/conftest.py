"""Each worker has a copy of the one prefix that is made once. Without Wine: a skip, in CI a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.live.wine import Agent, Prefix, missing


def demanded() -> None:
    """Fail in CI, skip elsewhere, where Wine or its compiler is missing."""
    absent = missing()
    if absent is not None and os.environ.get("FAILSIM_CI") == "1":
        pytest.fail(f"CI needs Wine: {absent}")
    if absent is not None:
        pytest.skip(absent)


@pytest.fixture(scope="session")
def template() -> Path:
    """A made prefix that nobody starts; all workers of all sessions share it."""
    demanded()
    return Prefix.installed().folder


@pytest.fixture(scope="session")
def prefix(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefix]:
    """This worker's machine."""
    with Prefix(template).copy_to(tmp_path_factory.mktemp("wine") / "prefix") as made:
        yield made


@pytest.fixture
def agent(prefix: Prefix) -> Iterator[Agent]:
    """An agent in this worker's machine."""
    with prefix.start_agent() as started:
        yield started
