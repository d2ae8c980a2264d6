# SPDX-License-Identifier: MIT
"""replies - what the gateway answers to which job, byte for byte, as data: HTTP, FastCGI and WebSocket are tested with
the same rows. docs/protocol.md explains them.

A row is sent as it stands to a new session, which has registered first when the row says so. `replies` are the texts
that come, in order; `results` those that a platform's worker adds. The word SID stands for the session's id."""

import collections
import json
import os
import shutil

import lib

Row = collections.namedtuple("Row", "name request registered replies results")

# A platform that keeps credentials, added by a local file as an operator would; nothing runs it.
VAULT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "name": "vault",
    "version": 1,
    "summary": "Keeps credentials.",
    "verbs": {"send": {"summary": "Sends."}, "fetch": {"summary": "Fetches."}},
    "credentials": {
        "type": "object",
        "required": ["objectType", "user", "password"],
        "properties": {"objectType": {"const": "credentials"}, "user": {"type": "string"},
                       "password": {"type": "string"}, "port": {"type": "integer"}},
    },
    "settings": {"type": "object", "additionalProperties": False},
}


class Stack(lib.Stack):
    """A stack whose schema folder also has the platform `vault`, loaded but without a worker."""

    def _configure(self, platforms, config, fastcgi, gateways):
        folder = os.path.join(self.dir, "schema")
        shutil.copytree(os.path.join(lib.ROOT, "schema"), folder, ignore=shutil.ignore_patterns("*.[ch]"))
        os.mkdir(os.path.join(folder, "platforms.local"))
        with open(os.path.join(folder, "platforms.local", "vault.json"), "w") as f:
            json.dump(VAULT, f)
        config = dict(config or {}, schema_dir=folder)
        super()._configure({"dummy": {}, "vault": {}}, config, fastcgi, gateways)

    def wait_ready(self, port=None, timeout=lib.START_S):
        def ready():
            for process in self.processes:
                if not process.running() and process.asked is None:
                    raise AssertionError("%s ended while starting:\n%s" % (process.name, process.log()))
            try:
                platforms = json.loads(self.http("GET", "/readyz", port=port, timeout=5).body)["platforms"]
            except OSError:
                return False
            return all(platforms.get(p) for p in self.names)
        lib.until("a worker", ready, timeout)


def make(test, **how):
    """The stack that the rows need, for a lib.StackTest."""
    stack = Stack(["dummy"], **how)
    test._stacks.append(stack)
    test.addCleanup(stack.close)
    return stack


def refusal(message, rid="1", platform=None):
    """Rows 2 to 9 of the check order; `rid` and `platform` are JSON texts."""
    head = ('"rid":%s,' % rid if rid else "") + ('"platform":%s,' % platform if platform else "")
    return '{%s"verb":"confirm","status":false,"message":%s}' % (head, json.dumps(message))


def confirm(rid="1"):
    return '{"rid":%s,"verb":"confirm","status":true}' % rid


def failure(message, platform, verb, rid="1", target=""):
    return '{"rid":%s,"platform":"%s","verb":"%s","status":false,"message":%s%s}' % (
        rid, platform, verb, json.dumps(message, ensure_ascii=False), target and ',"target":' + target)


def success(platform, verb, rid="1", obj="", target=""):
    return '{"rid":%s,"verb":"%s","platform":"%s","status":true%s%s}' % (
        rid, verb, platform, obj and ',"object":' + obj, target and ',"target":' + target)


def mismatch(why, platform, verb, rid="1", target=""):
    return failure("unable to validate json against schema: " + why, platform, verb, rid, target)


INVALID = '{"status":false,"message":"invalid JSON received"}'
NO_RID = refusal("no rid (request ID) specified", rid=None)
UNREGISTERED = "session not registered, cannot process verb"
REGISTER = '{"rid":1,"platform":"dispatcher","verb":"register","object":{"secret":%s}}'
REGISTERED = '{"rid":1,"verb":"register","platform":"dispatcher","status":true,"object":{"sessionId":"SID"}}'
PING = '{"rid":%s,"platform":"dispatcher","verb":"ping","timestamp":%s}'
ROWS = []


def row(name, request, replies, registered=True, results=()):
    if isinstance(replies, str):
        replies = [replies]
    ROWS.append(Row(name, request.encode() if isinstance(request, str) else request, registered, list(replies),
                    list(results)))


