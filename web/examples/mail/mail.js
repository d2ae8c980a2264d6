// SPDX-License-Identifier: MIT
// A small mail reader over the platform email: folders, lists, mails with attachments, new mails as they come, writing. What
// a mail looks like is described in docs/platforms/email-fields.md.
"use strict";

const PIECE = 3000000; // bytes of an attachment in one result; a multiple of 3, so that base64 can be joined
const ID = /^[^\s<>@]+@[^\s<>@]+$/; // a mail may have a name that no answer can refer to
let session;
let me; // the actor of every job
let folder;
let mails; // uid -> mail, those that are listed
let page; // the last one that was fetched
let shown; // the mail in the reader

const job = (verb, object = {}, target = []) => session.request({platform: "email", verb, actor: me, target, object});
const people = (list) => (list || []).map((p) => p.name ? p.name + " <" + p.address + ">" : p.address).join(", ");
const onClick = (id, action) => byId(id).addEventListener("click", () => action().catch(failed));
const failed = (failure) => tell(failure.message, "bad");

// --- the list -------------------------------------------------------------------------------------------------------

function showMails() {
  const order = [...mails.values()].sort((a, b) => b.object.uid - a.object.uid);
  byId("mails").replaceChildren(...order.map((mail) => {
    const {object, actor} = mail;
    const button = make("button", {onclick: () => open(object.uid).catch(failed)},
      make(object.flags.includes("seen") ? "span" : "b", {}, object.subject || "(no subject)"),
      make("small", {}, (actor.name || actor.address) + ", " + showTime(object.date)));
    if (object.uid === (shown || {}).uid) button.setAttribute("aria-current", "true");
    return make("li", {}, button);
  }));
}

// All that comes is a mail: one of a page, the one that was asked for, or a new one.
function arrive(message) {
  const {object} = message;
  if (message.platform !== "email") return;
  if (message.verb === "connect") {
    tell(object.status === "online" ? "" : object.text || object.status, object.status === "online" ? "" : "bad");
  } else if (object.objectType === "email" && object.imapBox === folder) {
    mails.set(object.uid, message);
    showMails();
  }
}

async function fetchPage(number) {
  const {matches, perPage} = await job("fetch", {folder, page: number, perPage: 20});
  page = number;
  byId("older").hidden = page * perPage >= matches;
}

async function openFolder(name) {
  if (folder) await job("observe", {folder, stop: true});
  folder = name;
  mails = new Map();
  showMails();
  await fetchPage(1);
  await job("observe", {folder});
}

// --- one mail ---------------------------------------------------------------------------------------------------------

async function open(uid) {
  const listed = mails.get(uid).object;
  await job("fetch", {folder, uid, includeBody: true});
  shown = mails.get(uid).object;
  if (!listed.flags.includes("seen")) {
    await job("update", {objectType: "flags", folder, uid, add: ["seen"]});
    shown.flags.push("seen");
  }
  byId("subject").textContent = shown.subject || "(no subject)";
  const head = {From: people(shown.from), To: people(shown.to), Cc: people(shown.cc),
    Date: shown.date ? new Date(shown.date).toLocaleString() : ""};
  byId("head").replaceChildren(...Object.entries(head).filter(([, value]) => value)
    .flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  showBody(!shown.text && shown.html);
  byId("attachments").replaceChildren(...(shown.attachments || []).map((file) => make("li", {},
    make("button", {onclick: () => save(uid, file).catch(failed)}, file.fileName || "part " + file.part,
      make("small", {}, file.contentType + ", " + Math.ceil((file.size || 0) / 1024) + " KiB")))));
  showMails();
  choose("reader");
  byId("subject").focus();
}

function showBody(asHtml) {
  byId("show-html").hidden = asHtml || !shown.html;
  byId("body").className = asHtml ? "" : "text";
  byId("body").replaceChildren(asHtml ? cleanHtml(shown.html) : shown.text || "");
}

// Whatever the sender calls it, it is offered for saving only.
async function save(uid, {part, fileName}) {
  let base64 = "";
  let at = 0;
  let size;
  do {
    const piece = await job("fetch", {folder, attachment: {uid, part, offset: at, length: PIECE}});
    base64 += piece.contents;
    at += piece.length;
    size = piece.length ? piece.size : 0;
  } while (at < size);
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], {type: "application/octet-stream"}));
  make("a", {href: url, download: fileName || "attachment"}).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

// --- what the person does -----------------------------------------------------------------------------------------------

// What is beside the list: the reader or the form for a new mail.
function choose(id) {
  for (const one of ["reader", "write"]) byId(one).hidden = one !== id;
}

function logIn(on) {
  byId("login").hidden = on;
  byId("main").hidden = !on;
}

async function set() {
  const secrets = {username: byId("username").value || me.address, password: byId("password").value};
  await job("set", {objectType: "credentials",
    imap: {...secrets, ...typed({host: "imap-host", port: "imap-port"})},
    smtp: {...secrets, ...typed({host: "smtp-host", port: "smtp-port"})}});
}

onSubmit("login", async () => {
  me = typed({address: "address", name: "name"});
  folder = "";
  shown = null;
  session = new Session(arrive, (why) => {
    logIn(false);
    failed(why);
  });
  tell("Connecting …");
  try {
    await session.open(byId("secret").value);
    await set();
    const {folders} = await job("fetch", {objectType: "folders"});
    byId("folder").replaceChildren(...folders.filter((f) => f.selectable)
      .map(({name}) => make("option", {value: name, selected: name === "INBOX"}, name)));
    await openFolder("INBOX");
  } catch (failure) {
    session.onClose = () => {};
    session.close();
    throw failure;
  }
  logIn(true);
  choose("");
  tell("Connected as " + me.address);
});

onSubmit("write", async () => {
  const target = byId("to").value.split(",").map((address) => ({address: address.trim()})).filter((t) => t.address);
  const {messageId, references} = byId("write").answered || {};
  const headers = ID.test(messageId)
    ? {inReplyTo: messageId, references: [...(references || []), messageId].filter((id) => ID.test(id)).join(" ")} : {};
  tell("Sending …");
  const {refused} = await job("send", {subject: byId("about").value, text: byId("text").value, headers}, target);
  if (refused) failed(new Error("Not sent to " + refused.map((r) => r.address + ": " + r.text).join("; ")));
  else tell("Sent");
  byId("text").value = "";
  choose(shown ? "reader" : "");
});

function write(to, about, text, answered) {
  Object.assign(byId("write"), {answered});
  Object.assign(byId("to"), {value: to});
  Object.assign(byId("about"), {value: about});
  Object.assign(byId("text"), {value: text});
  choose("write");
  byId(to ? "text" : "to").focus();
  byId("text").setSelectionRange(0, 0);
}

onClick("new", async () => write("", "", "", null));
onClick("reply", async () => {
  const to = (shown.replyTo || shown.from || []).map((p) => p.address).join(", ");
  const quoted = byId("body").innerText.trim().slice(0, 10000).replace(/^/gm, "> ");
  write(to, /^re:/i.test(shown.subject) ? shown.subject : "Re: " + (shown.subject || ""), "\n\n" + quoted, shown);
});
onClick("show-html", async () => showBody(true));
onClick("older", () => fetchPage(page + 1));
onClick("leave", async () => {
  session.onClose = () => logIn(false);
  session.close();
  tell("Disconnected");
});
byId("folder").addEventListener("change", (event) => openFolder(event.target.value).catch(failed));
