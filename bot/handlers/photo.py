"""Pictures that come in: photos, videos and files, alone or in albums, and /paint."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Optional, Union

from aiogram import F, Router
from aiogram.fsm.context import FSMContext
from aiogram.types import Message
from aiogram.utils.i18n import gettext as _

from bot.chat import dialogue, job_texts
from bot.chat.albums import Albums
from bot.chat.choosing import Choosing, photos_of
from bot.chat.dialogue import Waiting
from bot.chat.replies import answer
from bot.chat.submission import Sender, Submission
from bot.handlers.filters import captioned, command
from bot.outcomes import PictureRole, Reason, Refusal
from bot.storage.jobs import Jobs
from bot.storage.pictures import MediaKind, Picture, Pictures
from bot.storage.styles import StyleChoice
from bot.telegram.downloads import MOST_BYTES
from bot.telegram.identity import sender_id
from runtime import MOST_SECONDS, may_be_video
from runtime.imaging.formats import may_be_picture

if TYPE_CHECKING:
    from aiogram.types import ExternalReplyInfo

NOT_A_PICTURE = Refusal(PictureRole.PHOTO, Reason.NOT_A_PICTURE)


class Incoming(NamedTuple):
    """A picture in a message: Telegram's file, what it came as, and its bytes, 0 if unknown.

    seconds: how long a video is, 0 if Telegram does not say.
    """

    file_id: str
    media_kind: MediaKind
    size: int
    seconds: int = 0

    @property
    def too_heavy(self) -> Optional[str]:
        """The sentence for a file that Telegram does not give to bots, `None` for others."""
        if self.size <= MOST_BYTES:
            return None
        role = PictureRole.VIDEO if self.media_kind.is_moving else PictureRole.PHOTO
        return job_texts.refused(Refusal(role, Reason.TOO_HEAVY))


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(paint, command("paint"))
    router.message.register(receive, captioned("paint"), has_picture, ~F.media_group_id)
    router.message.register(receive_part, has_photo, F.media_group_id)
    router.message.register(receive_style, has_photo, Waiting.style)
    router.message.register(receive, has_picture)
    return router


def picture_in(message: Union[Message, ExternalReplyInfo]) -> Optional[Incoming]:
    """The picture in a message, `None` if there is none that could be read."""
    if message.photo:
        # The result gets the photo's size, so that no smaller variant is enough.
        largest = max(message.photo, key=lambda variant: variant.width * variant.height)
        return Incoming(largest.file_id, MediaKind.PHOTO, largest.file_size or 0)
    # An animation comes with a document too, and must be looked for first.
    for moving, kind in (
        (message.animation, MediaKind.ANIMATION),
        (message.video, MediaKind.VIDEO),
        (message.video_note, MediaKind.VIDEO_NOTE),
    ):
        if moving is not None:
            return Incoming(moving.file_id, kind, moving.file_size or 0, moving.duration)
    document = message.document
    if document is not None and may_be_video(document.file_name, document.mime_type):
        return Incoming(document.file_id, MediaKind.VIDEO_FILE, document.file_size or 0)
    if document is not None and may_be_picture(document.file_name, document.mime_type):
        return Incoming(document.file_id, MediaKind.DOCUMENT, document.file_size or 0)
    return None


async def has_picture(message: Union[Message, ExternalReplyInfo]) -> bool:
    """Whether there is a picture in the message that may be fetched; a filter."""
    picture = picture_in(message)
    return picture is not None and picture.size <= MOST_BYTES


async def has_photo(message: Message) -> bool:
    """Whether there is such a picture, and it does not move; a filter."""
    picture = picture_in(message)
    return await has_picture(message) and picture is not None and not picture.media_kind.is_moving


async def receive(
    message: Message, state: FSMContext, sender: Sender, pictures: Pictures, submission: Submission
) -> None:
    """Take a photo or a video."""
    picture = await _store(message, message, pictures)
    incoming = picture_in(message)
    if picture.media_kind is MediaKind.VIDEO_NOTE and incoming and incoming.seconds > MOST_SECONDS:
        # The result has no caption that could say so.
        text = _("I'll repaint the first {seconds} seconds of it.")
        await answer(message, text.format(seconds=round(MOST_SECONDS)))
    await submission.receive([picture], sender, dialogue.mode_in(await state.get_data()))


async def receive_part(
    message: Message, state: FSMContext, pictures: Pictures, albums: Albums, language: str
) -> None:
    """Take a part of an album."""
    await dialogue.owe_album(state, language)
    albums.part_arrived(await _store(message, message, pictures), language)


async def receive_style(
    message: Message,
    state: FSMContext,
    sender: Sender,
    pictures: Pictures,
    jobs: Jobs,
    choosing: Choosing,
    submission: Submission,
) -> None:
    """Take the picture that becomes the style."""
    picture = await _store(message, message, pictures)
    purpose, user_id = dialogue.purpose_in(await state.get_data()), sender.user.user_id
    job = None if purpose.job is None else await jobs.get(purpose.job)
    if purpose.job is not None and job is None:
        await dialogue.stop_waiting(state)
        await answer(message, job_texts.refused(Refusal(PictureRole.PHOTO, Reason.GONE)))
        return
    choice = StyleChoice(picture=picture.id)
    photos = await photos_of(purpose, user_id, pictures) or ()
    orders = await choosing.orders(choice, purpose, photos, job, sender, state)
    if orders:
        await submission.order_or_say(orders)
    else:
        await answer(message, _("What a style! Now send me the photo to repaint."))


async def paint(
    message: Message, state: FSMContext, sender: Sender, pictures: Pictures, submission: Submission
) -> None:
    """Take the photo that the command replies to."""
    # The latter is of another chat, which aiogram knows from 3.4 on.
    replied = message.reply_to_message or getattr(message, "external_reply", None)
    found = None if replied is None else picture_in(replied)
    if replied is None or found is None:
        await answer(message, _("Reply to a photo with /paint, and I'll repaint it."))
    elif found.too_heavy is not None:
        await answer(message, found.too_heavy)
    else:
        picture = await _store(message, replied, pictures)
        await submission.receive([picture], sender, dialogue.mode_in(await state.get_data()))


async def _store(
    message: Message, holder: Union[Message, ExternalReplyInfo], pictures: Pictures
) -> Picture:
    """Store the picture that `holder` has, as that of `message` and its sender."""
    incoming, sender = picture_in(holder), sender_id(message)
    assert incoming is not None and sender is not None
    return await pictures.add(
        user_id=sender,
        chat_id=message.chat.id,
        message_id=message.message_id,
        file_id=incoming.file_id,
        media_kind=incoming.media_kind,
        album=message.media_group_id,
        topic=message.message_thread_id if message.is_topic_message else None,
        spoiler=bool(holder.has_media_spoiler),
    )