# --- rows 1 to 10 of the check order: each fails at its own check although all later ones would fail as well ---------

row("1 not JSON", "helloWorld", INVALID, False)
row("1 nothing", "", INVALID, False)
row("1 blank", " \n", INVALID, False)
row("1 cut short", '{"rid":1', INVALID, False)
row("1 something behind", '{"rid":1} x', INVALID, False)
row("1 duplicate keys", '{"rid":1,"rid":2,"platform":"dispatcher","verb":"ping","timestamp":1}', INVALID)
row("1 invalid UTF-8", b'{"rid":"\xff","platform":"dispatcher","verb":"ping"}', INVALID, False)
row("1 half a surrogate pair", '{"rid":"\\ud800","platform":"dispatcher","verb":"ping"}', INVALID, False)
row("1 U+0000", '{"rid":"a\\u0000b","platform":"dispatcher","verb":"ping"}', INVALID, False)
row("1 a real too large", '{"rid":1e999}', INVALID, False)
row("1 an integer too large", '{"rid":123456789012345678901234567890}', INVALID, False)
row("1 nested too deep", "[" * 65 + "]" * 65,
    '{"status":false,"message":"JSON nested deeper than 64 levels"}', False)
row("1 nested very deep", "[" * 50000, '{"status":false,"message":"JSON nested deeper than 64 levels"}', False)
row("2 nested just so deep", "[" * 64 + "]" * 64, NO_RID, False)
row("2 no rid", '{"platform":5,"verb":5,"sessionId":1}', NO_RID, False)
for value in ("null", "true", "[]", "{}"):
    row("2 rid " + value, '{"rid":%s,"platform":"dispatcher","verb":"ping"}' % value, NO_RID, False)
for value in ("5", '"text"', "null", "true", "1.5", "[]", "[1]", "[null]", "{}", "[{}]", "[[]]", '[[{"rid":1}]]'):
    row("2 no job: " + value, value, NO_RID, False)
row("2 a key that looks like an index", '{"0":{"rid":1}}', NO_RID, False)
row("3 no platform", '{"rid":1,"verb":5,"sessionId":1}', refusal("no platform specified"), False)
for value in ("null", "7", "{}", "[]", "false"):
    row("3 platform " + value, '{"rid":1,"platform":%s,"verb":"ping"}' % value, refusal("no platform specified"),
        False)
row("4 no verb", '{"rid":1,"platform":"nowhere","sessionId":1}',
    refusal("no verb (action) specified", platform='"nowhere"'), False)
for value in ("null", "7", "{}", "[]", "true"):
    row("4 verb " + value, '{"rid":1,"platform":"dispatcher","verb":%s}' % value,
        refusal("no verb (action) specified", platform='"dispatcher"'), False)
row("5 unknown platform", '{"rid":1,"platform":"nowhere","verb":"blah","sessionId":1}',
    refusal("unknown platform received: nowhere", platform='"nowhere"'), False)
row("5 empty platform", '{"rid":1,"platform":"","verb":"blah"}',
    refusal("unknown platform received: ", platform='""'), False)
row("5 platform with a quote", '{"rid":1,"platform":"a\\"b\\n","verb":"blah"}',
    refusal('unknown platform received: a"b\n', platform='"a\\"b\\n"'), False)
row("6 not loaded", '{"rid":1,"platform":"feeds","verb":"blah","sessionId":1}',
    refusal("platform 'feeds' not loaded", platform='"feeds"'), False)
row("7 unknown verb", '{"rid":1,"platform":"dispatcher","verb":"blah","sessionId":1}',
    refusal("unknown verb received: blah", platform='"dispatcher"'), False)
row("7 verb of another platform", '{"rid":1,"platform":"dummy","verb":"register"}',
    refusal("unknown verb received: register", platform='"dummy"'), False)
for value in ('"x"', "null", "0"):
    row("8 sessionId " + value, '{"rid":1,"platform":"dispatcher","verb":"ping","sessionId":%s}' % value,
        refusal("cannot use name sessionId, reserved property", platform='"dispatcher"'), False)
row("8 sessionId in register", '{"rid":1,"platform":"dispatcher","verb":"register","sessionId":"x"}',
    refusal("cannot use name sessionId, reserved property", platform='"dispatcher"'), False)
