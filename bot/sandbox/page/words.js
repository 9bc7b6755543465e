// The page's own texts in each language.

const WORDS = {
  en: {
    people: "People",
    newPerson: "New person",
    name: "Name",
    language: "Language",
    add: "Add",
    close: "Close",
    sandboxHint:
      "This is a sandbox on your own machine. Nothing here reaches Telegram, and all of it is forgotten when the sandbox stops.",
    emptyHint: "Nothing has been said yet.",
    begin: "Start",
    down: "To the newest message",
    attach: "Attach pictures, videos or files",
    message: "Message",
    commands: "Commands",
    send: "Send",
    dropHere: "Drop pictures or files here",
    sendAs: "Send as",
    asPhoto: "Photo or video",
    asFile: "File",
    photoHint: "Compressed, as Telegram does",
    fileHint: "Byte for byte as it is",
    caption: "Caption",
    cancel: "Cancel",
    photo: "Photo",
    ok: "OK",
    online: "bot",
    connecting: "connecting …",
    typing: "is typing …",
    upload_photo: "is sending a photo …",
    upload_video: "is sending a video …",
    upload_video_note: "is sending a video …",
    upload_document: "is sending a file …",
    edited: "edited",
    download: "Download",
    deleted: "Deleted message",
    failed: "It could not be sent: ",
    sticker: "Sticker",
    animation: "Animation",
    video: "Video",
    video_note: "Video message",
    voice: "Voice message",
    send1: "Send a picture",
    sendMany: "Files to send: ",
    files: "Files",
    gone: "The message is gone.",
  },
  ru: {
    people: "Люди",
    newPerson: "Новый человек",
    name: "Имя",
    language: "Язык",
    add: "Добавить",
    close: "Закрыть",
    sandboxHint:
      "Это песочница на вашем компьютере. Отсюда ничего не попадает в Telegram, а когда она остановится, всё забудется.",
    emptyHint: "Пока здесь пусто.",
    begin: "Начать",
    down: "К последнему сообщению",
    attach: "Прикрепить картинки, видео или файлы",
    message: "Сообщение",
    commands: "Команды",
    send: "Отправить",
    dropHere: "Отпустите картинки или файлы здесь",
    sendAs: "Отправить как",
    asPhoto: "Фото или видео",
    asFile: "Файл",
    photoHint: "Со сжатием, как в Telegram",
    fileHint: "Без изменений, байт в байт",
    caption: "Подпись",
    cancel: "Отмена",
    photo: "Фото",
    ok: "Хорошо",
    online: "бот",
    connecting: "соединение …",
    typing: "печатает …",
    upload_photo: "отправляет фото …",
    upload_video: "отправляет видео …",
    upload_video_note: "отправляет видео …",
    upload_document: "отправляет файл …",
    edited: "изменено",
    download: "Скачать",
    deleted: "Удалённое сообщение",
    failed: "Не удалось отправить: ",
    sticker: "Стикер",
    animation: "Анимация",
    video: "Видео",
    video_note: "Видеосообщение",
    voice: "Голосовое сообщение",
    send1: "Отправить картинку",
    sendMany: "Файлы к отправке: ",
    files: "Файлы",
    gone: "Этого сообщения больше нет.",
  },
};

let language = "en";

export const say = (word) => WORDS[language][word] ?? word;

export const locale = () => language;

// Fills all elements that name a text with it, in the given language.
export function speak(wanted) {
  language = wanted in WORDS ? wanted : "en";
  document.documentElement.lang = language;
  for (const place of document.querySelectorAll("[data-word]")) {
    place.textContent = say(place.dataset.word);
  }
  for (const place of document.querySelectorAll("[data-placeholder]")) {
    place.placeholder = say(place.dataset.placeholder);
  }
  for (const place of document.querySelectorAll("[data-label]")) {
    place.setAttribute("aria-label", say(place.dataset.label));
    if (place.matches("button")) place.title = say(place.dataset.label);
  }
}
