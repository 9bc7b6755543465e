"""Pictures and files on the chat page: shown, opened, downloaded, sent."""

from __future__ import annotations

import base64

import aiohttp
import pytest

from tests.support import videos
from tests.support.sandbox import chromium
from tests.support.sandbox.chromium import expect, joined, no_overflow, say
from tests.support.sandbox.client import Client, picture, size

pytestmark = chromium.MARKS
sandbox, browser, page = chromium.sandbox, chromium.browser, chromium.page


async def test_an_album_is_a_grid_and_a_photo_opens_large(page):
    await say(page, "album")
    album = page.locator(".bubble .album")
    await expect(album.locator("img")).to_have_count(2)
    left, right = [await tile.bounding_box() for tile in await album.locator(".photo").all()]
    assert left["y"] == right["y"] and left["x"] + left["width"] <= right["x"]
    await album.locator(".photo").nth(1).focus()
    await page.keyboard.press("Enter")
    large = page.locator("#viewer-picture")
    await expect(large).to_be_visible()
    await expect(large).to_have_js_property("naturalWidth", 640)
    await page.keyboard.press("Escape")
    await expect(large).to_be_hidden()
    await no_overflow(page)


async def test_the_captions_of_an_album_show_in_full_size(page, sandbox):
    person = await joined(page, sandbox)
    await person.text("x")
    async with aiohttp.ClientSession() as session:
        media = [{"type": "photo", "media": f"attach://p{n}", "caption": f"{n}."} for n in (1, 2)]
        files = {f"p{number}": ("p.jpg", picture()) for number in (1, 2)}
        client = Client(sandbox, session)
        await client.upload("sendMediaGroup", files, chat_id=person.id, media=media)
    photos = page.locator(".album .photo")
    await expect(photos).to_have_count(2)
    assert await page.locator(".album .words").count() == 0
    await photos.nth(1).click()
    await expect(page.locator("#viewer-caption")).to_have_text("2.")
    await page.locator("#viewer-close").click()
    await expect(page.locator("#viewer")).to_be_hidden()


async def test_a_document_shows_its_name_and_is_downloaded(page):
    await say(page, "file")
    line = page.locator("a.document")
    await expect(line).to_contain_text("painting <1>.png")
    await expect(line).to_contain_text("kB")
    async with page.expect_download() as started:
        await line.click()
    path = await (await started.value).path()
    assert path.read_bytes() == picture(form="PNG")


async def test_a_photo_is_chosen_and_sent_with_a_caption(page, sandbox):
    file = {"name": "boat.png", "mimeType": "image/png", "buffer": picture(form="PNG")}
    await page.set_input_files("#picker", [file])
    sheet = page.locator("#sheet")
    await expect(sheet).to_contain_text("boat.png")
    await expect(sheet.get_by_role("radio", name="Photo or video")).to_be_checked()
    await sheet.get_by_label("Caption").fill("Look")
    await page.keyboard.press("Enter")
    await expect(page.locator(".bubble").last).to_contain_text("A photo: Look")
    quote = page.locator(".bubble").last.locator(".quote")
    await expect(quote).to_contain_text("Guest")
    await expect(quote).to_contain_text("Look")
    sent = sandbox.users[0].messages[0]
    assert sandbox.bytes_of(sent.file_id).startswith(b"\xff\xd8")
    assert size(sandbox.bytes_of(sent.file_id)) == (640, 480)


async def test_a_picture_is_sent_as_a_file_byte_for_byte(page, sandbox):
    data = picture(form="PNG")
    file = {"name": "лодка.png", "mimeType": "image/png", "buffer": data}
    await page.set_input_files("#picker", [file])
    await page.locator("#sheet").get_by_role("radio", name="File").check()
    await page.locator("#sheet").get_by_role("button", name="Send").click()
    await expect(page.locator(".bubble").last).to_contain_text("A document: -")
    sent = sandbox.users[0].messages[0]
    assert (sent.file_name, sandbox.bytes_of(sent.file_id)) == ("лодка.png", data)


DROP = """([names, kind]) => {
    const transfer = new DataTransfer();
    for (const name of names) {
        const bytes = Uint8Array.from(atob(window.sample), (each) => each.charCodeAt(0));
        transfer.items.add(new File([bytes], name, {type: "image/png"}));
    }
    const event = kind === "paste"
        ? new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true})
        : new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true});
    document.getElementById("text").dispatchEvent(event);
}"""


@pytest.mark.parametrize("kind", ["drop", "paste"])
async def test_several_dropped_or_pasted_pictures_are_an_album(page, sandbox, kind):
    sample = base64.b64encode(picture(200, 100, form="PNG")).decode("ascii")
    await page.evaluate("(sample) => { window.sample = sample; }", sample)
    await page.evaluate(DROP, [["a.png", "b.png", "c.png"], kind])
    await page.locator("#sheet").get_by_role("button", name="Send").click()
    await expect(page.locator(".own .album img")).to_have_count(3)
    messages = [each for each in sandbox.users[0].messages if not each.from_bot]
    assert len(messages) == 3 and len({message.album for message in messages}) == 1


async def test_a_broken_picture_is_refused_in_words(page):
    file = {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"}
    await page.set_input_files("#picker", [file])
    await page.locator("#sheet").get_by_role("button", name="Send").click()
    await expect(page.locator("#toasts")).to_contain_text("cannot be sent as a photo")
    await expect(page.locator(".bubble")).to_have_count(0)


async def test_videos_and_gifs_are_sent_and_play(page, sandbox, tmp_path):
    pytest.importorskip("av")
    frames = [videos.plain(colour) for colour in ("red", "blue")]
    clip = videos.make_video(tmp_path / "a.webm", frames, codec="libvpx").read_bytes()
    gif = videos.make_gif(tmp_path / "a.gif", [videos.Image.fromarray(each) for each in frames])
    files = [
        {"name": "a.mp4", "mimeType": "video/webm", "buffer": clip},
        {"name": "a.gif", "mimeType": "image/gif", "buffer": gif.read_bytes()},
    ]
    await page.set_input_files("#picker", files)
    await page.locator("#sheet").get_by_role("button", name="Send").click()
    # Debian's Chromium and Playwright's differ in what they decode: VP8 is in both.
    video = page.locator(".bubble.own video.moving")
    await expect(video).to_have_js_property("error", None)
    await video.evaluate(
        "each => each.readyState > 0 || new Promise((go) => each.onloadeddata = go)"
    )
    await expect(video).to_have_js_property("videoWidth", 64)
    await expect(page.locator(".bubble.own img.moving")).to_have_js_property("naturalWidth", 64)
    assert [each.kind for each in sandbox.users[0].messages if not each.from_bot] == [
        "video",
        "animation",
    ]
    await no_overflow(page)
