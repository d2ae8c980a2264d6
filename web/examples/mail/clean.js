// SPDX-License-Identifier: MIT
// cleanHtml(text): a fragment that shows foreign HTML and can do nothing. The text is parsed into a document of its own, in
// which nothing runs or is loaded. From that, elements that are known to be harmless are made anew, without any attribute
// of the sender's but a link's address; it is never turned into text and parsed again.
"use strict";

const HARMLESS = new Set(("A ABBR B BLOCKQUOTE BR CODE DD DEL DIV DL DT EM H1 H2 H3 H4 H5 H6 HR I LI OL P PRE S SMALL SPAN " +
  "STRONG SUB SUP TABLE TBODY TD TFOOT TH THEAD TR U UL").split(" "));
// Of these not even the text within is for people. The others that are not harmless give what is in them.
const UNSEEN = new Set(("AUDIO CANVAS EMBED HEAD IFRAME MATH NOEMBED NOFRAMES OBJECT SCRIPT SELECT STYLE SVG TEMPLATE " +
  "TEXTAREA TITLE VIDEO").split(" "));
const LINK = /^(https?:\/\/|mailto:)/i;

function cleanHtml(text) {
  const out = document.createDocumentFragment();
  copyClean(new DOMParser().parseFromString(text, "text/html").body, out);
  return out;
}

function copyClean(from, to) {
  for (const node of from.childNodes) {
    const name = node.nodeName.toUpperCase(); // of another kind of element it may be in small letters
    if (node.nodeType === Node.TEXT_NODE) {
      to.append(node.data);
    } else if (name === "IMG") {
      to.append(node.alt ? "[" + node.alt + "]" : "");
    } else if (HARMLESS.has(name)) {
      const copy = document.createElement(name);
      if (name === "A") addLink(copy, node.getAttribute("href") || "");
      copyClean(node, copy);
      to.append(copy);
    } else if (node.nodeType === Node.ELEMENT_NODE && !UNSEEN.has(name)) {
      copyClean(node, to);
    }
  }
}

function addLink(a, href) {
  const address = href.trim();
  if (!LINK.test(address)) return;
  a.href = address;
  a.title = address; // the text of a link may say anything
  a.target = "_blank";
  a.rel = "noopener noreferrer";
}
