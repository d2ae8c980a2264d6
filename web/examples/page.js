// SPDX-License-Identifier: MIT
// What the pages do with the document. Foreign text becomes text nodes; there is no way to make markup of it.
"use strict";

const byId = (id) => document.getElementById(id);

// An element with properties and children: elements, or texts.
function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// Runs `action` when the form is sent; meanwhile it cannot be sent again. What fails is shown.
function onSubmit(id, action) {
  byId(id).addEventListener("submit", async (event) => {
    const button = event.submitter || byId(id).querySelector("button");
    event.preventDefault();
    button.disabled = true;
    if (byId("status").className) tell("");
    try {
      await action(button.value);
    } catch (failure) {
      tell(failure.message, "bad");
    }
    button.disabled = false;
  });
}

function tell(text, kind = "") {
  byId("status").textContent = text;
  byId("status").className = kind;
}

// The numbers and texts that were typed in; what was left empty is left out.
function typed(fields) {
  const found = {};
  for (const [member, id] of Object.entries(fields)) {
    const input = byId(id);
    if (input.value) found[member] = input.type === "number" ? Number(input.value) : input.value;
  }
  return found;
}

function showTime(date) {
  const t = new Date(date || Date.now());
  return t.toDateString() === new Date().toDateString()
    ? t.toLocaleTimeString([], {hour: "2-digit", minute: "2-digit"}) : t.toLocaleDateString();
}
