"""The settings of the installed service, read as systemd reads them."""

from __future__ import annotations

from bot.upgrade.environment import database_in, read_environment


def test_quotes_and_comments_are_no_part_of_a_value(tmp_path):
    file = tmp_path / "jetbrush.env"
    file.write_text(
        "# BOT_TOKEN=old\n; PORT=1\n\nSTATE_DIR='/srv/my bot'\nHOST=::1 \nMODE=\"polling\n"
    )
    found = read_environment(file)
    assert found == {"STATE_DIR": "/srv/my bot", "HOST": "::1", "MODE": '"polling'}
    assert database_in(found).parent.name == "my bot"


def test_without_the_file_the_unit_s_own_settings_count(tmp_path):
    assert read_environment(tmp_path / "none") == {"STATE_DIR": "/var/lib/jetbrush"}
