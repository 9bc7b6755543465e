"""The buttons under a result: the same photo painted in another way, the file, and the swap."""

from __future__ import annotations

from dataclasses import replace

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery
from aiogram.utils.i18n import gettext as _

from bot.chat import media
from bot.chat.catalog import Catalog
from bot.chat.choosing import Choosing
from bot.chat.keyboards.data import Action, Balance, OfJob, Purpose
from bot.chat.keyboards.of_jobs import STEPS
from bot.chat.replies import answer_target, in_topic, stale, with_retries
from bot.chat.sketches.film import Films
from bot.chat.submission import Sender, Submission, order_again
from bot.chat.uploads import Uploads
from bot.chat.user_options import stepped
from bot.handlers import gallery
from bot.jobs.endings import Endings
from bot.storage.jobs import Job, Jobs
from bot.storage.pictures import Pictures
from bot.storage.results import Results
from bot.storage.styles import StyleChoice, alone, mixed
from bot.threads import on_thread
from runtime import StylizeOptions

#: How many seeds there are, see `StylizeOptions`.
_SEEDS = 2**32


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    for handler, actions in (
        (take_step, set(STEPS)),
        (vary, {Action.VARY}),
        (restyle, {Action.RESTYLE}),
        (swap, {Action.SWAP}),
        (send_original, {Action.ORIGINAL}),
        (send_film, {Action.FILM}),
    ):
        router.callback_query.register(handler, OfJob.filter(F.action.in_(actions)))
    router.callback_query.register(balance, Balance.filter())
    return router


async def take_step(
    callback: CallbackQuery, callback_data: OfJob, job: Job, sender: Sender, submission: Submission
) -> None:
    """Paint once more, with the next strength or brush."""
    options = job.order.options
    if not isinstance(options, StylizeOptions):
        return await stale(callback)
    changed = stepped(options, STEPS[callback_data.action])
    if changed is None:
        return await stale(callback)
    await submission.order_by_button([order_again(job.order, sender, options=changed)], callback)


async def vary(
    callback: CallbackQuery, job: Job, sender: Sender, jobs: Jobs, submission: Submission
) -> None:
    """Paint once more, with a seed that no job of this photo has."""
    options = job.order.options
    if not isinstance(options, StylizeOptions):
        return await stale(callback)
    seed = (await jobs.last_seed(job.order.picture) + 1) % _SEEDS
    changed = replace(options, seed=seed)
    await submission.order_by_button([order_again(job.order, sender, options=changed)], callback)


async def balance(
    callback: CallbackQuery,
    callback_data: Balance,
    job: Job,
    sender: Sender,
    submission: Submission,
) -> None:
    """Paint once more, with another share of each style."""
    if len(job.order.styles) != 2:
        return await stale(callback)
    first, second = (style.choice for style in job.order.styles)
    styles = mixed(first, second, callback_data.share / 100)
    await submission.order_by_button([order_again(job.order, sender, styles=styles)], callback)


async def restyle(
    callback: CallbackQuery,
    job: Job,
    sender: Sender,
    uploads: Uploads,
    catalog: Catalog,
    pictures: Pictures,
    choosing: Choosing,
) -> None:
    """Show the gallery for the same photo."""
    photo = await pictures.of_user(job.order.picture, job.order.user_id)
    if photo is None:
        return await stale(callback)
    await callback.answer()
    purpose = Purpose(picture=photo.id)
    await gallery.show(callback, sender, uploads, catalog, choosing, purpose)


async def swap(
    callback: CallbackQuery,
    job: Job,
    sender: Sender,
    endings: Endings,
    pictures: Pictures,
    submission: Submission,
) -> None:
    """Take the photo as the style and the style as the photo."""
    if not job.order.of_album:
        return await stale(callback)
    style = job.order.styles[0].choice
    photo = await pictures.of_user(style.picture, job.order.user_id)
    if photo is None:
        return await stale(callback)
    order = order_again(
        job.order,
        sender,
        picture=photo.id,
        reply_to=photo.message_id,
        styles=alone(StyleChoice(picture=job.order.picture)),
    )
    refusal = await submission.order([order])
    if refusal is None:
        # Not before: of a refused swap the user would have neither.
        await endings.cancel(job.id)
    await callback.answer(text=refusal, show_alert=refusal is not None)


async def send_original(callback: CallbackQuery, job: Job, bot: Bot, results: Results) -> None:
    """Send the painted picture as it is, uncompressed."""
    try:
        file = await media.document(results.path(job.id, job.order.suffix))
    except FileNotFoundError:
        text = _("I no longer have this file. Send me the photo again, and I'll repaint it.")
        await callback.answer(text=text, show_alert=True)
        return
    await callback.answer()
    place = answer_target(callback)
    await with_retries(
        lambda: in_topic(place, lambda there: bot.send_document(document=file, **there))
    )


async def send_film(callback: CallbackQuery, job: Job, sender: Sender, films: Films) -> None:
    """Send how the picture was painted."""
    if not await on_thread(films.has, job.id):
        text = _(
            "I no longer have the stages of this picture. Have it painted again, and I'll keep them."
        )
        await callback.answer(text=text, show_alert=True)
        return
    await callback.answer(text=_("One moment…"))
    films.begin(job.id, answer_target(callback), sender.language)
