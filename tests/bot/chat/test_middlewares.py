"""Who asks, who may ask, and in which topic the answer goes, over real HTTP."""

from __future__ import annotations

import pytest

from bot.chat.catalog import Catalog
from bot.storage.styles import StyleChoice, alone
from tests.support.bot.conversation import Conversation, Speaker
from tests.support.bot.orders import style_of
from tests.support.bot.sent_pictures import picture
from tests.support.bot.steps import QUESTION, STYLES

TOPIC = 77


@pytest.fixture()
def group(sandbox, boris):
    """A group in which boris is an admin who writes as the group."""
    group = sandbox.group("Friends", boris.person)
    group.admins.add(boris.id)
    group.anonymous.add(boris.id)
    return group


async def test_anonymous_admins_of_two_groups_are_two_senders(conversation, sandbox, boris, group):
    other = sandbox.group("Family", boris.person)
    other.anonymous.add(boris.id)
    other.admins.add(boris.id)
    for chat in (group, other):
        await boris.person.text("/start", chat=chat)
    await conversation.settled()
    for chat, style in ((group, STYLES[0]), (other, STYLES[1])):
        await conversation.users.choose_styles(chat.id, alone(StyleChoice(name=style.name)))
    orders = []
    for chat in (group, other):
        photo = await boris.person.photo(picture(), "/paint", chat=chat)
        question = await chat.wait_for(after=photo)
        await boris.press(question, f"Repaint: {STYLES[0 if chat is group else 1].title['en']}")
        (job,) = await conversation.jobs.active(chat.id)
        orders.append((job.order.user_id, style_of(job.order).name))
    assert orders == [(group.id, STYLES[0].name), (other.id, STYLES[1].name)]


async def test_any_admin_presses_the_group_s_buttons_and_nobody_else(
    conversation, sandbox, boris, group
):
    clara, dora = (Speaker(conversation, sandbox.user(name=name)) for name in ("Clara", "Dora"))
    for each in (clara, dora):
        group.members[each.id] = each.person.raw
    group.admins.add(clara.id)
    asked = await boris.person.text("/settings", chat=group)
    settings = await group.wait_for(after=asked)
    assert await dora.press(settings, "640 px") == "This button is not yours."
    assert "Noted" in await clara.press(settings, "640 px")
    assert (await conversation.users.get(group.id)).options.fine == 640
    assert (await conversation.users.get(clara.id)).options.fine == 1280


async def test_a_dialogue_begun_by_another_admin_s_button_continues(
    conversation, sandbox, boris, group
):
    clara = Speaker(conversation, sandbox.user(name="Clara"))
    group.members[clara.id] = clara.person.raw
    group.admins.add(clara.id)
    asked = await boris.person.text("/styles", chat=group)
    gallery = await group.wait_for(lambda message: message.buttons, after=asked)
    await clara.press(gallery, "My own picture")
    prompt = await group.wait_for(lambda message: "whose style you like" in message.text)
    await boris.person.photo(picture(), chat=group, reply_to=prompt)
    await group.wait_for(lambda message: "What a style!" in message.text)
    assert (await conversation.users.get(group.id)).styles[0].choice.picture is not None


@pytest.fixture()
async def closed(sandbox, tmp_path):
    """A bot that paints for user 5, the owner 777 and one group only."""
    group = sandbox.group("Friends", sandbox.user(5))
    conversation = Conversation(
        sandbox,
        tmp_path,
        Catalog(tmp_path, tmp_path),
        admins=(777,),
        allowed_users=(5,),
        allowed_chats=(group.id,),
    )
    conversation.group = group
    await conversation.start()
    yield conversation
    await conversation.stop()


REFUSAL = "I paint only for people whom my owner has invited. Please ask the owner."


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_strangers_get_one_sentence_a_day(closed, sandbox, language):
    stranger = Speaker(closed, sandbox.user(language_code=language, name="Stranger"))
    for _ in range(3):
        await stranger.person.text("/start")
        await stranger.person.photo(picture())
    await closed.settled()
    assert [message.text for message in stranger.heard()] == [stranger.words(REFUSAL)]
    assert await closed.jobs.active() == []


@pytest.mark.parametrize("user_id", [5, 777])
async def test_invited_users_and_admins_are_served(closed, sandbox, user_id):
    speaker = Speaker(closed, sandbox.user(user_id))
    assert "Hello" in (await speaker.says("/start")).text


async def test_an_invited_group_is_served_and_another_is_left_in_peace(closed, sandbox):
    stranger = sandbox.user(name="Stranger")
    closed.group.members[stranger.id] = stranger.raw
    await stranger.photo(picture(), "/paint", chat=closed.group)
    await closed.group.wait_for(lambda message: QUESTION in message.text)
    other = sandbox.group("Others", stranger)
    for _ in range(2):
        await stranger.text("/start", chat=other)
    await closed.settled()
    assert [each.text for each in other.messages.values() if each.from_bot] == [REFUSAL]


async def test_answers_stay_in_their_topic_or_go_to_the_chat_when_it_is_gone(
    conversation, sandbox, boris
):
    group = sandbox.group("Forum", boris.person)
    group.topics.add(TOPIC)
    photo = await boris.person.photo(picture(), "/paint", chat=group, topic=TOPIC)
    question = await group.wait_for(after=photo)
    assert question.raw["message_thread_id"] == TOPIC
    await boris.person.delete(photo)
    group.topics.clear()
    await boris.person.photo(picture(), "/paint", chat=group, topic=TOPIC)
    answer = await group.wait_for(after=question)
    assert "message_thread_id" not in answer.raw


async def test_a_photo_of_another_chat_is_painted_on_demand(conversation, sandbox, boris):
    source, group = sandbox.group("Source", boris.person), sandbox.group("Friends", boris.person)
    photo = await boris.person.photo(picture(), chat=source)
    asked = await boris.person.text("/paint", chat=group, quoted=photo)
    assert QUESTION in (await group.wait_for(after=asked)).text
