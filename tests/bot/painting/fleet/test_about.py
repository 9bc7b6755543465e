from __future__ import annotations

import hashlib
from types import SimpleNamespace

from bot.painting.fleet import about


def test_a_style_that_cannot_be_read_is_not_offered(tmp_path, monkeypatch, caplog):
    (tmp_path / "there.jpg").write_bytes(b"a picture")
    styles = {name: SimpleNamespace(path=tmp_path / f"{name}.jpg") for name in ("removed", "there")}
    monkeypatch.setattr(about, "installed_styles", lambda: styles)
    found = about.Machine(tmp_path).describe(None, None)
    assert found.styles == (hashlib.sha256(b"a picture").hexdigest(),)
    assert "removed.jpg" in caplog.text
