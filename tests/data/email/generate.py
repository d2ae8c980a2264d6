#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""generate.py DIR [--count N] [--seed S] [--big-mb M]: mails for tests, the same ones for the same arguments.

Writes N mails (default 1000) as DIR/NNNNN.eml with what a reader has to find in each as DIR/NNNNN.json: subject, from, to,
cc, text, html and attachments, as in the `object` of a message; members that are not there must not be found either.
With --big-mb one more, DIR/big.eml, with one attachment of M million bytes. As a module: mail(random.Random(S), n) gives
(bytes, expected), and big(n_bytes) the big one.

The bytes are put together by hand: Python's own package would only write what its authors thought of."""

import argparse
import base64
import json
import os
import quopri
import random
import struct

TEXTS = {
    "us-ascii": "Plain words, one line.\nAnd another: a=b; c?\n",
    "utf-8": "Grüße aus Köln, 東京 и Москва €\n😀 end\n",
    "iso-8859-1": "Où ça? Là-bas, über allen Gipfeln\n",
    "iso-8859-15": "Œuvre complète: 12 €\n",
    "windows-1252": "“Quoted” – 5 €, naïve\n",
    "iso-8859-2": "Zażółć gęślą jaźń\n",
    "koi8-r": "Привет, мир\n",
    "windows-1251": "Съешь ещё этих булок\n",
    "windows-1253": "Καλημέρα κόσμε\n",
    "iso-2022-jp": "こんにちは、世界\n",
    "shift_jis": "表示できるテスト\n",
    "euc-jp": "日本語の文章\n",
    "euc-kr": "안녕하세요\n",
    "gb2312": "你好,世界\n",
    "big5": "中文郵件\n",
    "utf-16": "Zwei Bytes je Zeichen, ähnlich\n",
}
# How people and programs call them.
ALIASES = {
    "us-ascii": ["us-ascii", "US-ASCII", "ascii", "ANSI_X3.4-1968"],
    "utf-8": ["utf-8", "UTF-8", "utf8", '"utf-8"', "Utf-8"],
    "iso-8859-1": ["iso-8859-1", "ISO-8859-1", "latin1", "ISO_8859-1", "iso8859-1"],
    "windows-1252": ["windows-1252", "cp1252", "CP-1252", "Windows-1252"],
    "shift_jis": ["shift_jis", "Shift-JIS", "x-sjis"],
    "gb2312": ["gb2312", "GB2312", "gbk"],
}
SUBJECTS = ["Hello", "Grüße", "Сводка за день", "会議のお知らせ", "A longer subject, with 1/2 and = signs?", "Re: naïve €", "😀 party"]
NAMES = ["", "Ann", "Ann Miller", "Miller, Ann", "Jörg Ä.", "Иван", "田中 太郎", 'The "Boss"', "O'Neil (work)"]
FILES = ["a.txt", "report 2013.pdf", "Übersicht.xls", "写真.jpg", "semi;colon.doc", 'quo"te.txt', "x" * 90 + ".tar.gz"]
TYPES = ["application/pdf", "image/png", "application/octet-stream", "text/csv", "audio/mpeg", "application/zip"]


def alias(rng, charset):
    return rng.choice(ALIASES.get(charset, [charset]))


def word(rng, text):
    """The text as encoded words, cut where it pleases."""
    charset = rng.choice(["utf-8", "UTF-8", "utf8"])
    data = text.encode()
    step = rng.randint(6, 30)
    words = []
    for at in range(0, len(data), step):
        piece = data[at : at + step]
        if rng.random() < 0.5:
            words.append("=?%s?B?%s?=" % (charset, base64.b64encode(piece).decode()))
        else:
            words.append("=?%s?q?%s?=" % (charset, "".join("=%02X" % c for c in piece)))
    return rng.choice([" ", "\r\n ", "\r\n\t"]).join(words).encode()


def phrase(rng, name):
    if all(c.isalpha() or c == " " for c in name) and name.isascii():
        return name.encode()
    if name.isascii() and rng.random() < 0.7:
        return b'"' + name.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
    # Raw UTF-8 is what some send.
    return b'"' + name.encode() + b'"' if rng.random() < 0.2 and '"' not in name else word(rng, name)


def address(rng):
    name = rng.choice(NAMES)
    addr = "%s%d@%s" % (rng.choice(["ann", "b.c", "x+tag"]), rng.randint(1, 99), rng.choice(["example.org", "sub.example.net"]))
    if not name:
        return rng.choice([b"%s", b"<%s>"]) % addr.encode(), {"address": addr, "name": ""}
    return phrase(rng, name) + b" <" + addr.encode() + b">", {"address": addr, "name": name}


