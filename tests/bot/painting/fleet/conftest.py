from __future__ import annotations

import pytest

from tests.support.fleet.painters import Office


@pytest.fixture()
async def office(server, tmp_path):
    office = Office(server.url, tmp_path)
    await office.open()
    yield office
    await office.close()
