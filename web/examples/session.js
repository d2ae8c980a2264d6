// SPDX-License-Identifier: MIT
// A session with the gateway over one WebSocket: a promise for each job, one function for what nobody asked for and one
// for the end. It ends with the socket; a client that has to survive that resumes it, see "WebSocket" in docs/protocol.md.
"use strict";

class Session {
  constructor(onMessage, onClose) {
    this.onMessage = onMessage;
    this.onClose = onClose;
    this.waiting = new Map(); // rid -> who asked
    this.lastRid = 0;
  }

  // Connects and registers; the promise is kept when jobs may be sent.
  open(secret) {
    return new Promise((resolve, reject) => {
      this.socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/sockethub", "sockethub");
      this.socket.onmessage = (frame) => this.receive(JSON.parse(frame.data));
      this.socket.onopen = () => this.request({platform: "dispatcher", verb: "register", object: {secret}})
        .then(resolve, reject);
      this.socket.onclose = (close) => {
        const why = new Error("the connection was closed: " + (close.reason || close.code));
        reject(why);
        for (const asker of this.waiting.values()) asker.reject(why);
        this.waiting.clear();
        this.onClose(why);
      };
    });
  }

  close() {
    this.socket.close();
  }

  // The `object` of the job's result, or an error with its message.
  request(job) {
    const rid = ++this.lastRid;
    return new Promise((resolve, reject) => {
      this.waiting.set(rid, {resolve, reject});
      this.socket.send(JSON.stringify({...job, rid}));
    });
  }

  receive(message) {
    const asker = this.waiting.get(message.rid);
    if (!asker) {
      this.onMessage(message);
    } else if (message.verb !== "confirm" || !message.status) { // a confirmation is followed by the result
      this.waiting.delete(message.rid);
      if (message.status) asker.resolve(message.object || {});
      else asker.reject(new Error(message.message));
    }
  }
}
