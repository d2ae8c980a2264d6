// SPDX-License-Identifier: MIT
// A minimal client: one WebSocket, a promise for each request. `rid` ties a result to its request; what has none is a
// message that nobody asked for.
"use strict";

const byId = (id) => document.getElementById(id);
const waiting = new Map();
let socket;
let lastRid = 0;

function log(kind, text) {
  const line = document.createElement("li");
  line.className = kind;
  line.textContent = text;
  byId("log").append(line);
  line.scrollIntoView({block: "nearest"});
}

function request(job) {
  const rid = ++lastRid;
  socket.send(JSON.stringify({...job, rid}));
  return new Promise((resolve, reject) => waiting.set(rid, {resolve, reject}));
}

function receive(message) {
  const asker = waiting.get(message.rid);
  if (!asker) {
    log("in", JSON.stringify(message));
  } else if (message.verb === "confirm" && message.status) {
    return; // it was taken; the result follows
  } else {
    waiting.delete(message.rid);
    (message.status ? asker.resolve : asker.reject)(message);
  }
}

byId("login").addEventListener("submit", (event) => {
  event.preventDefault();
  socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/sockethub", "sockethub");
  socket.onmessage = (frame) => receive(JSON.parse(frame.data));
  socket.onclose = (close) => {
    log("bad", "closed: " + (close.reason || close.code));
    byId("say").hidden = true;
    byId("login").hidden = false;
  };
  socket.onopen = () => request({platform: "dispatcher", verb: "register", object: {secret: byId("secret").value}})
    .then(() => {
      log("out", "connected");
      byId("login").hidden = true;
      byId("say").hidden = false;
    }, (refusal) => log("bad", refusal.message));
});

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("text").value;
  log("out", "you: " + text);
  request({platform: "dummy", verb: "echo", actor: {address: "me"}, target: [], object: {text}})
    .then((result) => log("in", "dummy: " + result.object.text), (failure) => log("bad", failure.message));
  byId("text").value = "";
});
