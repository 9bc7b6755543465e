"""The buttons under a job's message, while it waits and under its result."""

from __future__ import annotations

from typing import Mapping, Sequence

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from aiogram.utils.i18n import gettext as _

from bot.chat.keyboards.building import Row, button, keyboard
from bot.chat.keyboards.data import Action, Balance, OfJob, OpenGallery, Purpose
from bot.chat.user_options import Step, stepped
from bot.storage.jobs import Job
from runtime import StylizeOptions, TranslateOptions, VideoOptions

#: What leads from a result to a slightly different one.
STEPS: Mapping[Action, Step] = {
    Action.WEAKER: Step("strength", -1),
    Action.STRONGER: Step("strength", 1),
    Action.FINER: Step("brush", -1),
    Action.BROADER: Step("brush", 1),
}
#: The shares of the first style of a mix, in per cent.
SHARES = (70, 50, 30)


def status_keyboard(job: Job) -> InlineKeyboardMarkup:
    """Under the message that shows how far a job is."""
    return keyboard([[_of_job(_("Cancel"), Action.CANCEL, job)], _swap(job)])


def result_keyboard(job: Job) -> InlineKeyboardMarkup:
    """Under a painted picture."""
    original = [_of_job(_("Original file (PNG)"), Action.ORIGINAL, job)]
    options = job.order.options
    if isinstance(options, TranslateOptions):
        return keyboard([original])
    styles = [[_of_job(_("Another style"), Action.RESTYLE, job)], _mix(job)]
    if isinstance(options, VideoOptions):
        return keyboard(styles)
    return keyboard(
        [
            *styles,
            _steps(job, options, (Action.WEAKER, Action.STRONGER)),
            _steps(job, options, (Action.FINER, Action.BROADER)),
            [_of_job(_("Another variation"), Action.VARY, job)],
            _swap(job),
            [_of_job(_("How it was painted"), Action.FILM, job)],
            original,
        ]
    )


def _steps(job: Job, options: StylizeOptions, actions: Sequence[Action]) -> Row:
    labels = {
        Action.WEAKER: _("Weaker"),
        Action.STRONGER: _("Stronger"),
        Action.FINER: _("Finer"),
        Action.BROADER: _("Broader"),
    }
    return [
        _of_job(labels[action], action, job)
        for action in actions
        if stepped(options, STEPS[action]) is not None
    ]


def _mix(job: Job) -> Row:
    """The other ratios of a mix, or the way to one."""
    styles = job.order.styles
    if len(styles) == 1:
        purpose = Purpose(mix=True, job=job.id)
        return [button(_("Mix with another style"), OpenGallery(**vars(purpose)))]
    present = round(100 * styles[0].weight / sum(style.weight for style in styles))
    return [
        button(f"{share}/{100 - share}", Balance(share=share, job=job.id))
        for share in SHARES
        if share != present
    ]


def _swap(job: Job) -> Row:
    if not job.order.of_album:
        return []
    return [_of_job(_("Swap photo and style"), Action.SWAP, job)]


def _of_job(label: str, action: Action, job: Job) -> InlineKeyboardButton:
    return button(label, OfJob(action=action, job=job.id))
