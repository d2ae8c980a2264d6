# SPDX-License-Identifier: MIT
"""The example pages for chat and mail, in a headless Chromium, with a real Prosody, Dovecot and Exim on the other side."""

import concurrent.futures
import email.message
import email.policy
import json

import browser
import lib
import mail
import xmpp

# What a mail may not do: each line would, in a page that trusts it, run `bad` or ask this gateway for a page.
EVIL = """<html><head><title>unseen</title><style>body { display: none }</style></head>
<body onload="window.bad = 1"><h1 onclick="window.bad = 1" style="position: fixed" class="bad" id="status">Big news</h1>
<script>window.bad = 1</script><img src="/readyz?mail" onerror="window.bad = 1" alt="picture">
<a href="javascript:window.bad = 1">run</a> <a href="https://example.org/x" onclick="bad = 1" target="_self">go</a>
<a href=" jAvAsCript:window.bad = 1">run</a><svg onload="window.bad = 1"><script>window.bad = 1</script></svg>
<math><mtext><table><mglyph><style><img src=x onerror="window.bad = 1"></style></mglyph></table></mtext></math>
<iframe src="/readyz?mail" srcdoc="<script>parent.bad = 1</script>"></iframe><object data="/readyz?mail"></object>
<form action="/readyz?mail"><input autofocus onfocus="window.bad = 1"><button>Steal</button></form>
<meta http-equiv="refresh" content="0; url=/readyz?mail"><base href="/readyz?mail"><link rel="stylesheet" href="/readyz?mail">
<noscript><p title="</noscript><img src=x onerror=window.bad=1>"></noscript><template><img src="/readyz?mail"></template>
<p background="/readyz?mail">Kind regards</p></body></html>"""


class Browsing:
    """A step of a page that runs while the test does something else."""

    def begin(self, port, path, *steps):
        pool = concurrent.futures.ThreadPoolExecutor(1)
        self.addCleanup(pool.shutdown)
        return pool.submit(browser.run, self, port, path, *steps)

    def check(self, found, *expected):
        self.assertEqual([json.loads(line[6:]) if line.startswith("value ") else line for line in found], list(expected))


class Chat(Browsing, xmpp.XmppTest):
    def login(self, jid, **values):
        return "fill(%s), byId('login').requestSubmit(), 0" % json.dumps({
            "secret": lib.SECRET, "address": jid, "password": "secret", "server": "127.0.0.1",
            "port": self.server.port, **values})

    def test_two_people_talk(self):
        s = self.xmpp()
        bob = self.peer()
        ann = self.server.user()
        log = "byId('log').innerText"
        page = self.begin(
            s.port, "/examples/chat/",
            "byId('say').checkVisibility()",
            self.login(ann, secret="wrong"), "until(() => byId('status').innerText.includes('invalid secret'))",
            self.login(ann, password="wrong"), "until(() => byId('status').innerText.includes('refused the credentials'))",
            self.login(ann), "until(() => byId('main').checkVisibility() && byId('status').innerText)",
            "byId('login').checkVisibility()",
            "fill({whom: %r}), byId('open').requestSubmit(), until(() => byId('say').checkVisibility())" % bob.jid,
            "fill({text: '<i>hello</i>'}), byId('say').requestSubmit(), until(() => %s.includes('<i>hello</i>'))" % log,
            "until(() => %s.includes('<b>hi</b>'))" % log,
            "until(() => %s.includes('wants to see'))" % log,
            "document.querySelector('#log button').click(), until(() => %s.includes('may see when'))" % log,
            "document.querySelectorAll('#log i, #log b, #log .waiting').length",
            "document.querySelectorAll('#log li').length",
            "byId('leave').click(), until(() => byId('login').checkVisibility())")
        bob.expect("hello", lambda e: e.get("body") == "<i>hello</i>", 60)
        bob.do("message", to=ann, body="<b>hi</b>")
        bob.do("raw", xml="<presence to='%s' type='subscribe'/>" % ann)
        bob.expect_in("presence", type="subscribed")
        self.check(page.result(), False, 0, True, 0, True, 0, "Connected as " + ann, False, True, True, True, True, True, 0, 3,
                   True)

    def test_the_archive(self):
        """A conversation that is opened shows what was said before, once and in its order."""
        s = self.xmpp()
        bob = self.peer()
        ann = self.page(s)
        for text in ("one", "two", "three"):
            ann.do("send", bob.jid, {"text": text})
        self.check(browser.run(
            self, s.port, "/examples/chat/", self.login(ann.actor), "until(() => byId('main').checkVisibility())",
            "fill({whom: %r}), byId('open').requestSubmit(), until(() => byId('log').children.length === 3)" % bob.jid,
            "Array.from(byId('log').children, (li) => li.innerText.split(' ').pop())"),
            0, True, True, ["one", "two", "three"])

    def test_a_room(self):
        s = self.xmpp()
        bob = self.peer()
        ann = self.server.user()
        room = "r1@" + xmpp.MUC
        bob.do("join", room=room, nick="bob")
        bob.expect_answer("join")
        page = self.begin(
            s.port, "/examples/chat/", self.login(ann), "until(() => byId('main').checkVisibility())",
            "fill({whom: %r}), byId('open').requestSubmit(document.querySelector('[value=room]')), 0" % room,
            "until(() => byId('title').innerText === %r)" % room,
            "until(() => byId('log').innerText.includes('bob is here'))",
            "fill({text: 'welcome'}), byId('say').requestSubmit(), 0",
            "until(() => byId('log').innerText.includes('thanks'))",
            "until(() => byId('log').innerText.includes('bob left'))",
            "Array.from(document.querySelectorAll('#log .in, #log .out'), (li) => li.innerText.split(' ').pop())")
        bob.expect("welcome", lambda e: e.get("body") == "welcome", 60)
        bob.do("raw", xml="<message to='%s' type='groupchat'><body>thanks</body></message>" % room)
        bob.do("raw", xml="<presence to='%s/bob' type='unavailable'/>" % room)
        self.check(page.result(), 0, True, 0, True, True, 0, True, True, ["welcome", "thanks"])


