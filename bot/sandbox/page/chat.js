// The page: its connection to the sandbox, and the choice of the person to be.

import { make, fileAddress } from "./bubble.js";
import { Composer } from "./composer.js";
import { Log } from "./log.js";
import { say, speak } from "./words.js";

const ACTION_SECONDS = 5;
const ANSWER_SECONDS = 15;
const TOAST_SECONDS = 5;
const SLOWEST_RETRY = 3000;

const byId = (id) => document.getElementById(id);

const log = new Log({
  list: byId("messages"),
  scroller: byId("scroller"),
  down: byId("down"),
  empty: byId("empty"),
  announcer: byId("announcer"),
});
const composer = new Composer(sendText, sendFiles);

// Each tab remembers its person, and adds them again to a sandbox that was restarted.
let person = JSON.parse(sessionStorage.getItem("person") ?? "null");
let socket = null;
let retry = 250;
let actionTimer = 0;
let presses = 0;
// Pressed buttons without an answer yet: first by the page's number, then by the query's id.
const waiting = new Map();

function connect() {
  const query = new URLSearchParams();
  const wanted = location.hash.slice(1) || String(person?.id ?? "");
  if (wanted) query.set("user", wanted);
  if (wanted && String(person?.id) === wanted) query.set("name", person.first_name);
  query.set("language", person?.language_code ?? browserLanguage());
  open(query);
}

function open(query) {
  const secure = location.protocol === "https:" ? "wss:" : "ws:";
  const opened = new WebSocket(`${secure}//${location.host}/sandbox/feed?${query}`);
  socket = opened;
  status("connecting", true);
  opened.addEventListener("message", (event) => {
    // The last events of the previous person may still arrive.
    if (socket === opened) receive(JSON.parse(event.data));
  });
  opened.addEventListener("close", () => {
    if (socket !== opened) return;
    status("connecting", true);
    setTimeout(() => socket === opened && connect(), retry);
    retry = Math.min(2 * retry, SLOWEST_RETRY);
  });
}

const browserLanguage = () => (navigator.language.startsWith("ru") ? "ru" : "en");

const EVENTS = {
  hello({ bot, user, users, commands, messages }) {
    retry = 250;
    person = user;
    sessionStorage.setItem("person", JSON.stringify(user));
    history.replaceState(null, "", `#${user.id}`);
    speak(user.language_code);
    byId("bot-name").textContent = bot.first_name;
    document.title = bot.first_name;
    byId("own-name").textContent = user.first_name;
    face(byId("own-face"), user);
    status("online");
    composer.setCommands(commands);
    showPeople(users);
    waiting.clear();
    log.show(user, messages);
  },
  message({ event, ...raw }) {
    if (raw.from.is_bot) status("online");
    log.put(raw);
  },
  deleted: ({ message_id: id }) => log.remove(id),
  action({ action }) {
    status(action in { upload_photo: 1, upload_video: 1, upload_video_note: 1, upload_document: 1 } ? action : "typing", true);
    clearTimeout(actionTimer);
    actionTimer = setTimeout(() => status("online"), 1000 * ACTION_SECONDS);
  },
  pressed({ query, ref }) {
    if (waiting.has(ref)) waiting.set(query, waiting.get(ref));
    waiting.delete(ref);
  },
  answer({ query, text, show_alert: alert }) {
    settle(waiting.get(query));
    waiting.delete(query);
    if (!text) return;
    if (!alert) return toast(text);
    byId("alert-text").textContent = text;
    if (!byId("alert").open) byId("alert").showModal();
  },
  commands: ({ commands }) => composer.setCommands(commands),
  users: ({ users }) => showPeople(users),
};

function receive(body) {
  EVENTS[body.event]?.(body);
}

function status(word, lively = false) {
  clearTimeout(actionTimer);
  byId("status").textContent = say(word);
  byId("status").classList.toggle("lively", lively);
}

function toast(text) {
  const element = make("p", {}, text);
  byId("toasts").append(element);
  setTimeout(() => element.remove(), 1000 * TOAST_SECONDS);
}

// Sending

function tell(body) {
  if (socket?.readyState !== WebSocket.OPEN) {
    toast(say("failed") + say("connecting"));
    return false;
  }
  socket.send(JSON.stringify(body));
  return true;
}

function sendText(text) {
  return tell({ do: "text", text });
}

async function sendFiles(files, kind, caption) {
  const form = new FormData();
  form.append("kind", kind ?? "document");
  form.append("caption", caption);
  for (const file of files) form.append("file", file);
  try {
    const response = await fetch(`/sandbox/users/${person.id}/files`, { method: "POST", body: form });
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    const { error } = await response.json();
    if (error) toast(error);
  } catch (error) {
    toast(say("failed") + error.message);
  }
}

function press(key) {
  presses += 1;
  const ref = `page-${presses}`;
  const id = Number(key.closest("article").dataset.id);
  if (!tell({ do: "press", message_id: id, data: key.dataset.data, ref })) return;
  key.classList.add("busy");
  waiting.set(ref, key);
  setTimeout(() => settle(key), 1000 * ANSWER_SECONDS);
}

const settle = (key) => key?.classList.remove("busy");

byId("messages").addEventListener("click", (event) => {
  const pressed = event.target.closest("button, .spoiler");
  if (!pressed) return;
  const { data, picture, caption, command, message } = pressed.dataset;
  if (pressed.matches(".spoiler")) pressed.classList.add("revealed");
  else if (data !== undefined) press(pressed);
  else if (picture) view(picture, caption);
  else if (command) sendText(command);
  else if (message && !log.flash(Number(message))) toast(say("gone"));
});
byId("begin").addEventListener("click", () => sendText("/start"));

// A photo in full size

function view(fileId, caption) {
  const picture = byId("viewer-picture");
  picture.src = fileAddress(fileId);
  picture.alt = caption || say("photo");
  byId("viewer-caption").textContent = caption;
  byId("viewer").showModal();
}

byId("viewer").addEventListener("click", () => byId("viewer").close());

// People

function face(element, user) {
  element.textContent = [...user.first_name][0];
  element.style.setProperty("--hue", String((user.id * 67) % 360));
}

function showPeople(users) {
  byId("people-list").replaceChildren(
    ...users.map((user) => {
      const icon = make("span", { class: "face", "aria-hidden": "true" });
      face(icon, user);
      const about = make("span", { class: "about" }, make("b", {}, user.first_name), make("small", {}, user.language_code === "ru" ? "Русский" : "English"));
      const current = user.id === person.id ? "true" : undefined;
      const row = make("button", { type: "button", class: "person", "aria-current": current }, icon, about);
      row.addEventListener("click", () => become({ user: user.id }));
      return row;
    }),
  );
}

// Switch to another person; without `user` to a new one.
function become(query) {
  const former = socket;
  openPeople(false);
  open(new URLSearchParams(query));
  former?.close();
}

function openPeople(wanted) {
  byId("people").classList.toggle("open", wanted);
  byId("people-open").setAttribute("aria-expanded", String(wanted));
}

byId("people-open").addEventListener("click", () => openPeople(!byId("people").classList.contains("open")));
byId("people-close").addEventListener("click", () => openPeople(false));
byId("person-new").addEventListener("submit", (event) => {
  event.preventDefault();
  become(Object.fromEntries(new FormData(event.target)));
  event.target.reset();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") openPeople(false);
});
byId("scroller").addEventListener("click", () => openPeople(false));
window.addEventListener("hashchange", () => become({ user: location.hash.slice(1) }));

speak(person?.language_code ?? browserLanguage());
connect();
