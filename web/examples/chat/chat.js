// SPDX-License-Identifier: MIT
// A small chat over the platform xmpp: contacts with their presence, conversations, rooms, what an archive has. What
// arrives is described field by field in docs/platforms/xmpp.md.
"use strict";

const MAX_LINES = 500;
let session;
let me; // the account's address: the actor of every job
let chats; // address -> conversation
let current; // the one that is shown

const job = (verb, address, object = {}) => session.request({platform: "xmpp", verb, actor: {address: me},
  target: address ? [{address}] : [], object});

// --- conversations --------------------------------------------------------------------------------------------------

function chatWith(address, more = {}) {
  if (!chats.has(address)) {
    chats.set(address, {address, name: "", state: "", room: false, unread: 0, lines: [], ids: new Set(),
      people: new Set()}); // of a room
  }
  return Object.assign(chats.get(address), more);
}

function addLine(chat, line, inFront = false) {
  if (line.id && chat.ids.has(line.id)) return; // the archive tells what is known already
  chat.ids.add(line.id);
  if (inFront) chat.lines.unshift(line);
  else chat.lines.push(line);
  if (chat.lines.length > MAX_LINES) chat.lines.shift();
  if (chat === current) showLog();
  else if (!inFront && line.kind === "in") chat.unread++;
  showChats();
}

function showChats() {
  const order = [...chats.values()].sort((a, b) => a.address.localeCompare(b.address));
  byId("chats").replaceChildren(...order.map((chat) => {
    const notes = [chat.room ? "room" : chat.state, chat.unread ? chat.unread + " new" : ""].filter(Boolean);
    const button = make("button", {onclick: () => show(chat)}, chat.name || chat.address,
      make("small", {}, notes.join(", ")));
    if (chat === current) button.setAttribute("aria-current", "true");
    return make("li", {}, button);
  }));
}

function showLog() {
  byId("log").replaceChildren(...current.lines.map((line) => make("li", {className: line.kind},
    make("small", {}, showTime(line.date), " ", line.who || ""), " ", line.text, ...(line.buttons || []))));
  byId("log").scrollTop = byId("log").scrollHeight;
}

function show(chat) {
  current = chat;
  chat.unread = 0;
  byId("title").textContent = chat.name ? chat.name + " (" + chat.address + ")" : chat.address;
  byId("say").hidden = false;
  showLog();
  showChats();
  byId("text").focus();
  if (chat.room || chat.asked) return;
  chat.asked = true;
  job("fetch", "", {objectType: "history", with: chat.address, limit: 20}).then(
    () => {
      const old = chat.archive || [];
      for (const line of old.reverse()) addLine(chat, line, true);
    }, () => {}); // not every server has an archive
}

// --- what arrives -----------------------------------------------------------------------------------------------------

function enter(room, name, text) {
  const chat = chatWith(room, {room: true});
  if (!chat.people.has(name)) addLine(chat, {kind: "note", text: name + " " + text});
  chat.people.add(name);
}

const arrivals = {
  send({actor, target, object}) {
    const room = target[0].objectType === "room";
    const chat = chatWith(room || object.own ? target[0].address : actor.address);
    const line = {id: object.id, who: object.own && !room ? "you" : actor.name || actor.address, text: object.text,
      date: object.date, kind: object.own ? "out" : "in"};
    if (object.archived) (chat.archive = chat.archive || []).push(line);
    else addLine(chat, line);
  },

  update({actor, target, object}) {
    if (object.objectType === "topic") {
      if (object.topic) addLine(chatWith(target[0].address), {kind: "note", text: "Topic: " + object.topic});
    } else if (object.objectType === "contact") {
      chatWith(actor.address, {name: actor.name || ""});
    } else if (object.objectType === "presence" && target[0].objectType === "room") {
      enter(target[0].address, actor.name, "is here");
    } else if (object.objectType === "presence" && !object.own) {
      chatWith(actor.address, {state: object.state});
    }
    showChats();
  },

  join: ({actor, target}) => enter(target[0].address, actor.name, "came"),

  leave({actor, target, object}) {
    const why = object.text ? ": " + object.text : "";
    chatWith(target[0].address).people.delete(actor.name);
    addLine(chatWith(target[0].address), {kind: "note", text: (actor.name || "You") + " left" + why});
  },

  "request-friend"({actor, object}) {
    const chat = chatWith(actor.address, actor.name ? {name: actor.name} : {});
    if (object.objectType === "contact") {
      showChats();
      return;
    }
    const line = {kind: "note", who: actor.address, text: "wants to see when you are online. " + (object.text || "")};
    const answer = (verb, label, text) => make("button", {onclick: () => job(verb, actor.address).then(() => {
      Object.assign(line, {text, buttons: []});
      if (chat === current) showLog();
    }, (failure) => tell(failure.message, "bad"))}, label);
    line.buttons = [answer("make-friend", "Allow", "may see when you are online."),
      answer("remove-friend", "Refuse", "may not see when you are online.")];
    addLine(chat, line);
  },

  error({actor, object}) {
    const chat = chats.get(actor.address) || current;
    if (chat) addLine(chat, {kind: "bad", text: object.text});
    else tell(object.text, "bad");
  },

  connect: ({object}) => tell(object.status === "online" ? "Connected as " + me : object.text || object.status,
    object.status === "online" ? "" : "bad"),

  close: () => tell("The account was disconnected; what you do next connects it again.", "bad"),
};

function arrive(message) {
  if (message.platform === "xmpp" && Object.hasOwn(arrivals, message.verb)) arrivals[message.verb](message);
}

// --- what the person does -----------------------------------------------------------------------------------------------

// So that the own message is known when the archive, or the account itself, tells of it.
function newId() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("");
}

function logIn(on) {
  byId("login").hidden = on;
  byId("main").hidden = !on;
}

onSubmit("login", async () => {
  me = byId("address").value;
  chats = new Map();
  session = new Session(arrive, (why) => {
    logIn(false);
    tell(why.message, "bad");
  });
  tell("Connecting …");
  try {
    await session.open(byId("secret").value);
    await job("set", "", {objectType: "credentials", username: me, ...typed({password: "password", server: "server",
      port: "port"})});
    await job("connect");
    await job("fetch", "roster");
  } catch (failure) {
    session.onClose = () => {};
    session.close();
    throw failure;
  }
  logIn(true);
  tell("Connected as " + me);
  showChats();
  byId("whom").focus();
});

onSubmit("open", async (kind) => {
  const address = byId("whom").value;
  if (kind === "room") {
    await job("join", address, {nick: me.split("@")[0]});
    chatWith(address, {room: true});
  }
  byId("whom").value = "";
  show(chatWith(address));
});

onSubmit("say", () => {
  const chat = current;
  const line = {who: "you", text: byId("text").value, kind: "out waiting", id: newId()};
  byId("text").value = "";
  if (!chat.room) addLine(chat, line); // a room sends it back, in its place among the others
  return job("send", chat.address, {text: line.text, id: line.id}).then(() => {
    line.kind = "out";
    if (chat === current) showLog();
  }, (failure) => {
    addLine(chat, {kind: "bad", text: "Not sent: " + failure.message});
  });
});

byId("leave").addEventListener("click", () => {
  session.onClose = () => logIn(false);
  session.close();
  tell("Disconnected");
});
