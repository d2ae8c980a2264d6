-- SPDX-License-Identifier: MIT
-- adopt: take over the accounts of workers of the platform that are gone. Called before the heartbeat, whose age tells
-- whether this worker may judge (beat.lua).
--
-- KEYS  1 this worker  2 holders  3 held by this worker
-- ARGV  1 worker  2 worker ttl ms  3 worker key prefix  4 held prefix  5 account prefix  6 how many at most
--       7 a worker known to be dead, or ""  8 may those be taken whose heartbeat has lapsed (0|1)  9 ttl ms
-- reply {lapsed, {key, record}...}; lapsed 1: this worker's own heartbeat had, its accounts may be others' now
local call = redis.call
local me, workers, held, accounts, room = ARGV[1], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local age = call('PTTL', KEYS[1])
local steady = ARGV[8] == '1' and age > ARGV[2] / 2
local out = {age < 0 and 1 or 0}

local function take(name)
	local set = held .. name
	while #out - 1 < room do
		local key = call('SPOP', set)
		if not key then break end
		local account = accounts .. key
		local v = call('HMGET', account, 'w', 'd')
		if v[1] == name then
			if v[2] then
				call('HSET', account, 'w', me)
				call('PEXPIRE', account, ARGV[9])
				call('SADD', KEYS[3], key)
				out[#out + 1] = {key, v[2]}
			else
				call('UNLINK', account)
			end
		end
	end
	if call('SCARD', set) == 0 then call('SREM', KEYS[2], name) end
end

for _, name in ipairs(call('SMEMBERS', KEYS[2])) do
	local mark = name ~= me and call('GET', workers .. name)
	if name ~= me and (mark == 'left' or name == ARGV[7] or not mark and steady) then take(name) end
end
if #out > 1 then
	call('PEXPIRE', KEYS[3], ARGV[9])
	call('SADD', KEYS[2], me)
	call('PEXPIRE', KEYS[2], ARGV[9])
end
return out
