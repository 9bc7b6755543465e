"""What a job's message says, from the queue to the result. Made in the job's language."""

from __future__ import annotations

from typing import Optional

from aiogram.utils.i18n import gettext as _

from bot.chat.catalog import title_of_order
from bot.chat.texts import about
from bot.jobs.scheduler import Estimate
from bot.painting.protocol import STYLIZE, PaintProgress
from bot.storage.jobs import CANCELLED, PAINTED, Job, Order
from bot.telegram.downloads import MOST_BYTES
from runtime.imaging.picture import LEAST_SIDE, MOST_PIXELS

#: The outcome for a file that Telegram does not give to bots.
TOO_HEAVY = "photo:too-heavy"

_BAR = 10


def waiting(estimate: Estimate) -> str:
    """The job's place in the queue."""
    text = _("Your place in the queue: {place}.").format(place=estimate.place)
    return _with_time_left(text, estimate.seconds)


def painting(progress: Optional[PaintProgress], estimate: Optional[Estimate]) -> str:
    """How far the painting is."""
    share = 0.0 if progress is None else progress.share
    full = round(share * _BAR)
    bar = "▰" * full + "▱" * (_BAR - full)
    text = _("Painting… {bar} {percent}%").format(bar=bar, percent=round(share * 100))
    return _with_time_left(text, None if estimate is None else estimate.seconds)


def ended(job: Job, language: str) -> str:
    """The caption of the result, or why there is none."""
    if job.outcome == PAINTED:
        return _of_result(job.order, language)
    if job.outcome == CANCELLED:
        return _("Cancelled.")
    return reason(job.outcome or "")


def _with_time_left(text: str, seconds: Optional[float]) -> str:
    if seconds is None:
        return text
    return text + "\n" + _("About {time} left.").format(time=about(seconds))


def _of_result(order: Order, language: str) -> str:
    title = title_of_order(order, language)
    if order.kind != STYLIZE:
        return title
    if order.style is not None and order.style.picture is not None:
        return _("Your photo in the style of your picture.")
    return _("Your photo in the style “{style}”.").format(style=title)


def reason(outcome: str) -> str:
    """Why a job gave no picture; an outcome is `photo:` or `style:` and a reason, or another."""
    role, _colon, cause = outcome.partition(":")
    of_style = role == "style"
    limits = {
        "megapixels": MOST_PIXELS // 1_000_000,
        "side": LEAST_SIDE,
        "megabytes": MOST_BYTES // 1_000_000,
    }
    texts = {
        "not-a-picture": (
            _("I can't open this file as a picture. Please send a JPEG, PNG or WebP."),
            _("I can't open the style file as a picture. Please send a JPEG, PNG or WebP."),
        ),
        "damaged": (
            _("This picture is damaged or incomplete. Please send it again."),
            _("The style picture is damaged or incomplete. Please send it again."),
        ),
        "too-large": (
            _("This picture is too large: I can handle up to {megapixels} megapixels."),
            _("The style picture is too large: I can handle up to {megapixels} megapixels."),
        ),
        "too-small": (
            _("This picture is too small: I need at least {side} pixels on each side."),
            _("The style picture is too small: I need at least {side} pixels on each side."),
        ),
        "too-heavy": (
            _(
                "This file is too big: Telegram lets me download up to {megabytes} MB. Send it as "
                "a photo instead, or make it smaller."
            ),
            _(
                "The style file is too big: Telegram lets me download up to {megabytes} MB. Send "
                "it as a photo instead, or make it smaller."
            ),
        ),
        "gone": (
            _("I no longer have this photo. Please send it again."),
            _("I no longer have this style. Please choose another one."),
        ),
    }
    if cause in texts:
        return texts[cause][of_style].format(**limits)
    return _(
        "I could not paint this one. Please try a smaller size in /settings, or try again later."
    )
