"""What a job's message says, from the queue to the result, in the language of the context."""

from __future__ import annotations

from typing import Mapping, Optional

from aiogram.utils.i18n import gettext as _

from bot.chat.languages import about
from bot.jobs.estimates import Estimate
from bot.outcomes import Ending, Outcome, PictureRole, Reason, Refusal
from bot.painting.painters import Lack
from bot.painting.protocol import PaintProgress
from bot.storage.orders import Order
from bot.stored_options import Kind
from bot.telegram.downloads import MOST_BYTES
from runtime import MOST_SECONDS
from runtime.imaging.formats import FORMATS
from runtime.imaging.limits import LEAST_SIDE, MOST_PIXELS

_BAR = 10


def waiting(estimate: Estimate) -> str:
    """The job's place in the queue, and why it waits where it is nobody's turn."""
    text = _("Your place in the queue: {place}.").format(place=estimate.place)
    if estimate.lack is not None:
        reasons = {
            Lack.PAINTER: _(
                "All my painters are away right now. I'll start as soon as one of them is back."
            ),
            Lack.ABILITY: _(
                "The painter that can do this is away right now. I'll start as soon as it's back."
            ),
        }
        return f"{text}\n{reasons[estimate.lack]}"
    return _with_time_left(text, estimate.seconds)


def painting(progress: Optional[PaintProgress], estimate: Optional[Estimate]) -> str:
    """How far the painting is."""
    share = 0.0 if progress is None else progress.share
    full = round(share * _BAR)
    bar = "▰" * full + "▱" * (_BAR - full)
    text = _("Painting… {bar} {percent}%").format(bar=bar, percent=round(share * 100))
    return _with_time_left(text, None if estimate is None else estimate.seconds)


def painted(order: Order, title: str, *, is_cut: bool = False) -> str:
    """The caption of the result; `title` is that of the styles or of the generator.

    is_cut: of a video, only the beginning is repainted.
    """
    if order.kind is Kind.VIDEO:
        text = _painted_video(order, title)
        if not is_cut:
            return text
        return text + " " + _("These are its first {n} seconds.").format(n=round(MOST_SECONDS))
    if order.kind is not Kind.STYLIZE:
        return title
    if len(order.styles) > 1:
        return _("Your photo in a mix of styles: {styles}.").format(styles=title)
    if order.styles[0].choice.picture is not None:
        return _("Your photo in the style of your picture.")
    return _("Your photo in the style “{style}”.").format(style=title)


def _painted_video(order: Order, title: str) -> str:
    if len(order.styles) > 1:
        return _("Your video in a mix of styles: {styles}.").format(styles=title)
    if order.styles[0].choice.picture is not None:
        return _("Your video in the style of your picture.")
    return _("Your video in the style “{style}”.").format(style=title)


def not_painted(ending: Ending) -> str:
    """Why there is no picture."""
    if ending.refusal is not None:
        return refused(ending.refusal)
    if ending.outcome is Outcome.CANCELLED:
        return _("Cancelled.")
    return _(
        "I could not paint this one. Please try a smaller size in /settings, or try again later."
    )


def refused(refusal: Refusal) -> str:
    """Why a picture cannot be used."""
    text = _refusals()[refusal.reason][refusal.picture]
    *formats, last_format = (each.title for each in FORMATS)
    return text.format(
        formats=", ".join(formats),
        last_format=last_format,
        megapixels=MOST_PIXELS // 1_000_000,
        side=LEAST_SIDE,
        megabytes=MOST_BYTES // 1_000_000,
    )


def _refusals() -> Mapping[Reason, Mapping[PictureRole, str]]:
    photo, style, video = PictureRole.PHOTO, PictureRole.STYLE, PictureRole.VIDEO
    return {
        Reason.NOT_A_PICTURE: {
            photo: _(
                "I can't open this file as a picture. Please send {formats} or {last_format}."
            ),
            style: _(
                "I can't open the style file as a picture. Please send {formats} or {last_format}."
            ),
            video: _("I can't open this file as a video. Please send a GIF, or a video as MP4."),
        },
        Reason.FORMAT_UNAVAILABLE: {
            photo: _(
                "I can't read this file format here. Please send the picture as a photo instead of "
                "a file, and Telegram will convert it."
            ),
            style: _(
                "I can't read the format of the style file here. Please send the style as a photo "
                "instead of a file, and Telegram will convert it."
            ),
            video: _("I can't repaint videos here: my owner hasn't installed what that needs."),
        },
        Reason.DAMAGED: {
            photo: _("This picture is damaged or incomplete. Please send it again."),
            style: _("The style picture is damaged or incomplete. Please send it again."),
            video: _("This video is damaged or incomplete. Please send it again."),
        },
        Reason.TOO_SLOW: {
            photo: _(
                "This picture takes too long to open. Please send it as a photo instead of a file, "
                "or save it again with another program."
            ),
            style: _(
                "The style picture takes too long to open. Please send it as a photo instead of a "
                "file, or save it again with another program."
            ),
            video: _("This video takes too long to open. Please send a shorter one."),
        },
        Reason.TOO_LARGE: {
            photo: _("This picture is too large: I can handle up to {megapixels} megapixels."),
            style: _("The style picture is too large: I can handle up to {megapixels} megapixels."),
            video: _("This video is too large: I can handle up to 4K."),
        },
        Reason.TOO_SMALL: {
            photo: _("This picture is too small: I need at least {side} pixels on each side."),
            style: _("The style picture is too small: I need at least {side} pixels on each side."),
            video: _("This video is too small: I need at least {side} pixels on each side."),
        },
        Reason.TOO_HEAVY: {
            photo: _(
                "This file is too big: Telegram lets me download up to {megabytes} MB. Send it as "
                "a photo instead, or make it smaller."
            ),
            style: _(
                "The style file is too big: Telegram lets me download up to {megabytes} MB. Send "
                "it as a photo instead, or make it smaller."
            ),
            video: _(
                "This video is too big: Telegram lets me download up to {megabytes} MB. Please send "
                "a shorter one."
            ),
        },
        Reason.GONE: {
            photo: _("I no longer have this photo. Please send it again."),
            style: _("I no longer have this style. Please choose another one."),
            video: _("I no longer have this video. Please send it again."),
        },
    }


def _with_time_left(text: str, seconds: Optional[float]) -> str:
    if seconds is None:
        return text
    return text + "\n" + _("About {time} left.").format(time=about(seconds))
