"""Who paints for this bot: its own machine, the painters of a fleet, or both."""

from __future__ import annotations

from bot.config import Config
from bot.config_types import LocalPainting
from bot.errors import ConfigError
from bot.metrics import Metrics
from bot.painting.client import PainterClient
from bot.painting.painters import LocalPainter, Painters
from runtime.spec.folder import DEFAULT_ENGINES


def painters_of(config: Config, client: PainterClient, metrics: Metrics) -> Painters:
    """The painters that the settings name; `client` is this machine's child process.

    Raises `ConfigError` for settings that leave nobody to paint.
    """
    if config.nats_url is None:
        if config.local_painter is LocalPainting.NO:
            raise ConfigError(
                "LOCAL_PAINTER is 'no' and NATS_URL is not set, so that nobody would paint. Set"
                " NATS_URL to the fleet's server (docs/fleet.md), or remove LOCAL_PAINTER."
            )
        return LocalPainter(client)
    if config.nats_url.startswith("tls:") and config.nats_credentials is None:
        raise ConfigError(
            f"NATS_CREDENTIALS is not set, and {config.nats_url} needs them. Expected the file that"
            " `scripts/fleet init` made for the bot."
        )
    # Imported here: without a fleet nothing of it is needed.
    from bot.painting.fleet.about import Machine
    from bot.painting.fleet.dispatch import Fleet
    from bot.painting.fleet.link import Link
    from bot.painting.fleet.roster import OwnMachine
    from bot.painting.fleet.subjects import BOT

    paints = config.local_painter is LocalPainting.YES or (
        config.local_painter is LocalPainting.AUTO and any(DEFAULT_ENGINES.glob("*.onnx"))
    )
    link = Link(config.nats_url, BOT, config.nats_credentials)
    own = OwnMachine(LocalPainter(client), Machine(DEFAULT_ENGINES)) if paints else None
    return Fleet(link, metrics=metrics.fleet, own=own, lease=config.painter_lease)