row("9 ping", PING % (1, 1), refusal(UNREGISTERED, platform='"dispatcher"'), False)
row("9 ping without timestamp", '{"rid":1,"platform":"dispatcher","verb":"ping"}',
    refusal(UNREGISTERED, platform='"dispatcher"'), False)
row("9 platform verb", '{"rid":1,"platform":"dummy","verb":"echo","actor":{"address":"a"}}',
    refusal(UNREGISTERED, platform='"dummy"'), False)
row("9 platform verb that matches no schema", '{"rid":1,"platform":"dummy","verb":"echo"}',
    refusal(UNREGISTERED, platform='"dummy"'), False)
row("9 set", '{"rid":1,"platform":"vault","verb":"set"}', refusal(UNREGISTERED, platform='"vault"'), False)
row("10 missing", '{"rid":1,"platform":"dispatcher","verb":"ping"}',
    mismatch("Missing required property: timestamp", "dispatcher", "ping"))
row("10 wrong type", PING % (1, '"now"'),
    mismatch("invalid type: string (expected number) at /timestamp", "dispatcher", "ping"))
row("10 register without a secret", '{"rid":1,"platform":"dispatcher","verb":"register"}',
    mismatch("Missing required property: secret at /object", "dispatcher", "register"), False)
row("10 secret of another type", REGISTER % 5,
    mismatch("invalid type: number (expected string) at /object/secret", "dispatcher", "register"), False)
row("10 no actor", '{"rid":1,"platform":"dummy","verb":"echo"}',
    mismatch("Missing required property: actor", "dummy", "echo"))
row("10 actor's pattern", '{"rid":1,"platform":"dummy","verb":"echo","actor":{"address":"#a"},"target":{}}',
    mismatch("String does not match pattern: ^[a-zA-Z0-9]+ at /actor/address", "dummy", "echo", target="[{}]"))
for value, kind in (("null", "null"), ("7", "number"), ('"a"', "string"), ("[]", "array"), ("true", "boolean")):
    row("10 actor " + value, '{"rid":1,"platform":"dummy","verb":"echo","actor":%s}' % value,
        mismatch("invalid type: %s (expected object) at /actor" % kind, "dummy", "echo"))
    row("10 object " + value,
        '{"rid":1,"platform":"dummy","verb":"echo","actor":{"address":"a"},"object":%s}' % value,
        mismatch("invalid type: %s (expected object) at /object" % kind, "dummy", "echo"))
for value, kind in (("null", "null"), ("7", "number"), ('"a"', "string"), ("true", "boolean")):
    row("10 target " + value,
        '{"rid":1,"platform":"dummy","verb":"echo","actor":{"address":"a"},"target":%s}' % value,
        mismatch("invalid type: %s (expected array) at /target" % kind, "dummy", "echo"))
row("10 an item of target", '{"rid":1,"platform":"dummy","verb":"echo","actor":{"address":"a"},"target":[{},7]}',
    mismatch("invalid type: number (expected object) at /target/1", "dummy", "echo", target="[{},7]"))
row("10 of the platform's own schema",
    '{"rid":1,"platform":"dummy","verb":"burst","actor":{"address":"a"},"object":{"n":-1}}',
    mismatch("Number -1 is less than 0 at /object/n", "dummy", "burst"))

# --- dispatcher verbs -------------------------------------------------------------------------------------------------

row("register", REGISTER % json.dumps(lib.SECRET), [confirm(), REGISTERED], False)
row("register again", REGISTER % json.dumps(lib.SECRET), [confirm(), REGISTERED])
row("register with a target", '{"rid":1,"platform":"dispatcher","verb":"register","target":{"a":1},"object":{"secret":"%s"}}'
    % lib.SECRET, [confirm(), REGISTERED[:-1] + ',"target":[{"a":1}]}'], False)
row("register, wrong secret", REGISTER % '"wrong"',
    [confirm(), failure("registration failed, invalid secret.", "dispatcher", "register")], False)
row("register, empty secret", REGISTER % '""',
    [confirm(), failure("registration failed, invalid secret.", "dispatcher", "register")], False)
row("register, half the secret", REGISTER % json.dumps(lib.SECRET[:-1]),
    [confirm(), failure("registration failed, invalid secret.", "dispatcher", "register")], False)
