-- SPDX-License-Identifier: MIT
-- end_sessions: end sessions: those named, or those whose time is over. Their keys go, the workers of the platforms
-- they used and the gateways where they wait are told.
--
-- KEYS  1 sessions
-- ARGV  1 session prefix  2 outbox prefix  3 part prefix  4 events prefix  5 how many expired at most, or 0 and the h
-- reply {h...}: the sessions that ended; not one that was named when its time was over already
local ended = {}
local list
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local named = ARGV[5] == '0'
if named then
	list = {ARGV[6]}
else
	list = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[5])
end
for _, h in ipairs(list) do
	local v = redis.call('HMGET', ARGV[1] .. h, 'pf', 'x')
	for p in string.gmatch(v[1] or '', '%S+') do
		redis.call('UNLINK', ARGV[3] .. h .. ':' .. p)
		redis.call('PUBLISH', ARGV[4] .. p, h)
	end
	local known = redis.call('UNLINK', ARGV[1] .. h, ARGV[2] .. h)
	redis.call('ZREM', KEYS[1], h)
	redis.call('PUBLISH', ARGV[2] .. h, 'end')
	if known > 0 and not (named and tonumber(v[2] or 0) <= now) then ended[#ended + 1] = h end
end
return ended
