// Writing a message: its text, the list of commands, and attached, dropped or pasted files.

import { make, readableSize } from "./bubble.js";
import { say } from "./words.js";

const byId = (id) => document.getElementById(id);

export class Composer {
  // `sendText(text)` and `sendFiles(files, kind, caption)` send the message.
  constructor(sendText, sendFiles) {
    this.sendText = sendText;
    this.sendFiles = sendFiles;
    this.commands = [];
    this.files = [];
    this.shown = [];
    this.chosen = 0;
    this.text = byId("text");
    this.menu = byId("commands");
    this.sheet = byId("sheet");
    this.wireText();
    this.wireFiles();
  }

  wireText() {
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.text.addEventListener("input", () => this.changed());
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.text.addEventListener("blur", () => this.offer([]));
    byId("slash").addEventListener("click", () => {
      this.text.value = "/";
      this.text.focus();
      this.changed();
    });
    // Keep the focus in the text: losing it closes the list.
    this.menu.addEventListener("pointerdown", (event) => event.preventDefault());
    this.menu.addEventListener("click", (event) => {
      const item = event.target.closest("li");
      if (item) this.take(Number(item.dataset.index));
    });
  }

  wireFiles() {
    const picker = byId("picker");
    byId("attach").addEventListener("click", () => picker.click());
    picker.addEventListener("change", () => {
      this.offerFiles([...picker.files]);
      picker.value = "";
    });
    document.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) {
        event.preventDefault();
        this.offerFiles(files);
      }
    });
    this.wireDrop(byId("drop"));
    byId("sheet-cancel").addEventListener("click", () => this.sheet.close());
    byId("sheet-kind").addEventListener("change", () => this.hint());
    this.sheet.addEventListener("close", () => {
      byId("sheet-files").replaceChildren();
      this.text.focus();
    });
    this.sheet.querySelector("form").addEventListener("submit", () => {
      const form = new FormData(this.sheet.querySelector("form"));
      this.sendFiles(this.files, form.get("kind"), form.get("caption").trim());
    });
  }

  wireDrop(zone) {
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      zone.hidden = false;
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) zone.hidden = true;
    });
    document.addEventListener("drop", (event) => {
      zone.hidden = true;
      if (!carriesFiles(event)) return;
      event.preventDefault();
      this.offerFiles([...event.dataTransfer.files]);
    });
  }

  setCommands(commands) {
    this.commands = commands;
    byId("slash").hidden = commands.length === 0;
  }

  submit() {
    const text = this.text.value.trim();
    if (text && this.sendText(text)) {
      this.text.value = "";
      this.changed();
    }
    this.text.focus();
  }

  changed() {
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight}px`;
    const typed = this.text.value;
    const begun = /^\/\w*$/.test(typed);
    this.offer(begun ? this.commands.filter(({ command }) => `/${command}`.startsWith(typed)) : []);
  }

  offer(commands) {
    this.shown = commands;
    this.chosen = 0;
    this.menu.replaceChildren(
      ...commands.map(({ command, description }, index) =>
        make("li", { role: "option", id: `command-${index}`, "data-index": index }, make("b", {}, `/${command}`), make("span", {}, description)),
      ),
    );
    this.menu.hidden = commands.length === 0;
    this.text.setAttribute("aria-expanded", String(commands.length > 0));
    this.mark();
  }

  mark() {
    [...this.menu.children].forEach((item, index) => {
      item.setAttribute("aria-selected", String(index === this.chosen));
      if (index === this.chosen) item.scrollIntoView({ block: "nearest" });
    });
    if (this.shown.length) this.text.setAttribute("aria-activedescendant", `command-${this.chosen}`);
    else this.text.removeAttribute("aria-activedescendant");
  }

  take(index) {
    this.text.value = `/${this.shown[index].command}`;
    this.offer([]);
    this.submit();
  }

  key(event) {
    if (event.isComposing) return;
    if (this.shown.length && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.chosen = (this.chosen + step + this.shown.length) % this.shown.length;
      this.mark();
    } else if (this.shown.length && event.key === "Escape") {
      this.offer([]);
    } else if (this.shown.length && ["Enter", "Tab"].includes(event.key)) {
      this.take(this.chosen);
    } else if (event.key === "Enter" && !event.shiftKey) {
      this.submit();
    } else {
      return;
    }
    event.preventDefault();
  }

  // Show the files and ask how to send them.
  offerFiles(files) {
    if (!files.length) return;
    this.files = files;
    const pictures = files.every((file) => /^(image|video)\//.test(file.type));
    const form = this.sheet.querySelector("form");
    form.reset();
    form.elements.kind.value = pictures ? "photo" : "document";
    byId("sheet-kind").disabled = !pictures;
    byId("sheet-title").textContent = files.length > 1 ? say("sendMany") + files.length : pictures ? say("send1") : say("files");
    byId("sheet-files").replaceChildren(...files.map((file) => this.preview(file)));
    this.hint();
    if (!this.sheet.open) this.sheet.showModal();
    form.elements.caption.focus();
  }

  preview(file) {
    const about = make("span", { class: "about" }, make("b", {}, file.name), make("small", {}, readableSize(file.size)));
    if (!file.type.startsWith("image/")) {
      return make("div", { class: "document" }, make("span", { class: "suffix" }, file.name.split(".").at(-1).slice(0, 4)), about);
    }
    const address = URL.createObjectURL(file);
    const picture = make("img", { src: address, alt: "" });
    picture.addEventListener("load", () => URL.revokeObjectURL(address));
    return make("div", { class: "document" }, picture, about);
  }

  hint() {
    const { kind } = this.sheet.querySelector("form").elements;
    byId("sheet-hint").textContent = say(kind.value === "photo" ? "photoHint" : "fileHint");
  }
}