row("register fails, the session stays registered", '[%s,%s]' % (REGISTER % '"wrong"', PING % (2, 5)),
    [confirm(), failure("registration failed, invalid secret.", "dispatcher", "register"),
     confirm("2"), success("dispatcher", "ping", "2", '{"timestamp":5}')])
row("register with remoteStorage", '{"rid":1,"platform":"dispatcher","verb":"register","object":{"secret":"%s",'
    '"remoteStorage":{"storageInfo":{"type":"t","href":"h"},"bearerToken":"b","scope":{"m":"rw"}}}}' % lib.SECRET,
    [confirm(), REGISTERED], False)
row("register with half a remoteStorage", '{"rid":1,"platform":"dispatcher","verb":"register","object":{"secret":"%s",'
    '"remoteStorage":{"bearerToken":"b","scope":{}}}}' % lib.SECRET,
    mismatch("Missing required property: storageInfo at /object/remoteStorage", "dispatcher", "register"), False)
row("ping", PING % (2, 1385000000000),
    [confirm("2"), success("dispatcher", "ping", "2", '{"timestamp":1385000000000}')])
row("ping with fractions", PING % (2, "0.1"), [confirm("2"), success("dispatcher", "ping", "2", '{"timestamp":0.1}')])
row("ping ignores status, message and more", '{"rid":2,"platform":"dispatcher","verb":"ping","timestamp":1,'
    '"status":false,"message":"x","more":[1],"actor":{"address":"#"}}',
    [confirm("2"), success("dispatcher", "ping", "2", '{"timestamp":1}')])

# --- rid: comes back as it was sent -------------------------------------------------------------------------------------

for value in ('"123454"', '""', '"\u00e4\u20ac\U0001f600"', '"a\\"\\\\b\\n"', "0", "7", "-1", "1.5", "0.1", "-0.25",
              "9007199254740993", "9223372036854775807", "-9223372036854775808", '"1"'):
    row("rid " + value, PING % (value, 1), [confirm(value), success("dispatcher", "ping", value, '{"timestamp":1}')])
    row("rid %s in a refusal" % value, '{"rid":%s}' % value, refusal("no platform specified", rid=value), False)

# --- arrays: each job is answered on its own ---------------------------------------------------------------------------

row("array of one", "[%s]" % (PING % (1, 1)), [confirm(), success("dispatcher", "ping", obj='{"timestamp":1}')])
row("array with the same rid twice", "[%s,%s]" % (PING % (1, 1), PING % (1, 2)),
    [confirm(), success("dispatcher", "ping", obj='{"timestamp":1}'),
     confirm(), success("dispatcher", "ping", obj='{"timestamp":2}')])
row("array that registers on its way", "[%s,%s,%s]" % (
    PING % (1, 1), REGISTER % json.dumps(lib.SECRET), PING % (3, 3)),
    [refusal(UNREGISTERED, platform='"dispatcher"'), confirm(), REGISTERED,
     confirm("3"), success("dispatcher", "ping", "3", '{"timestamp":3}')], False)
row("array of all sorts", '[5,null,[],{"rid":1},%s,{"rid":3,"platform":"dispatcher","verb":"ping"},%s,'
    '{"rid":5,"platform":"vault","verb":"set","target":{},"actor":{"address":"ann"},"object":{}},%s]' % (
        PING % (2, 2), REGISTER % '"wrong"', PING % (6, 6)),
    [NO_RID, NO_RID, NO_RID, refusal("no platform specified"),
     confirm("2"), success("dispatcher", "ping", "2", '{"timestamp":2}'),
     mismatch("Missing required property: timestamp", "dispatcher", "ping", "3"),
     confirm(), failure("registration failed, invalid secret.", "dispatcher", "register"),
     confirm("5"), failure('this set object has no object.objectType (ie. "credentials"), cannot process.', "vault",
                           "set", "5", "[{}]"),
     confirm("6"), success("dispatcher", "ping", "6", '{"timestamp":6}')])

# --- target: normalised, and echoed by the dispatcher unless it is empty -----------------------------------------------

