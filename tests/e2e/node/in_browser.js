// SPDX-License-Identifier: MIT
// in_browser MODULES ENV PAGE CHROMIUM PROFILE [SCENARIO...]: as in_node.js, in a page of the gateway's in a headless Chromium
// driven by its DevTools protocol. The page has loaded the client and scenarios.js. A name that begins with "js:" is an
// expression to evaluate; its value is printed as "value JSON".
"use strict";

const {spawn} = require("child_process");
const path = require("path");
const readline = require("readline");

const [modules, text, page, chromium, profile, ...names] = process.argv.slice(2);
const WebSocket = require(path.join(modules, "ws"));
const lines = readline.createInterface({input: process.stdin});

const browser = spawn(chromium, ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
  "--no-first-run", "--disable-background-networking", "--remote-debugging-port=0", "--user-data-dir=" + profile,
  "about:blank"], {stdio: ["ignore", "ignore", "pipe"]});

function devtools() {
  return new Promise((resolve, reject) => {
    let said = "";
    browser.stderr.on("data", (data) => {
      said += data;
      const found = said.match(/DevTools listening on (ws:\S+)/);
      if (found) resolve(found[1]);
    });
    browser.on("exit", () => reject(new Error("chromium ended: " + said)));
  });
}

class Protocol {
  constructor(socket) {
    this.socket = socket;
    this.calls = new Map();
    this.events = {};
    this.last = 0;
    socket.on("message", (data) => this.receive(JSON.parse(data)));
  }

  receive(message) {
    const call = this.calls.get(message.id);
    if (!call) {
      (this.events[message.method] || (() => {}))(message.params);
      return;
    }
    this.calls.delete(message.id);
    if (message.error) call.reject(new Error(message.error.message));
    else call.resolve(message.result);
  }

  call(method, params = {}) {
    const id = ++this.last;
    this.socket.send(JSON.stringify({id, method, params, sessionId: this.sessionId}));
    return new Promise((resolve, reject) => this.calls.set(id, {resolve, reject}));
  }

  async evaluate(expression) {
    const done = await this.call("Runtime.evaluate", {expression, awaitPromise: true, returnByValue: true});
    if (done.exceptionDetails) {
      throw new Error((done.exceptionDetails.exception || {}).description || done.exceptionDetails.text);
    }
    return done.result.value;
  }
}

async function open() {
  const socket = new WebSocket(await devtools(), {maxPayload: 1 << 26});
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  const p = new Protocol(socket);
  const {targetId} = await p.call("Target.createTarget", {url: "about:blank"});
  p.sessionId = (await p.call("Target.attachToTarget", {targetId, flatten: true})).sessionId;
  await p.call("Page.enable");
  await p.call("Runtime.enable");
  await p.call("Runtime.addBinding", {name: "askRestart"});
  p.events["Runtime.bindingCalled"] = () => {
    lines.once("line", () => p.evaluate("restarted()"));
    process.stdout.write("restart\n");
  };
  const loaded = new Promise((resolve) => p.events["Page.loadEventFired"] = resolve);
  await p.call("Page.navigate", {url: page});
  await loaded;
  return p;
}

const PREPARE = `
  globalThis.env = ${text};
  console.log = () => {};
  if (globalThis.scenarios) {
    env.SockethubClient = SockethubClient;
    redirectSockets(env);
    env.restart = () => new Promise((resolve) => { globalThis.restarted = resolve; askRestart(""); });
  }
  globalThis.scenarios ? Object.keys(scenarios) : []`;

(async () => {
  let status = 0;
  try {
    const p = await open();
    const all = await p.evaluate(PREPARE);
    for (const name of names.length ? names : all) {
      try {
        if (name.startsWith("js:")) {
          process.stdout.write("value " + JSON.stringify(await p.evaluate(name.slice(3))) + "\n");
          continue;
        }
        await p.evaluate(`runScenario(${JSON.stringify(name)}, env)`);
        process.stdout.write("ok " + name + "\n");
      } catch (e) {
        process.stdout.write("FAILED " + name + ": " + e.message.replace(/\n/g, " ") + "\n");
      }
    }
  } catch (e) {
    process.stdout.write("FAILED browser: " + e.message.replace(/\n/g, " ") + "\n");
    status = 1;
  }
  browser.removeAllListeners("exit");
  browser.on("exit", () => process.exit(status));
  browser.kill();
})();