def addresses(rng, n):
    pairs = [address(rng) for _ in range(n)]
    return rng.choice([b", ", b",", b",\r\n "]).join(p[0] for p in pairs), [p[1] for p in pairs]


def encode(rng, data, binary):
    """(Content-Transfer-Encoding, encoded bytes), CRLF lines."""
    kind = rng.choice(["base64", "quoted-printable"] if binary else ["base64", "quoted-printable", "8bit", ""])
    if kind == "base64":
        return kind, base64.encodebytes(data).replace(b"\n", b"\r\n").rstrip(b"\r\n" if rng.random() < 0.5 else b"")
    if kind == "quoted-printable":
        if binary:
            data = b"".join(b"=%02X" % c + (b"=\r\n" if i % 20 == 19 else b"") for i, c in enumerate(data))
            return kind, data
        return kind, quopri.encodestring(data.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return kind, data


def text_part(rng, html=False):
    charset = rng.choice(list(TEXTS))
    text = TEXTS[charset] * rng.randint(1, 3)
    if html:
        text = "<p>%s</p>\n" % text.replace("\n", "<br>\n")
    data = text.replace("\n", "\r\n").encode(charset)
    kind, body = encode(rng, data, charset == "utf-16")
    head = "Content-Type: text/%s; charset=%s\r\n" % ("html" if html else "plain", alias(rng, charset))
    if kind:
        head += "Content-Transfer-Encoding: %s\r\n" % kind
    return head.encode() + b"\r\n" + body, text


def file_name(rng, name):
    """The parameter in one of the ways of the world."""
    plain = name.isascii() and '"' not in name
    quoted = b'"' + name.replace('"', '\\"').encode() + b'"'
    percent = "".join(chr(c) if c < 128 and chr(c).isalnum() else "%%%02x" % c for c in name.encode())
    how = rng.randrange(5)
    if how == 0 and plain and ";" not in name:
        return b"filename=" + name.encode()
    if how == 1:
        return b"filename*=UTF-8''" + percent.encode()
    if how == 2:
        cut = len(name) // 2
        first = "".join("%%%02X" % c for c in name[:cut].encode())
        rest = "".join("%%%02X" % c for c in name[cut:].encode())
        return b"filename*0*=utf-8'en'" + first.encode() + b";\r\n filename*1*=" + rest.encode()
    if how == 3 and not plain:
        return b'filename="' + word(rng, name).replace(b"\r\n", b"") + b'"'
    return b"filename=" + quoted


def attachment(rng):
    data = rng.randbytes(rng.choice([0, 1, 2, 3, 100, 1000, 5000]))
    name, kind = rng.choice(FILES), rng.choice(TYPES)
    transfer, body = encode(rng, data, True)
    head = b"Content-Type: " + kind.encode() + b"\r\n"
    head += b"Content-Disposition: attachment;\r\n " + file_name(rng, name) + b"\r\n"
    head += b"Content-Transfer-Encoding: " + transfer.encode() + b"\r\n"
    return head + b"\r\n" + body, {"fileName": name, "contentType": kind, "size": len(data), "disposition": "attachment"}


def picture(rng):
    data = b"GIF89a" + rng.randbytes(50)
    head = "Content-Type: image/gif\r\nContent-ID: <p%d@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n" % (n := rng.randint(1, 999))
    expected = {"contentType": "image/gif", "size": len(data), "cid": "p%d@x" % n, "disposition": "inline"}
    return head.encode() + base64.encodebytes(data).replace(b"\n", b"\r\n"), expected


def tnef_attribute(level, number, data):
    return struct.pack("<BII", level, number, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def tnef_property(kind, number, data):
    return struct.pack("<HHII", kind, number, 1, len(data)) + data + b"\0" * (-len(data) % 4)


def winmail(rng):
    """A winmail.dat with some files: (part, expected attachments, numbered below it)."""
    out = struct.pack("<IH", 0x223E9F78, 7) + tnef_attribute(1, 0x00069007, struct.pack("<II", 1252, 0))
    expected = []
    for _ in range(rng.randint(1, 3)):
        name, data = rng.choice(FILES), rng.randbytes(rng.randint(0, 300))
        properties = [tnef_property(0x1F, 0x3707, (name + "\0").encode("utf-16-le")), tnef_property(0x1E, 0x370E, b"image/png\0")]
        out += tnef_attribute(2, 0x00069002, bytes(14)) + tnef_attribute(2, 0x0006800F, data)
        out += tnef_attribute(2, 0x00018010, b"SHORT~1.TXT\0")
        out += tnef_attribute(2, 0x00069005, struct.pack("<I", len(properties)) + b"".join(properties))
        expected.append({"fileName": name, "contentType": "image/png", "size": len(data), "disposition": "attachment"})
    outer = {"fileName": "winmail.dat", "contentType": "application/ms-tnef", "size": len(out), "disposition": "attachment"}
    head = b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + base64.encodebytes(out), [outer] + expected


def multipart(rng, subtype, parts):
    """`parts` are bytes with their own header. Sometimes the end is missing, or there is chatter around."""
    boundary = "%s%d%s" % (rng.choice(["=_", "----=_Part_", "b", "a'()+_,-./:=?"]), rng.getrandbits(40), rng.choice(["", "--"]))
    out = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (subtype.encode(), boundary.encode())
    out += rng.choice([b"", b"This is a multi-part message.\r\n"])
    for part in parts:
        out += b"--" + boundary.encode() + rng.choice([b"", b" "]) + b"\r\n" + part + b"\r\n"
    return out + b"--" + boundary.encode() + b"--\r\n" + rng.choice([b"", b"after the end\r\n"])


def numbered(attachments, prefix):
    for number, a in attachments:
        a["part"] = prefix + number
    return [a for _, a in attachments]


def body(rng):
    """(bytes with header, text, html, attachments)"""
    kind = rng.choice(["text", "html", "alternative", "mixed", "mixed", "related", "tnef"])
    if kind == "text":
        part, text = text_part(rng)
        return part, text, None, []
    if kind == "html":
        part, html = text_part(rng, True)
        return part, None, html, []
    (plain, text), (page, html) = text_part(rng), text_part(rng, True)
    both = multipart(rng, "alternative", [plain, page])
    if kind == "alternative":
        return both, text, html, []
    if kind == "related":
        image, expected = picture(rng)
        related = multipart(rng, "related", [page, image])
        return multipart(rng, "alternative", [plain, related]), text, html, numbered([("2.2", expected)], "")
    if kind == "tnef":
        part, expected = winmail(rng)
        numbers = ["2"] + ["2.%d" % i for i in range(1, len(expected))]
        return multipart(rng, "mixed", [plain, part]), text, None, numbered(list(zip(numbers, expected)), "")
    files = [attachment(rng) for _ in range(rng.randint(1, 4))]
    found = numbered([(str(i), f[1]) for i, f in enumerate(files, 2)], "")
    return multipart(rng, "mixed", [both] + [f[0] for f in files]), text, html, found


def mail(rng, n):
    """(bytes, expected) of the n-th mail."""
    subject = rng.choice(SUBJECTS)
    raw = subject.encode() if subject.isascii() or rng.random() < 0.2 else word(rng, subject)
    sender, sender_json = address(rng)
    to, to_json = addresses(rng, rng.randint(1, 5))
    expected = {"subject": subject, "from": [sender_json], "to": to_json, "messageId": "%d@example.org" % n}
    head = [b"From: " + sender, b"To: " + to, b"Subject: " + raw, b"Message-ID: <%d@example.org>" % n]
    if rng.random() < 0.3:
        cc, expected["cc"] = addresses(rng, rng.randint(1, 3))
        head.append(b"Cc: " + cc)
    seconds = rng.randint(0, 59)
    head.append(b"Date: Thu, 21 Nov 2013 02:13:%02d +0000" % seconds)
    expected["date"] = "2013-11-21T02:13:%02d.000Z" % seconds
    rng.shuffle(head)
    content, text, html, attachments = body(rng)
    for key, value in (("text", text), ("html", html), ("attachments", attachments)):
        if value:
            expected[key] = value
    data = b"\r\n".join(head) + b"\r\nMIME-Version: 1.0\r\n" + content
    if rng.random() < 0.2:
        data = data.replace(b"\r\n", b"\n")
    return data, expected


def big(n_bytes):
    """A mail with one attachment of so many bytes."""
    line = base64.b64encode(bytes(range(57))) + b"\r\n"
    head = b"From: ann@example.org\r\nTo: bob@example.org\r\nSubject: big\r\nMIME-Version: 1.0\r\n"
    head += b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee below\r\n--b\r\nContent-Type: application/zip\r\n"
    head += b"Content-Disposition: attachment; filename=big.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + line * (n_bytes // 57) + base64.b64encode(bytes(n_bytes % 57)) + b"\r\n--b--\r\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--big-mb", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    for n in range(args.count):
        data, expected = mail(rng, n)
        with open(os.path.join(args.folder, "%05d.eml" % n), "wb") as f:
            f.write(data)
        with open(os.path.join(args.folder, "%05d.json" % n), "w", encoding="utf-8") as f:
            json.dump(expected, f)
    if args.big_mb:
        with open(os.path.join(args.folder, "big.eml"), "wb") as f:
            f.write(big(args.big_mb * 1000000))


if __name__ == "__main__":
    main()
