#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs `sockethubctl validate` as its users do: outputs, exit codes, and the official test suite through it."""
import glob
import json
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("SOCKETHUB_BUILD", "build/plain"))
SUITE = os.path.join(os.path.dirname(__file__), "..", "data", "json-schema-test-suite")
# PATH and the sanitizers' options pass through; the language of messages does not.
ENV = dict(os.environ, LC_ALL="C")


def validate(*args):
    run = subprocess.run([os.path.join(BUILD, "sockethubctl"), "validate", *args], env=ENV,
                         capture_output=True, text=True, timeout=120, check=False)
    return run.returncode, run.stdout, run.stderr


class Validate(unittest.TestCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory()
        self.addCleanup(temp.cleanup)
        self.dir = temp.name

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, value, raw=False):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(value if raw else json.dumps(value))
        return self.path(name)

    def test_valid_and_invalid(self):
        schema = self.write("s.json", {"type": "object", "required": ["secret"], "properties": {
            "secret": {"type": "string", "pattern": "^[a-zA-Z0-9]+"},
            "show": {"enum": ["away"]}, "list": {"items": {"minimum": 3}}}})
        cases = [
            ({"secret": "abc"}, "valid"),
            ({}, "invalid: (root): Missing required property: secret"),
            ({"secret": 1}, "invalid: /secret: invalid type: number (expected string)"),
            ({"secret": "-"}, "invalid: /secret: String does not match pattern: ^[a-zA-Z0-9]+"),
            ({"secret": "a", "show": "available"},
             'invalid: /show: No enum match for: "available"'),
            ({"secret": "a", "list": [5, 2]}, "invalid: /list/1: Number 2 is less than 3"),
            ("text", "invalid: (root): invalid type: string (expected object)"),
        ]
        files = [self.write(f"{i}.json", value) for i, (value, _) in enumerate(cases)]
        code, out, err = validate(schema, *files)
        self.assertEqual((code, err), (1, ""))
        self.assertEqual(out.splitlines(), [f"{f}: {c[1]}" for f, c in zip(files, cases)])
        self.assertEqual(validate(schema, files[0])[0], 0)

    def test_unusable_file_does_not_stop_the_others(self):
        schema = self.write("s.json", {"type": "number"})
        good, bad = self.write("good.json", 5), self.write("bad.json", "{", raw=True)
        code, out, err = validate(schema, self.path("none.json"), bad, good)
        self.assertEqual((code, out), (2, f"{good}: valid\n"))
        self.assertIn("none.json", err)
        self.assertIn("bad.json: line 1", err)

    def test_unusable_schema(self):
        value = self.write("v.json", 1)
        for schema, why in [
                ({"type": "strng"}, "type is not the name of a type"),
                ({"properties": {"a": {"pattern": "("}}}, "/properties/a: the pattern ("),
                ({"$ref": "#/$defs/none"}, "leads to no schema"),
                ({"$ref": "http://example.com/other"}, "no schema at http://example.com/other"),
                ({"$schema": "http://example.com/meta"}, "http://example.com/meta is not known"),
                ([], "a schema is an object")]:
            code, out, err = validate(self.write("s.json", schema), value)
            self.assertEqual((code, out), (2, ""), err)
            self.assertIn(why, err)
            self.assertIn("s.json", err)
        self.assertEqual(validate(self.path("none.json"), value)[0], 2)
        twice = self.write("twice.json", '{"type": "null", "type": "number"}', raw=True)
        self.assertEqual(validate(twice, value)[0], 2)

    def test_draft_option(self):
        schema = self.write("s.json", {"items": [{"type": "string"}]})
        value = self.write("v.json", [1])
        self.assertEqual(validate("--draft", "7", schema, value)[0], 1)
        self.assertEqual(validate("--draft", "2020-12", schema, value)[0], 2)
        self.assertEqual(validate("--draft", "4", schema, value)[0], 2)

    def test_assert_format(self):
        schema = self.write("s.json", {"format": "email"})
        value = self.write("v.json", "nobody")
        self.assertEqual(validate(schema, value)[0], 0)
        code, out, _ = validate("--assert-format", schema, value)
        self.assertEqual((code, out), (1, f"{value}: invalid: (root): Text is not of the format email\n"))

    def test_references(self):
        self.write("lib/a.json", {"$ref": "sub/b"})
        self.write("lib/sub/b.json", {"type": "string"})
        schema = self.write("s.json", {"$ref": "https://example.com/lib/a.json"})
        good, bad = self.write("good.json", "x"), self.write("bad.json", 1)
        ref = f"--ref=https://example.com/lib={self.path('lib')}"
        self.assertEqual(validate(ref, schema, good, bad)[:2], (
            1, f"{good}: valid\n{bad}: invalid: (root): invalid type: number (expected string)\n"))
        self.assertEqual(validate("--ref", "https://example.com/lib=/nonexistent", schema, good)[0], 2)
        self.assertEqual(validate("--ref", "nothing", schema, good)[0], 2)

    def test_references_stay_inside(self):
        self.write("secret.json", {})
        self.write("lib/in.json", {})
        os.symlink(self.path("secret.json"), self.path("lib/link.json"))
        os.symlink(self.path("lib/in.json"), self.path("lib/fine.json"))
        os.mkdir(self.path("library"))
        self.write("library/x.json", {})
        value = self.write("v.json", 1)
        ref = f"--ref=https://example.com/lib={self.path('lib')}"
        for uri, code in [("lib/in.json", 0), ("lib/fine.json", 0), ("lib/../secret.json", 2),
                          ("lib/%2e%2e/secret.json", 2), ("lib/..%2fsecret.json", 2),
                          ("lib/%2fetc%2fpasswd", 2), ("lib/link.json", 2), ("lib/link", 2),
                          ("library/x.json", 2), ("lib/", 2), ("lib", 2), ("lib/%00", 2)]:
            schema = self.write("s.json", {"$ref": "https://example.com/" + uri})
            self.assertEqual(validate(ref, schema, value)[0], code, uri)

    def test_endless_schemas_end(self):
        value = self.write("v.json", [[[[1]]]])
        for schema in ({"$ref": "#"}, {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
                       {"$dynamicAnchor": "a", "$dynamicRef": "#a"}, {"not": {"$ref": "#"}}):
            code, out, _ = validate(self.write("s.json", schema), value)
            self.assertEqual((code, "go too deep" in out), (1, True), out)

    def test_usage(self):
        code, out, _ = validate("--help")
        self.assertEqual((code, out.startswith("Usage: sockethubctl validate")), (0, True))
        self.assertEqual(validate()[0], 2)
        self.assertEqual(validate("only-a-schema.json")[0], 2)
        self.assertEqual(validate("--nonsense", "a", "b")[0], 2)

    def run_suite(self, draft, folder, cases):
        ref = "http://localhost:1234=" + os.path.join(SUITE, "remotes")
        seen = 0
        for name in sorted(glob.glob(os.path.join(SUITE, "tests", folder, "*.json"))):
            with open(name, encoding="utf-8") as file:
                groups = json.load(file)
            for group in groups:
                schema = self.write("s.json", group["schema"])
                files = [self.write(f"i{k}.json", t["data"]) for k, t in enumerate(group["tests"])]
                _, out, err = validate("--draft", draft, "--ref", ref, schema, *files)
                want = [f"{f}: {'valid' if t['valid'] else 'invalid'}"
                        for f, t in zip(files, group["tests"])]
                have = [":".join(line.split(":")[:2]) for line in out.splitlines()]
                self.assertEqual(have, want, f"{name}: {group['description']}: {err}")
                seen += len(files)
        self.assertGreaterEqual(seen, cases)

    def test_suite_draft_7(self):
        self.run_suite("7", "draft7", 927)

    def test_suite_draft_2020_12(self):
        self.run_suite("2020-12", "draft2020-12", 1299)


if __name__ == "__main__":
    unittest.main()
