# SPDX-License-Identifier: MIT
"""browser - a page of the gateway's in a headless Chromium, told step by step what to do.

A step is a JavaScript expression; a promise is waited for. In steps there are `until(f)`, the first true value of f(),
and `fill({id: value})`. Needs what scripts/deps-node installs."""

import os
import shutil
import subprocess
import tempfile
import threading

import lib

HERE = os.path.join(lib.ROOT, "tests/e2e/node")
MODULES = os.path.join(lib.ROOT, "build/node/node_modules")
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ALL_S = 240
TOOLS = """js:Object.assign(globalThis, {
    until: (f) => new Promise((resolve, reject) => {
        const end = Date.now() + 40000;
        const look = () => {
            const value = f();
            if (value) resolve(value);
            else if (Date.now() > end) reject(new Error(f + ": " + document.body.innerText));
            else setTimeout(look, 20);
        };
        look();
    }),
    fill: (values) => {
        for (const id in values) document.getElementById(id).value = values[id];
    },
}), 0"""


def run(test, port, path, *steps):
    """The value of each step as JSON, "value 1"; "FAILED ..." for one that threw."""
    test.assertTrue(os.path.isdir(MODULES + "/ws"), "scripts/deps-node has not been run")
    folder = tempfile.mkdtemp(prefix="sh-page-")
    env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    env.update(HOME=folder, NODE_PATH="")
    argv = ["node", os.path.join(HERE, "in_browser.js"), MODULES, "{}", "http://127.0.0.1:%d%s" % (port, path), CHROMIUM,
            folder + "/profile", TOOLS, *("js:" + step for step in steps)]
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd=folder)
    timer = threading.Timer(ALL_S, child.kill)
    timer.start()
    try:
        found = child.communicate()[0].splitlines()
    finally:
        timer.cancel()
        child.kill()
        child.wait()
        shutil.rmtree(folder, ignore_errors=True)
    test.assertEqual(child.returncode, 0, found)
    return found[1:]
