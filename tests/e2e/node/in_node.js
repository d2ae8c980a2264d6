// SPDX-License-Identifier: MIT
// in_node MODULES ENV [SCENARIO...]: runs scenarios with the classic client under node. ENV is JSON. Prints "ok NAME" or
// "FAILED NAME: why" for each; "restart" asks for a restart of the gateway, to which a line on standard input answers.
"use strict";

const fs = require("fs");
const path = require("path");
const readline = require("readline");
const vm = require("vm");

const [modules, text, ...names] = process.argv.slice(2);
const env = JSON.parse(text);
const lines = readline.createInterface({input: process.stdin});

// Nobody has to listen for a browser's errors.
globalThis.WebSocket = class extends require(path.join(modules, "ws")) {
  constructor(...args) {
    super(...args);
    this.on("error", () => {});
  }
};
require("./scenarios.js");
console.log = () => {}; // the client talks
redirectSockets(env);
// A script for browsers: as a module of node's, part of it would hide itself in `exports`.
vm.runInThisContext(fs.readFileSync(path.join(modules, "sockethub-client", "sockethub-client.js"), "utf8"));
env.SockethubClient = SockethubClient;
env.restart = () => new Promise((resolve) => {
  lines.once("line", resolve);
  process.stdout.write("restart\n");
});

(async () => {
  for (const name of names.length ? names : Object.keys(scenarios)) {
    try {
      await runScenario(name, env);
      process.stdout.write("ok " + name + "\n");
    } catch (e) {
      process.stdout.write("FAILED " + name + ": " + (e && e.message || JSON.stringify(e)).replace(/\n/g, " ") + "\n");
    }
  }
  process.exit(0);
})();