class Mail(Browsing, mail.MailTest):
    def login(self, user, **values):
        imap, smtp = self.servers.block("imap", user), self.servers.block("smtp", user)
        return "fill(%s), byId('login').requestSubmit(), 0" % json.dumps({
            "secret": lib.SECRET, "address": user + "@localhost", "name": "Ann", "username": user, "password": mail.PASSWORD,
            "imap-host": imap["host"], "imap-port": imap["port"], "smtp-host": smtp["host"], "smtp-port": smtp["port"],
            **values})

    def test_reading_and_writing(self):
        s = self.email()
        ann, bob = self.user(), self.user()
        self.append(ann, mail.text("Old news", body="<b>Old</b> text\r\n"))
        self.append(ann, mail.with_attachments("Files", files=(("a.bin", bytes(range(256)) * 100),)), folder="Second")
        page = self.begin(
            s.port, "/examples/mail/",
            self.login(ann, password="wrong"), "until(() => byId('status').innerText.includes('refused user name'))",
            self.login(ann), "until(() => byId('main').checkVisibility())",
            "byId('mails').innerText.split('\\n')[0]", "document.querySelectorAll('#mails li b').length",
            "document.querySelector('#mails button').click(), until(() => byId('reader').checkVisibility())",
            "byId('body').innerText", "document.querySelectorAll('#mails li b').length",
            "byId('reply').click(), [byId('to').value, byId('about').value, byId('text').value]",
            "fill({to: '%s@localhost', text: 'Answer'}), byId('write').requestSubmit(), 0" % bob,
            "until(() => byId('status').innerText === 'Sent')",
            "until(() => byId('mails').innerText.includes('News while looking'))",
            "fill({folder: 'Second'}), byId('folder').dispatchEvent(new Event('change')), "
            "until(() => byId('mails').innerText.includes('Files'))",
            "document.querySelector('#mails button').click(), until(() => byId('attachments').innerText.includes('a.bin'))",
            "globalThis.kept = [], URL.createObjectURL = (blob) => kept.push(blob) && '#', "
            "document.querySelector('#attachments button').click(), until(() => kept.length)",
            "kept[0].arrayBuffer().then((b) => new Uint8Array(b)).then((b) => [b.length, kept[0].type, "
            "b.every((n, i) => n === i % 256)])")
        imap = self.imap(bob)
        lib.until("the answer, or the page's end", lambda: page.done() or int(imap.select()[1][0]), 120, 0.1)
        self.append(ann, mail.text("News while looking"))
        self.check(page.result(), 0, True, 0, True, "Old news", 1, True, "<b>Old</b> text\n", 0,
                   ["bob@localhost", "Re: Old news", "\n\n> <b>Old</b> text"], 0, True, True, True, True, 1,
                   [25600, "application/octet-stream", True])
        sent = self.inbox(bob)[0]
        self.assertEqual((sent["Subject"], sent["In-Reply-To"], sent["From"]),
                         ("Re: Old news", "<Old-news@localhost>", "Ann <%s@localhost>" % ann))

    def test_foreign_html_is_harmless(self):
        s = self.email()
        ann = self.user()
        evil = email.message.EmailMessage()
        evil["From"], evil["To"], evil["Subject"] = "Eve <eve@localhost>", "ann@localhost", "Evil"
        evil.set_content(EVIL, subtype="html")
        self.append(ann, evil.as_bytes(policy=email.policy.SMTP))
        found = browser.run(
            self, s.port, "/examples/mail/", self.login(ann), "until(() => byId('main').checkVisibility())",
            "document.querySelector('#mails button').click(), until(() => byId('body').innerText.includes('Kind regards'))",
            "document.querySelectorAll('#body h1').length",
            "Array.from(document.querySelectorAll('#body *')).filter((e) => "
            "/^(SCRIPT|STYLE|IMG|SVG|MATH|IFRAME|OBJECT|FORM|INPUT|BUTTON|META|BASE|LINK|TEMPLATE|TITLE)$/i.test(e.tagName)).length",
            "Array.from(document.querySelectorAll('#body *')).flatMap((e) => [...e.attributes]).map((a) => a.name + '=' + a.value)",
            "byId('body').innerText.includes('unseen') || byId('body').innerText.includes('bad')",
            "byId('body').innerText.includes('[picture]')",
            "typeof bad", "performance.getEntriesByType('resource').filter((e) => e.name.includes('mail?')).length")
        self.check(found, 0, True, True, 1, 0,
                   ["href=https://example.org/x", "title=https://example.org/x", "target=_blank", "rel=noopener noreferrer"],
                   False, True, "undefined", 0)


if __name__ == "__main__":
    lib.main()
