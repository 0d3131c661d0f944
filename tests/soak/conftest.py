"""The options of the soak: `make soak OPTIONS="--seconds 120"`."""

import random

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seconds", type=float, default=600, help="how long the soak lasts")
    parser.addoption("--fault-rate", type=float, default=0.01, help="of the database's calls")
    parser.addoption("--seed", type=int, default=random.randrange(10**6))
