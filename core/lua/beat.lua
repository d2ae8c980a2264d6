-- SPDX-License-Identifier: MIT
-- beat: a worker's heartbeat, which also takes over the jobs of workers of its platform that are gone.
--
-- KEYS  1 queue  2 up  3 this worker  4 started
-- ARGV  1 group  2 worker name  3 worker ttl ms  4 up ttl ms  5 worker key prefix  6 predecessor known to be dead, or ""
--       7 how many jobs to take over at most of one worker (0: none; then only of the predecessor, and of those that left)
--       8 how many accounts this worker holds
-- reply {{id, deliveries, started (0|1), h, token, blob, previous or ""}...}
local queue, group, me = KEYS[1], ARGV[1], ARGV[2]
redis.pcall('XGROUP', 'CREATE', queue, group, '0', 'MKSTREAM')
-- Redis 7.0 has no consumer before its first job; who is idle has to be seen, too: by own, and by the operator.
redis.call('XGROUP', 'CREATECONSUMER', queue, group, ARGV[2])
-- Whose own heartbeat came late cannot tell the dead from those who had to wait as well, for a Redis that hung.
local steady = redis.call('PTTL', KEYS[3]) > ARGV[3] / 2
redis.call('SET', KEYS[3], ARGV[8], 'PX', ARGV[3])
redis.call('SET', KEYS[2], me, 'PX', ARGV[4])
if ARGV[6] ~= '' then redis.call('UNLINK', ARGV[5] .. ARGV[6]) end
local left = steady and tonumber(ARGV[7]) or 0
local out = {}

local function take_over(name)
	local ids = {}
	local deliveries = {}
	for _, p in ipairs(redis.call('XPENDING', queue, group, '-', '+', left > 0 and left or 1000, name)) do
		ids[#ids + 1] = p[1]
		deliveries[p[1]] = p[4]
	end
	if #ids == 0 then return end
	for _, entry in ipairs(redis.call('XCLAIM', queue, group, me, 0, unpack(ids))) do
		if entry then
			local f = entry[2]
			local id = entry[1]
			out[#out + 1] = {id, deliveries[id], redis.call('HEXISTS', KEYS[4], id), f[2], f[4], f[6], f[8] or ''}
		end
	end
end

for _, c in ipairs(redis.call('XINFO', 'CONSUMERS', queue, group)) do
	local name, pending
	for i = 1, #c, 2 do
		if c[i] == 'name' then name = c[i + 1] elseif c[i] == 'pending' then pending = c[i + 1] end
	end
	local mark = name ~= me and redis.call('GET', ARGV[5] .. name)
	if mark == 'left' or mark == false and name ~= me and (left > 0 or name == ARGV[6]) then
		if pending > 0 then
			take_over(name)
		else
			redis.call('XGROUP', 'DELCONSUMER', queue, group, name)
			redis.call('UNLINK', ARGV[5] .. name)
		end
	end
end
return out