for value, echoed in (("[]", ""), ("{}", "[{}]"), ('{"address":"a"}', '[{"address":"a"}]'), ("[{}]", "[{}]"),
                      ('[{"address":"a"},{"b":2.50}]', '[{"address":"a"},{"b":2.5}]')):
    row("target " + value, '{"rid":1,"platform":"dispatcher","verb":"ping","timestamp":1,"target":%s}' % value,
        [confirm(), success("dispatcher", "ping", obj='{"timestamp":1}', target=echoed)])
    row("target %s in a failure" % value, '{"rid":1,"platform":"dispatcher","verb":"ping","target":%s}' % value,
        mismatch("Missing required property: timestamp", "dispatcher", "ping", target=echoed))

# --- set: three forms ------------------------------------------------------------------------------------------------------

ANN = '"actor":{"address":"ann"}'
GOOD = '{"objectType":"credentials","user":"ann","password":"p"}'


def set_job(platform, obj, target=None, actor=ANN):
    return '{"rid":3,"platform":"%s","verb":"set"%s%s,"object":%s}' % (
        platform, target and ',"target":' + target or "", actor and "," + actor or "", obj)


def set_fails(name, message, platform, obj, target=None, actor=ANN):
    echoed = target if target is None or target.startswith("[") else "[%s]" % target
    row(name, set_job(platform, obj, target, actor),
        [confirm("3"), failure(message, platform, "set", "3", "" if echoed == "[]" else echoed or "")])


def set_works(name, platform, obj, target=None, actor=ANN):
    echoed = target if target is None or target.startswith("[") else "[%s]" % target
    row(name, set_job(platform, obj, target, actor),
        [confirm("3"), success(platform, "set", "3", target="" if echoed == "[]" else echoed or "")])


MAP = '{"credentials":{"ann":{"user":"a","password":"p"},"bob":{"actor":{"address":"bob"},"user":"b","password":"p"}}}'
set_works("set A", "dispatcher", MAP, '{"platform":"vault"}', None)
set_works("set A, target in an array", "dispatcher", MAP, '[{"platform":"vault"}]', None)
set_works("set A with an actor", "dispatcher", MAP, '{"platform":"vault"}')
set_works("set B", "dispatcher", GOOD, '[{"platform":"vault"}]')
set_works("set B, target as an object", "dispatcher", GOOD, '{"platform":"vault"}')
set_works("set B, more in the target", "dispatcher", GOOD, '[{"platform":"vault","address":"x"}]')
set_works("set C, as client 0.2.4 sends it", "vault", GOOD, "{}")
set_works("set C, no target", "vault", GOOD)
set_works("set C, empty target", "vault", GOOD, "[]")
set_works("set C, unknown fields pass", "vault",
          '{"objectType":"credentials","user":"ann","password":"p","colour":"red"}')
NO_SCHEMA = "platform has to have a schema defined for set operations. cannot validate request"
NO_TYPE = 'this set object has no object.objectType (ie. "credentials"), cannot process.'
OTHER_TYPE = "unknown objectType for this target platform, cannot process"
set_fails("set B, unknown platform", "unable to load platform nowhere", "dispatcher", GOOD, '[{"platform":"nowhere"}]')
set_fails("set B, platform not loaded", "unable to load platform feeds", "dispatcher", GOOD, '[{"platform":"feeds"}]')
set_fails("set B, the dispatcher", "unable to load platform dispatcher", "dispatcher", GOOD,
          '[{"platform":"dispatcher"}]')
set_fails("set B, no target", "no target platform specified", "dispatcher", GOOD)
set_fails("set B, no platform in the target", "no target platform specified", "dispatcher", GOOD, '[{"address":"a"}]')
set_fails("set A, no target", "no target platform specified", "dispatcher", MAP, None, None)
set_fails("set A, no credentials schema", NO_SCHEMA, "dispatcher", MAP, '{"platform":"dummy"}', None)
set_fails("set B, no credentials schema", NO_SCHEMA, "dispatcher", GOOD, '[{"platform":"dummy"}]')
set_fails("set C, no credentials schema", NO_SCHEMA, "dummy", GOOD, "{}")
set_fails("set B, no objectType", NO_TYPE, "dispatcher", '{"user":"a"}', '[{"platform":"vault"}]')
set_fails("set C, no objectType", NO_TYPE, "vault", '{"user":"a"}', "{}")
set_fails("set C, no object", NO_TYPE, "vault", "{}", "{}")
set_fails("set C, a map", NO_TYPE, "vault", MAP, "{}")
set_fails("set B, another objectType", OTHER_TYPE, "dispatcher", '{"objectType":"x"}', '[{"platform":"vault"}]')
set_fails("set C, another objectType", OTHER_TYPE, "vault", '{"objectType":"x"}', "{}")
set_fails("set B, no actor", "no actor address specified", "dispatcher", GOOD, '[{"platform":"vault"}]', None)
set_fails("set C, no actor", "no actor address specified", "vault", GOOD, "{}", None)
set_fails("set A, empty map", "no credentials specified", "dispatcher", '{"credentials":{}}', '{"platform":"vault"}',
          None)
