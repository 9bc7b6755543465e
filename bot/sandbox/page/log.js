// The list of messages: appends new ones, replaces edited ones, keeps the scroll position.

import { bubble, fileAddress, mediaOf } from "./bubble.js";
import { say } from "./words.js";

const NEAR = 120;

export class Log {
  constructor({ list, scroller, down, empty, announcer }) {
    Object.assign(this, { list, scroller, down, empty, announcer });
    this.messages = new Map();
    this.user = null;
    this.following = true;
    this.top = 0;
    scroller.addEventListener("scroll", () => {
      const left = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
      // When the list grows while the page scrolls to its end, the reader has not scrolled up.
      const wentUp = scroller.scrollTop < this.top;
      this.following = left < NEAR || (this.following && !wentUp);
      this.top = scroller.scrollTop;
      down.hidden = this.following;
    });
    down.addEventListener("click", () => this.toEnd("smooth"));
    // Pictures that load and a phone's keyboard change heights later.
    new ResizeObserver(() => this.following && this.toEnd()).observe(list);
    new ResizeObserver(() => this.following && this.toEnd()).observe(scroller);
  }

  toEnd(behavior = "instant") {
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior });
  }

  // Show a whole chat.
  show(user, raws) {
    this.user = user;
    this.list.replaceChildren();
    this.messages = new Map(raws.map((raw) => [raw.message_id, raw]));
    for (const key of new Set(raws.map((raw) => this.key(raw)))) this.draw(key);
    this.empty.hidden = raws.length > 0;
    this.following = true;
    this.toEnd();
  }

  key = (raw) => raw.media_group_id ?? String(raw.message_id);

  find = (key) => [...this.list.children].find((element) => element.dataset.key === key);

  // Add a new message or replace an edited one.
  async put(raw) {
    const before = this.messages.get(raw.message_id);
    this.messages.set(raw.message_id, raw);
    const media = mediaOf(raw);
    if (before && raw.photo && media.file_id !== mediaOf(before)?.file_id) {
      // Load the new picture first, so that the old one stays until then.
      const picture = new Image();
      picture.src = fileAddress(media.file_id);
      await picture.decode().catch(() => null);
      if (this.messages.get(raw.message_id) !== raw) return;
    }
    this.draw(this.key(raw));
    this.empty.hidden = true;
    const own = raw.from.id === this.user.id;
    if (!before && own) this.toEnd();
    const told = !before || media?.file_id !== mediaOf(before)?.file_id;
    if (told && !own) this.announcer.textContent = this.spoken(raw);
  }

  remove(id) {
    const raw = this.messages.get(id);
    if (!raw) return;
    this.messages.delete(id);
    this.draw(this.key(raw));
    this.empty.hidden = this.messages.size > 0;
  }

  // Draw the message or album of a key again, in its place among the others.
  draw(key) {
    const raws = [...this.messages.values()].filter((raw) => this.key(raw) === key);
    raws.sort((one, other) => one.message_id - other.message_id);
    const old = this.find(key);
    if (!raws.length) {
      old?.remove();
      return;
    }
    const element = bubble(raws, raws[0].from.id === this.user.id, (from) => from.first_name);
    element.dataset.key = key;
    if (!old) {
      const id = raws[0].message_id;
      const next = [...this.list.children].find((each) => Number(each.dataset.id) > id);
      element.classList.add("fresh");
      this.list.insertBefore(element, next ?? null);
      return;
    }
    const focused = old.contains(document.activeElement) ? document.activeElement.dataset : null;
    old.replaceWith(element);
    if (!focused) return;
    const same = [...element.querySelectorAll("button")].find(
      (each) => each.dataset.data === focused.data && each.dataset.picture === focused.picture,
    );
    same?.focus({ preventScroll: true });
  }

  spoken(raw) {
    const named = ["photo", "animation", "video", "video_note"].find((each) => each in raw);
    const kind = named ? say(named) : raw.document?.file_name;
    return [raw.from.first_name, kind, raw.text ?? raw.caption].filter(Boolean).join(": ");
  }

  // Scroll to a message and highlight it.
  flash(id) {
    const raw = this.messages.get(id);
    const element = raw && this.find(this.key(raw));
    if (!element) return false;
    element.scrollIntoView({ block: "center", behavior: "smooth" });
    element.classList.remove("flash");
    void element.offsetWidth;
    element.classList.add("flash");
    return true;
  }
}
