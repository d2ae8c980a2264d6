-- SPDX-License-Identifier: MIT
-- end_sessions: end sessions: those named, or those whose time is over. Their keys go, the workers of the platforms
-- they used and the gateways where they wait are told.
--
-- KEYS  1 sessions
-- ARGV  1 session prefix  2 outbox prefix  3 part prefix  4 events prefix  5 how many expired at most, or 0 and the h
-- reply {h...}: the sessions that ended
local ended = {}
local list
if ARGV[5] == '0' then
	list = {ARGV[6]}
else
	local t = redis.call('TIME')
	local now = t[1] * 1000 + math.floor(t[2] / 1000)
	list = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[5])
end
for _, h in ipairs(list) do
	local platforms = redis.call('HGET', ARGV[1] .. h, 'pf') or ''
	for p in string.gmatch(platforms, '%S+') do
		redis.call('UNLINK', ARGV[3] .. h .. ':' .. p)
		redis.call('PUBLISH', ARGV[4] .. p, h)
	end
	local known = redis.call('UNLINK', ARGV[1] .. h, ARGV[2] .. h)
	redis.call('ZREM', KEYS[1], h)
	redis.call('PUBLISH', ARGV[2] .. h, 'end')
	if known > 0 then ended[#ended + 1] = h end
end
return ended
