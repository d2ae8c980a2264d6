// SPDX-License-Identifier: MIT
// What the classic client has to be able to do, told once for node and for a browser. A scenario gets `env`: the gateway's
// port and secret, a feed's URL, restart() that kills the gateway and starts it again, and `opened`, the addresses
// of all WebSockets. It fails by throwing.
"use strict";

(function (root) {
  const ACTOR = {address: "tester"};

  function check(is, what) {
    if (!is) throw new Error(what);
  }

  function equal(found, expected, what) {
    const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
    check(a === b, what + ": " + a + ", expected " + b);
  }

  // The client's promises are of another kind.
  function settled(promise) {
    return new Promise((resolve, reject) => promise.then(resolve, reject));
  }

  function refused(promise) {
    return new Promise((resolve, reject) => promise.then(
      (value) => reject(new Error("fulfilled: " + JSON.stringify(value))), resolve));
  }

  function event(client, name, seconds = 20) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no event " + name)), seconds * 1000);
      client.on(name, (value) => {
        clearTimeout(timer);
        resolve(value);
      });
    });
  }

  // A client that notes what it was not prepared for.
  function connect(env, ...args) {
    const client = env.SockethubClient.connect(...args);
    client.messages = [];
    client.surprises = [];
    client.on("message", (m) => client.messages.push(m));
    client.on("unexpected-response", (m) => client.surprises.push(m));
    return client;
  }

  async function registered(env) {
    const client = connect(env, {host: "127.0.0.1", port: env.port, reconnect: false});
    await event(client, "connected");
    await settled(client.register({secret: env.secret}));
    return client;
  }

  async function end(client) {
    equal(client.surprises, [], "unexpected responses");
    if (client.jsonClient.reconnect) {
      client.jsonClient.reconnect = false; // as its own disconnect() would only make it connect again
    }
    const gone = event(client, "disconnected");
    client.disconnect();
    await gone;
  }

  function job(verb, object, target) {
    return {platform: "dummy", verb, actor: ACTOR, target: target || [], object};
  }

  root.scenarios = {
    async connect_uri(env) {
      const uri = "ws://127.0.0.1:" + env.port + "/sockethub";
      const client = connect(env, uri);
      await event(client, "connected");
      equal(env.opened.pop(), uri, "address");
      const done = event(client, "registered");
      const reply = await settled(client.register({secret: env.secret}));
      equal([reply.verb, reply.platform, reply.status, reply.rid], ["register", "dispatcher", true, 1], "register");
      await done;
      await end(client);
    },

    async connect_uri_and_options(env) {
      const client = connect(env, "ws://127.0.0.1:" + env.port + "/any/path", {register: {secret: env.secret}});
      await event(client, "registered");
      await end(client);
    },

    async connect_host_name(env) {
      const client = connect(env, "localhost");
      await event(client, "connected");
      equal(env.opened.pop(), "ws://localhost:10550/sockethub", "address");
      await settled(client.register({secret: env.secret}));
      await end(client);
    },

    async connect_options(env) {
      const client = connect(env, {host: "127.0.0.1", port: env.port, path: "/sockethub", reconnect: false,
                                   register: {secret: env.secret}});
      await event(client, "registered");
      equal(env.opened.pop(), "ws://127.0.0.1:" + env.port + "/sockethub", "address");
      await end(client);
    },

    async connect_nowhere(env) {
      const client = connect(env, {host: "127.0.0.1", port: 1, reconnect: false});
      await event(client, "failed");
    },

    async register_bad_then_good(env) {
      const client = connect(env, {host: "127.0.0.1", port: env.port, reconnect: false});
      await event(client, "connected");
      const refusal = await refused(client.register({secret: "wrong"}));
      equal([refusal.status, refusal.message], [false, "registration failed, invalid secret."], "refusal");
      const early = await refused(client.sendObject(job("echo", {})));
      equal([early.verb, early.message], ["confirm", "session not registered, cannot process verb"], "unregistered");
      const reply = await settled(client.register({secret: env.secret}));
      check(reply.object.sessionId.length > 10, "no sessionId");
      await settled(client.ping());
      await end(client);
    },

    async ping(env) {
      const client = await registered(env);
      const before = Date.now();
      const reply = await settled(client.ping());
      check(reply.object.timestamp >= before && reply.offset >= 0, "ping " + JSON.stringify(reply));
      await end(client);
    },

    async set(env) {
      const client = await registered(env);
      const good = {objectType: "credentials", user: "ann", password: "secret"};
      const reply = await settled(client.set("vault", "ann", good));
      equal(reply, {rid: reply.rid, verb: "set", platform: "vault", status: true, target: [{}]}, "set");
      const none = await refused(client.set("feeds", "ann", good));
      equal(none.status, false, "set on feeds");
      const bad = await refused(client.set("vault", "ann", {objectType: "credentials", user: "ann"}));
      check(/^invalid object format /.test(bad.message), "set: " + bad.message);
      await end(client);
    },

    async send_object(env) {
      const client = await registered(env);
      const object = {text: "h\u00e9llo \ud83d\ude00", deep: {list: [1, 2.5, null, true]}};
      const reply = await settled(client.sendObject(job("echo", object, [{address: "you"}])));
      equal(reply, {actor: ACTOR, platform: "dummy", verb: "echo", rid: reply.rid, target: [{address: "you"}], status: true,
                    object}, "echo");
      const failure = await refused(client.sendObject(job("fail", {text: "no luck"})));
      equal([failure.status, failure.message, failure.object], [false, "no luck", {}], "failure");
      const unknown = await refused(client.sendObject({platform: "dummy", verb: "fly"}));
      equal(unknown.message, "unknown verb received: fly", "unknown verb");
      const many = await Promise.all([...Array(100).keys()].map((n) => settled(client.sendObject(job("echo", {n})))));
      equal(many.map((m) => m.object.n), [...Array(100).keys()], "answers");
      await end(client);
    },

    async declared_verb(env) {
      const client = await registered(env);
      client.declareVerb("echo", ["object"], {platform: "dummy", actor: ACTOR, target: []});
      equal((await settled(client.echo({a: 1}))).object, {a: 1}, "declared verb");
      await end(client);
    },

    async messages(env) {
      const client = await registered(env);
      const result = await settled(client.sendObject(job("burst", {n: 50})));
      equal(result.object, {n: 50}, "result");
      equal(client.messages.map((m) => m.object.i), [...Array(50).keys()], "messages before the result");
      check(client.messages.every((m) => m.platform === "dummy" && m.actor && Array.isArray(m.target)), "members");
      await end(client);
    },

    async feeds(env) {
      const client = await registered(env);
      const fetch = {platform: "feeds", verb: "fetch", actor: ACTOR, target: [{address: env.feed}], object: {limit: 2}};
      const result = await settled(client.sendObject(fetch));
      equal(result.object[env.feed].totalArticles, 3, "articles");
      equal(client.messages.map((m) => [m.verb, m.platform, m.object.title]),
            [["post", "feeds", "first"], ["post", "feeds", "second"]], "articles sent");
      const bad = await refused(client.sendObject({...fetch, rid: undefined, target: []}));
      equal(bad.message, "invalid target array", "no target");
      await end(client);
    },

    async invalid_json_is_told(env) {
      const client = await registered(env);
      client.jsonClient.socket.send("helloWorld");
      equal(await event(client, "message"), {status: false, message: "invalid JSON received"}, "message");
      await settled(client.ping());
      await end(client);
    },

    async reconnect(env) {
      const client = connect(env, {host: "127.0.0.1", port: env.port, register: {secret: env.secret}});
      await event(client, "registered");
      equal((await settled(client.sendObject(job("echo", {n: 1})))).object, {n: 1}, "before");
      client.registered = false;
      const [trying, back] = [event(client, "reconnecting", 60), event(client, "reconnected", 60)];
      const again = new Promise((resolve) => client.on("registered", resolve));
      await env.restart();
      await trying;
      await back;
      await again;
      const reply = await settled(client.sendObject(job("echo", {n: 2})));
      equal(reply.object, {n: 2}, "after");
      check(reply.rid > 2, "the numbers began anew");
      await end(client);
    },
  };

  root.runScenario = async function (name, env) {
    const late = new Promise((resolve, reject) => setTimeout(() => reject(new Error("took too long")), 90000));
    await Promise.race([root.scenarios[name](env), late]);
  };

  // The client's default port is fixed; the tests' gateway has another one.
  root.redirectSockets = function (env) {
    const Real = root.WebSocket;
    env.opened = [];
    root.WebSocket = function (uri, protocol) {
      env.opened.push(uri);
      return new Real(uri.replace("//localhost:10550", "//127.0.0.1:" + env.port), protocol);
    };
  };
})(globalThis);
