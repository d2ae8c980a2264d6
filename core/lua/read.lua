-- SPDX-License-Identifier: MIT
-- read: a client asks for its messages: a sign of life, an acknowledgement, and the messages behind its cursor.
--
-- KEYS  1 session  2 sessions  3 outbox
-- ARGV  1 h  2 after ("" from the oldest kept)  3 first id to keep ("" trim nothing)  4 limit (0: read nothing)
--       5 ttl ms  6 unregistered ttl ms  7 grace ms  8 max bytes
-- reply {"no-session"} | {"ok", {{id, value}...}}
local s, sessions, outbox = KEYS[1], KEYS[2], KEYS[3]
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local v = redis.call('HMGET', s, 'x', 'r', 'pf')
local exp = tonumber(v[1] or 0)
if exp <= now then return {'no-session'} end
local ttl = tonumber(v[2] == '1' and ARGV[5] or ARGV[6])
if exp - now < ttl * 0.9 then
	redis.call('HSET', s, 'x', now + ttl)
	redis.call('ZADD', sessions, now + ttl, ARGV[1])
	redis.call('PEXPIRE', s, ttl + ARGV[7])
	redis.call('PEXPIRE', outbox, ttl + ARGV[7] * 2)
	for p in string.gmatch(v[3] or '', '%S+') do
		redis.call('PEXPIRE', string.gsub(s, ':s:', ':p:', 1) .. ':' .. p, ttl + ARGV[7])
	end
end
if ARGV[3] ~= '' then redis.call('XTRIM', outbox, 'MINID', ARGV[3]) end
if ARGV[4] == '0' then return {'ok', {}} end
local found = redis.call('XRANGE', outbox, ARGV[2] == '' and '-' or '(' .. ARGV[2], '+', 'COUNT', ARGV[4])
local out, bytes, max = {}, 0, tonumber(ARGV[8])
for i, entry in ipairs(found) do
	bytes = bytes + #entry[2][2]
	if i > 1 and bytes > max then break end
	out[i] = {entry[1], entry[2][2]}
end
return {'ok', out}