set_fails("set A, an entry that is no object", "invalid object format: credentials have to be an object", "dispatcher",
          '{"credentials":{"ann":5}}', '{"platform":"vault"}', None)
set_fails("set A, a field is missing", "invalid object format Missing required property: password", "dispatcher",
          '{"credentials":{"ann":{"user":"a"}}}', '{"platform":"vault"}', None)
set_fails("set C, a field is missing", "invalid object format Missing required property: password", "vault",
          '{"objectType":"credentials","user":"a"}', "{}")
set_fails("set C, a field of another type", "invalid object format invalid type: number (expected string) at /password",
          "vault", '{"objectType":"credentials","user":"a","password":5}', "{}")
row("set C, actor's pattern", set_job("vault", GOOD, "{}", '"actor":{"address":"@ann"}'),
    mismatch("String does not match pattern: ^[a-zA-Z0-9]+ at /actor/address", "vault", "set", "3", "[{}]"))
row("set C, objectType of another type", set_job("vault", '{"objectType":5}', "{}"),
    mismatch("invalid type: number (expected string) at /object/objectType", "vault", "set", "3", "[{}]"))
row("set A, credentials of another type", set_job("dispatcher", '{"credentials":[]}', '{"platform":"vault"}'),
    mismatch("invalid type: array (expected object) at /object/credentials", "dispatcher", "set", "3",
             '[{"platform":"vault"}]'))
row("set A, platform of another type", set_job("dispatcher", MAP, '{"platform":7}'),
    mismatch("invalid type: number (expected string) at /target/0/platform", "dispatcher", "set", "3",
             '[{"platform":7}]'))

# --- verbs of platforms -------------------------------------------------------------------------------------------------

JOB = '{"rid":%s,"platform":"%s","verb":"%s","actor":{"address":"ann","name":"Ann"}%s}'
HEAD = '{"actor":{"address":"ann","name":"Ann"},"platform":"dummy","verb":"%s","rid":%s,"target":%s,'
row("no worker", JOB % (4, "vault", "send", ""),
    refusal("platform 'vault' has no worker at the moment, try again later", "4", '"vault"'))
row("echo", JOB % ('"x"', "dummy", "echo", ',"target":{"address":"b"},"object":{"b":[1,{}],"a":0.1},"more":1'),
    confirm('"x"'), results=[HEAD % ("echo", '"x"', '[{"address":"b"}]') + '"status":true,"object":{"b":[1,{}],"a":0.1}}'])
row("echo of nothing", JOB % (4, "dummy", "echo", ""), confirm("4"),
    results=[HEAD % ("echo", 4, "[]") + '"status":true,"object":{}}'])
row("fail", JOB % (1.5, "dummy", "fail", ',"target":[],"object":{"text":"no such \\"thing\\""}'), confirm("1.5"),
    results=[HEAD % ("fail", 1.5, "[]") + '"message":"no such \\"thing\\"","status":false,"object":{}}'])
row("platform verbs among others", "[%s,%s,%s]" % (PING % (1, 1), JOB % (2, "dummy", "echo", ""),
                                                     JOB % (3, "vault", "send", "")),
    [confirm(), success("dispatcher", "ping", obj='{"timestamp":1}'), confirm("2"),
     refusal("platform 'vault' has no worker at the moment, try again later", "3", '"vault"')],
    results=[HEAD % ("echo", 2, "[]") + '"status":true,"object":{}}'])

# With no secret configured nobody can register.
NO_SECRETS = [Row("register, no secrets", (REGISTER % '"wrong"').encode(), False,
                  [confirm(), failure("registration failed, secret cannot be verified.", "dispatcher", "register")],
                  [])]
