"""The trial of a new release: counted starts, the way back, and the database."""

from __future__ import annotations

import sqlite3
import stat

import pytest

from bot.errors import ReleaseError
from bot.storage.schema import MIGRATIONS, migrate, newest_version
from bot.upgrade.releases import Releases, complete, name_of
from bot.upgrade.trial import MOST_STARTS, Trial, main


class Installation:
    """Releases whose migrations this test writes, and their database."""

    def __init__(self, folder):
        self.releases = Releases(folder / "app")
        self.trial = Trial(self.releases)
        self.database = folder / "state" / "jetbrush.sqlite3"
        self.database.parent.mkdir()

    def add(self, name, *migrations):
        """Make the next release, with those files besides the migrations of now."""
        release = self.releases.prepare()
        folder = release / "bot" / "storage" / "migrations"
        folder.mkdir(parents=True)
        for path in MIGRATIONS.glob("*.sql"):
            (folder / path.name).write_bytes(path.read_bytes())
        for number, text in enumerate(migrations, newest_version() + 1):
            (folder / f"{number:04}_new.sql").write_text(text)
        complete(release, name)
        return release

    def start(self):
        """The current release opens its database."""
        connection = sqlite3.connect(str(self.database), isolation_level=None)
        connection.execute("BEGIN")
        folder = self.releases.link / "bot" / "storage" / "migrations"
        migrate(connection, self.database, folder)
        connection.execute("COMMIT")
        connection.close()

    def change(self, statement):
        with sqlite3.connect(str(self.database)) as connection:
            connection.execute(statement)

    @property
    def in_use(self):
        return name_of(self.releases.current)


ADDED = "ALTER TABLE users ADD COLUMN mood TEXT;"
BROKEN = f"""
ALTER TABLE users RENAME TO people;
UPDATE key_values SET value = '{newest_version() + 1}' WHERE key = 'oldest_reader';
"""


@pytest.fixture()
def installed(tmp_path):
    installation = Installation(tmp_path)
    installation.trial.begin(installation.add("old"), installation.database)
    installation.start()
    return installation


def test_the_first_release_is_not_on_trial(installed):
    for _ in range(MOST_STARTS + 1):
        assert not installed.trial.count_start()
    assert installed.in_use == "old"


def test_after_three_starts_without_ready_the_release_before_starts_instead(installed):
    installed.trial.begin(installed.add("new"), installed.database)
    assert [installed.trial.count_start() for _ in range(4)] == [False, False, False, True]
    assert installed.in_use == "old"
    assert not installed.trial.count_start()
    with pytest.raises(ReleaseError, match="no earlier release"):
        installed.releases.previous()


def test_a_release_that_became_ready_stays_however_often_it_starts_later(installed):
    installed.trial.begin(installed.add("new"), installed.database)
    installed.trial.count_start()
    installed.trial.end()
    assert not any(installed.trial.count_start() for _ in range(9))
    assert installed.in_use == "new"
    # What users sent is not kept longer than the trial.
    assert {each.name for each in installed.releases.folder.iterdir()} == {"a", "b"}


def test_photos_that_a_new_release_accepted_stay_when_it_is_taken_back(installed):
    installed.trial.begin(installed.add("new", ADDED), installed.database)
    installed.start()
    installed.change("INSERT INTO key_values VALUES ('accepted', 'yes')")
    installed.trial.roll_back(installed.releases.current, installed.database)
    installed.start()
    connection = sqlite3.connect(str(installed.database))
    assert connection.execute("SELECT value FROM key_values WHERE key = 'accepted'").fetchone()
    connection.close()


def test_the_copy_of_before_replaces_tables_that_the_old_release_cannot_read(installed):
    installed.trial.begin(installed.add("new", BROKEN), installed.database)
    (copy,) = installed.releases.folder.glob("*.sqlite3")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    installed.start()
    installed.trial.roll_back(installed.releases.current, installed.database)
    installed.start()
    installed.change("UPDATE users SET language = 'ru'")
    assert installed.in_use == "old" and not copy.exists()


def test_no_photo_is_lost_for_a_release_that_cannot_read_the_new_tables(installed):
    installed.trial.begin(installed.add("new", BROKEN), installed.database)
    installed.start()
    installed.change("INSERT INTO sqlite_sequence VALUES ('jobs', 1)")
    with pytest.raises(ReleaseError, match="accepted photos since: they would be lost"):
        installed.trial.roll_back(installed.releases.current, installed.database)
    assert installed.in_use == "new"


def test_a_rollback_to_a_release_that_cannot_read_the_database_changes_nothing(installed, capsys):
    installed.trial.begin(installed.add("new", BROKEN), installed.database)
    installed.start()
    installed.trial.end()
    settings = installed.database.parent / "env"
    settings.write_text(f"# Comment=1\nSTATE_DIR='{installed.database.parent}'\n")
    old = installed.releases.previous()
    arguments = ["use", str(installed.releases.link), "--release", str(old)]
    assert main([*arguments, "--settings", str(settings)]) == 1
    assert "old cannot read" in capsys.readouterr().err
    assert installed.in_use == "new"
