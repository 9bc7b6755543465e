"""Migrations: a database of an earlier release is brought up to date and loses nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from aiogram.fsm.storage.base import StorageKey

from bot.chat.dialogue import Mode, language_in, mode_in, purpose_in
from bot.chat.keyboards.data import Purpose
from bot.errors import StoreError
from bot.jobs.estimates import Durations
from bot.outcomes import CANCELLED, FAILED, PAINTED, PictureRole, Reason, refused
from bot.storage.database import Database
from bot.storage.fsm import SqliteStorage
from bot.storage.jobs import Jobs, JobState, Limits
from bot.storage.key_values import KeyValues
from bot.storage.pictures import MediaKind, Pictures
from bot.storage.schema import MIGRATIONS, migrate, newest_version, oldest_reader
from bot.storage.styles import StyleChoice, alone
from bot.storage.updates import Updates
from bot.storage.users import Users
from bot.stored_options import Kind
from runtime import StylizeOptions, TranslateOptions
from tests.support.bot.orders import order, style_of

FOLDER = Path(__file__).parent
OPTIONS = StylizeOptions(strength=0.25, fine=1280, keep_colours=True)


async def upgrade(folder, dump):
    """The database of that dump, opened by this release."""
    path = folder / "jetbrush.sqlite3"
    connection = sqlite3.connect(str(path))
    connection.executescript((FOLDER / dump).read_text(encoding="utf-8"))
    connection.close()
    return await Database(path).open()


@pytest.fixture()
async def upgraded(tmp_path):
    """The database of release 1."""
    database = await upgrade(tmp_path, "release_1.sql")
    yield database
    await database.close()


@pytest.fixture()
async def of_version_5(tmp_path):
    """The last database in which a painting had one style and one size."""
    database = await upgrade(tmp_path, "version_5.sql")
    yield database
    await database.close()


async def test_sizes_of_one_stage_become_sizes_of_the_fine_stage(of_version_5):
    users = Users(of_version_5, StylizeOptions(fine=2048))
    options = [(await users.get(number)).options for number in range(1, 6)]
    assert [each.fine for each in options] == [640, 1024, 1280, 2048, 2048]
    assert {each.size for each in options} == {StylizeOptions.size}
    assert options[0].strength == 0.75
    jobs = Jobs(of_version_5, Limits(99, 99))
    options = [(await jobs.get(number)).order.options for number in range(1, 7)]
    assert options[4] == TranslateOptions(size=384)
    del options[4]
    assert [each.fine for each in options] == [640, 1024, 1280, StylizeOptions.fine, 1024]
    assert {each.size for each in options} == {StylizeOptions.size}
    assert [each.seed for each in options] == [1, 2, 3, 4, 6]


async def test_one_style_becomes_a_sequence_of_one(of_version_5):
    users = Users(of_version_5, StylizeOptions())
    styles = [(await users.get(number)).styles for number in (1, 2, 3)]
    first, own = StyleChoice(name="night-swirls"), StyleChoice(picture=3)
    assert styles == [alone(first), (), alone(own)]
    jobs = Jobs(of_version_5, Limits(99, 99))
    found = [await jobs.get(number) for number in range(1, 7)]
    named = alone(StyleChoice(name="a:b"))
    expected = [alone(first), alone(own), named, named, (), named]
    assert [job.order.styles for job in found] == expected
    queued, running, answered = JobState.QUEUED, JobState.RUNNING, JobState.ANSWERED
    assert [job.state for job in found] == [queued, running, queued, queued, queued, answered]
    assert found[1].order.of_album and found[2].order.topic == 7
    assert await jobs.last_turns() == {2: 1, 6: 2}
    assert (await jobs.submit(order(idempotency_key="a new one")))[0].id == 7


async def test_paintings_in_two_stages_are_measured_again(of_version_5):
    durations = Durations(KeyValues(of_version_5))
    for fine in (640, 1024, 1280):
        assert await durations.expected(order(options=StylizeOptions(fine=fine))) is None
    vintage = order(options=TranslateOptions(), styles=(), model="vintage")
    assert await durations.expected(vintage) == 3


async def test_users_keep_what_they_chose(upgraded):
    defaults = StylizeOptions(fine=1500, steps=77)
    users = Users(upgraded, defaults)
    first, second, third = [await users.get(number) for number in (1, 2, 3)]
    assert (first.language, first.styles) == ("ru", alone(StyleChoice(name="a:b")))
    assert first.options == StylizeOptions(strength=0.25, fine=1280, keep_colours=True, steps=77)
    assert (second.language, second.styles, second.options) == ("en", (), defaults)
    assert (third.language, third.styles) == (None, alone(StyleChoice(picture=2)))
    assert third.options == StylizeOptions(strength=1.0, fine=640, steps=77)


async def test_jobs_keep_order_state_and_ending(upgraded):
    jobs = Jobs(upgraded, Limits(99, 99))
    found = [await jobs.get(number) for number in range(1, 8)]
    assert [(job.state, job.ending) for job in found] == [
        (JobState.FINISHED, FAILED),
        (JobState.RUNNING, None),
        (JobState.RUNNING, None),
        (JobState.ANSWERED, PAINTED),
        (JobState.FINISHED, refused(PictureRole.PHOTO, Reason.TOO_LARGE)),
        (JobState.FINISHED, refused(PictureRole.STYLE, Reason.GONE)),
        (JobState.FINISHED, CANCELLED),
    ]
    styled, translated, of_own_style = (job.order for job in found[:3])
    assert styled.options == OPTIONS and style_of(styled) == StyleChoice(name="a:b")
    assert (styled.idempotency_key, styled.language, styled.reply_to) == ("update:1", "ru", 11)
    assert (translated.kind, translated.model) == (Kind.TRANSLATE, "horse2zebra")
    assert translated.options == TranslateOptions() and translated.styles == ()
    assert style_of(of_own_style) == StyleChoice(picture=2) and of_own_style.of_album
    assert of_own_style.options == StylizeOptions(strength=1.0, fine=640)
    assert found[2].status_message == 77 and found[2].attempts == 1
    assert all(job.created > 1.7e9 for job in found) and found[0].finished > found[0].started


async def test_no_number_of_a_job_is_given_again(upgraded):
    job, _new = await Jobs(upgraded, Limits(99, 99)).submit(order(idempotency_key="a new one"))
    assert job.id == 9


async def test_pictures_and_open_albums_are_still_there(upgraded):
    pictures = Pictures(upgraded)
    photo, document, part = [await pictures.get(number) for number in (1, 2, 3)]
    assert (photo.media_kind, document.media_kind) == (MediaKind.PHOTO, MediaKind.DOCUMENT)
    assert (part.chat_id, part.message_id, part.file_id) == (-1003, 13, "file-3")
    assert await pictures.open_albums() == [part]


async def test_dialogues_continue_where_they_were(upgraded):
    storage = SqliteStorage(upgraded)
    keys = [StorageKey(bot_id=42, chat_id=number, user_id=number) for number in range(1, 5)]
    data = [await storage.get_data(key) for key in keys]
    assert [mode_in(each) for each in data] == [
        Mode(Kind.STYLIZE),
        Mode(Kind.TRANSLATE, "horse2zebra"),
        None,
        None,
    ]
    assert await storage.get_state(keys[2]) == "Waiting:style" and purpose_in(data[2]) == Purpose(
        picture=3
    )
    assert language_in(data[3]) == "en"


async def test_the_secret_the_measured_times_and_the_seen_updates_stay(upgraded):
    key_values = KeyValues(upgraded)
    secret = await key_values.webhook_secret()
    assert secret.get_secret_value() == "the-secret-of-release-1"
    durations = Durations(key_values)
    zebra = order(options=TranslateOptions(), styles=(), model="horse2zebra")
    assert await durations.expected(zebra) == 3
    updates = Updates(upgraded)
    assert [await updates.accept(number, {}) for number in (5, 6)] == [False, True]


async def test_an_upgraded_database_has_the_tables_of_a_new_one(upgraded, database):
    query = "SELECT name, sql FROM sqlite_master WHERE sql NOTNULL ORDER BY name"
    tables = [
        {row["name"]: " ".join(row["sql"].split()) for row in await each.rows(query)}
        for each in (upgraded, database)
    ]
    assert tables[0] == tables[1]


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path):
    folder, path = tmp_path / "migrations", tmp_path / "jetbrush.sqlite3"
    folder.mkdir()
    (folder / "0001_one.sql").write_text("CREATE TABLE one (a);")
    connection = sqlite3.connect(str(path), isolation_level=None)
    run(connection, path, folder)
    (folder / "0002_two.sql").write_text("CREATE TABLE two (a);\n-- Then a mistake.\nDROP TABLE x;")
    with pytest.raises(sqlite3.OperationalError, match="no such table: x"):
        run(connection, path, folder)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    assert (version, names) == (1, ["one"])
    (folder / "0002_two.sql").write_text("CREATE TABLE two (a);")
    run(connection, path, folder)
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    connection.close()


def run(connection, path, folder):
    connection.execute("BEGIN IMMEDIATE")
    try:
        migrate(connection, path, folder)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


async def database_of_a_newer_release(path, oldest_reader):
    """The file as a release of version 99 leaves it, whose tables that reader can use."""
    await (await Database(path).open()).close()
    connection = sqlite3.connect(str(path))
    connection.execute("ALTER TABLE users ADD COLUMN mood TEXT")
    connection.execute("PRAGMA user_version = 99")
    connection.execute(
        "UPDATE key_values SET value = ? WHERE key = 'oldest_reader'", (oldest_reader,)
    )
    connection.commit()
    connection.close()
    return Database(path)


async def test_a_database_of_a_newer_release_is_named(tmp_path):
    database = await database_of_a_newer_release(tmp_path / "jetbrush.sqlite3", 99)
    with pytest.raises(StoreError, match=r"jetbrush\.sqlite3 has version 99.*Start the release"):
        await database.open()
    await database.close()


async def test_the_release_before_works_with_what_a_newer_one_only_added(tmp_path):
    database = await database_of_a_newer_release(tmp_path / "jetbrush.sqlite3", newest_version())
    await database.open()
    jobs = Jobs(database, Limits(99, 99))
    job, _ = await jobs.submit(order())
    assert await jobs.get(job.id) == job
    await database.close()


def tables_of(connection):
    """The columns of each table, and whether a row may be written without naming them."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    return {
        table: {
            name: not required or default is not None or bool(key)
            for _, name, _, required, default, key in connection.execute(
                f"PRAGMA table_info({table})"
            )
        }
        for (table,) in connection.execute(query).fetchall()
    }


def test_later_migrations_keep_what_older_releases_use_or_name_the_oldest_reader(tmp_path):
    connection = sqlite3.connect(":memory:", isolation_level=None)
    before = None
    for path in sorted(MIGRATIONS.glob("*.sql")):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        run(connection, ":memory:", tmp_path)
        number, after = int(path.name[:4]), tables_of(connection)
        if before is not None and oldest_reader(connection) < number:
            for table, columns in before.items():
                assert set(columns) <= set(after.get(table, {})), f"{path.name}: {table}"
                added = set(after[table]) - set(columns)
                assert all(after[table][name] for name in added), f"{path.name}: {table}"
        before = after
    connection.close()
