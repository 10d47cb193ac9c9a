"""Fixtures of integration tests: the house's platform in memory."""

import pytest

from domain.platforms import Platform
from services.ports import Ports
from tests.conftest import House
from tests.integration.fake_platform import FakePlatform
from tests.integration.meta_shop import platform_of


@pytest.fixture
def meta(ports: Ports, house: House) -> FakePlatform:
    """The house's campaigns on Meta, behind the ports."""
    platform = platform_of(house)
    ports.platforms[Platform.META] = platform  # type: ignore[index]  # the fixture's is a dictionary
    return platform
