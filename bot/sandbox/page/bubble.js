// One message, or one album, as an element. Texts become text nodes only: nothing in them can run.

import { locale, say } from "./words.js";

const TAGS = {
  bold: "b",
  italic: "i",
  underline: "u",
  strikethrough: "s",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
  text_link: "a",
  spoiler: "span",
};
const FOUND = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)]|(?<![\w/])\/[a-z0-9_]{1,32}\b/gi;
const NUMBER = ["B", "kB", "MB"];

// make("p", {class: "hint"}, "text", child): an element with attributes and children.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const fileAddress = (fileId) => `/sandbox/file/${encodeURIComponent(fileId)}`;

export const mediaOf = (raw) => raw.photo?.at(-1) ?? raw.animation ?? raw.video ?? raw.video_note ?? raw.document ?? null;

function link(url, text) {
  const safe = /^(https?|tg):/i.test(url);
  return safe
    ? make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text)
    : document.createTextNode(text);
}

// Plain text with links for its URLs and commands.
function plain(text) {
  const pieces = [];
  let from = 0;
  for (const found of text.matchAll(FOUND)) {
    pieces.push(text.slice(from, found.index));
    pieces.push(
      found[0].startsWith("/")
        ? make("button", { type: "button", class: "command", "data-command": found[0] }, found[0])
        : link(found[0], found[0]),
    );
    from = found.index + found[0].length;
  }
  pieces.push(text.slice(from));
  return pieces.filter((piece) => piece !== "");
}

// The text with its entities, which may be nested.
export function formatted(text, entities = []) {
  const pieces = [];
  let from = 0;
  for (let index = 0; index < entities.length; index += 1) {
    const { type, offset, length, url } = entities[index];
    if (offset < from || !(type in TAGS)) continue;
    const end = offset + length;
    const inner = entities
      .slice(index + 1)
      .filter((each) => each.offset >= offset && each.offset + each.length <= end)
      .map((each) => ({ ...each, offset: each.offset - offset }));
    pieces.push(...plain(text.slice(from, offset)));
    const content = formatted(text.slice(offset, end), inner);
    if (type === "text_link") {
      const anchor = link(url, "");
      if (anchor.nodeType === Node.ELEMENT_NODE) anchor.append(...content);
      pieces.push(...(anchor.nodeType === Node.ELEMENT_NODE ? [anchor] : content));
    } else {
      pieces.push(make(TAGS[type], type === "spoiler" ? { class: "spoiler", tabindex: 0 } : {}, ...content));
    }
    from = end;
  }
  pieces.push(...plain(text.slice(from)));
  return pieces;
}

export function readableSize(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < NUMBER.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toLocaleString(locale(), { maximumFractionDigits: unit ? 1 : 0 })} ${NUMBER[unit]}`;
}

function photo(raw) {
  const { file_id: fileId, width, height } = raw.photo.at(-1);
  const picture = make("img", { src: fileAddress(fileId), width, height, alt: raw.caption ?? say("photo") });
  return make("button", { type: "button", class: "photo", "data-picture": fileId, "data-caption": raw.caption ?? "" }, picture);
}

// An animation, a video or a video note; a GIF that nobody converted is a picture.
function moving(raw) {
  const { file_id: fileId, width, height, length, mime_type: type } = mediaOf(raw);
  const src = fileAddress(fileId);
  if (type === "image/gif") return make("img", { class: "moving", src, alt: raw.caption ?? say("animation") });
  const video = make("video", { class: raw.video_note ? "moving round-video" : "moving", src, playsinline: "", preload: "metadata", controls: raw.video && "" });
  // Its place before the file is there.
  video.width = width ?? length;
  video.height = height ?? length;
  video.loop = !raw.video;
  video.autoplay = video.muted = !raw.video;
  if (raw.video_note) video.addEventListener("click", () => { video.muted = !video.muted; });
  return video;
}

function documentLine(raw) {
  const { file_id: fileId, file_name: name = "file", file_size: bytes, thumbnail } = raw.document;
  const face = thumbnail
    ? make("img", { src: fileAddress(thumbnail.file_id), alt: "" })
    : make("span", { class: "suffix" }, name.split(".").at(-1).slice(0, 4));
  const about = make("span", { class: "about" }, make("b", {}, name), make("small", {}, `${readableSize(bytes)} · ${say("download")}`));
  return make("a", { class: "document", href: fileAddress(fileId), download: name }, face, about);
}

function content(raw) {
  if (raw.photo) return photo(raw);
  if (raw.animation || raw.video || raw.video_note) return moving(raw);
  if (raw.document) return documentLine(raw);
  const other = ["sticker", "voice"].find((kind) => kind in raw);
  return other ? make("p", { class: "other" }, `${raw.sticker?.emoji ?? "▶"} ${say(other)}`) : null;
}

function quote(raw, nameOf) {
  const replied = raw.reply_to_message;
  if (!replied) return null;
  const kind = ["photo", "animation", "sticker", "video", "video_note", "voice"].find((each) => each in replied);
  const said = replied.text ?? replied.caption ?? replied.document?.file_name ?? say(kind);
  return make(
    "button",
    { type: "button", class: "quote", "data-message": replied.message_id },
    make("b", {}, nameOf(replied.from)),
    make("span", {}, said.slice(0, 200)),
  );
}

function keyboard(raw) {
  const rows = raw.reply_markup?.inline_keyboard;
  if (!rows) return null;
  const element = make("div", { class: "keyboard" });
  for (const row of rows) {
    const line = make("div", { class: "keys" });
    for (const { text, callback_data: data, url } of row) {
      if (url && /^(https?|tg):/i.test(url)) {
        line.append(make("a", { href: url, target: "_blank", rel: "noopener noreferrer", class: "key" }, text));
      } else {
        line.append(make("button", { type: "button", class: "key", "data-data": data ?? "" }, text));
      }
    }
    element.append(line);
  }
  return element;
}

function foot(raw) {
  const time = new Date(raw.date * 1000).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return make("footer", {}, raw.edit_date ? `${say("edited")} ` : "", make("time", {}, time));
}

function words(raw) {
  const text = raw.text ?? raw.caption;
  if (!text) return null;
  return make("div", { class: "words" }, ...formatted(text, raw.entities ?? raw.caption_entities));
}

// The caption below the media: an album's only one; several are shown in full size only.
function saidBelow(raws) {
  const said = raws.filter((raw) => raw.text || raw.caption);
  return said.length === 1 ? words(said[0]) : null;
}

// `raws`: one message, or those of an album in order. `own`: whether the person sent them.
export function bubble(raws, own, nameOf) {
  const [first] = raws;
  const files = raws.length > 1 && first.document;
  // A list of files has each file's caption below it.
  const media = raws.flatMap((raw) => [content(raw), files ? words(raw) : null]).filter(Boolean);
  const below = files ? null : saidBelow(raws);
  const kind = first.photo ? "photos" : mediaOf(first) !== (first.document ?? null) ? "videos" : first.document ? "documents" : "";
  const body = make("div", { class: `body ${kind}` });
  if (below) body.classList.add("worded");
  if (raws.length > 1 && first.photo) body.classList.add("album");
  const quoted = quote(first, nameOf);
  if (quoted) body.append(quoted);
  if (media.length) body.append(make("div", { class: "media", "data-count": media.length }, ...media));
  if (below) body.append(below);
  body.append(foot(raws.at(-1)));
  const element = make("article", { class: own ? "bubble own" : "bubble", "data-id": first.message_id });
  element.append(body);
  const keys = keyboard(first);
  if (keys) element.append(keys);
  return element;
}
