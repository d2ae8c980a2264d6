-- SPDX-License-Identifier: MIT
-- own: which worker holds an account. Who asks gets it when nobody alive has it; who has no room gives it to the one that
-- has the fewest. What a dead holder left about the account comes with it.
--
-- KEYS  1 account  2 holders  3 queue
-- ARGV  1 group  2 worker  3 account's key  4 worker key prefix  5 held prefix  6 room (0|1)  7 accounts a worker may have
--       8 ttl ms
-- reply {owner, record or ""}; owner "": no worker has room
local call = redis.call
local account, me, key, workers, held = KEYS[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local v = call('HMGET', account, 'w', 'd')
local owner = v[1]

local max = tonumber(ARGV[7])

-- Of all shards as of the last heartbeat, of this one as of now; false when it is not alive.
local function load(name)
	local mark = call('GET', workers .. name)
	return mark and mark ~= 'left' and math.max(tonumber(mark) or 0, call('SCARD', held .. name))
end

local function least_loaded()
	local best, least
	local list = redis.pcall('XINFO', 'CONSUMERS', KEYS[3], ARGV[1])
	if list.err then return nil end
	for _, c in ipairs(list) do
		local name
		for i = 1, #c, 2 do
			if c[i] == 'name' then name = c[i + 1] end
		end
		local n = name ~= me and load(name)
		if n and n < max and (not least or n < least) then best, least = name, n end
	end
	return best
end

if not (owner and (owner == me or load(owner))) then
	local new = ARGV[6] == '1' and call('SCARD', held .. me) < max and me or least_loaded()
	if not new then return {'', ''} end
	if owner then call('SREM', held .. owner, key) end
	call('HSET', account, 'w', new)
	owner = new
end
if owner == me or not v[1] or v[1] ~= owner then
	call('SADD', held .. owner, key)
	call('SADD', KEYS[2], owner)
	call('PEXPIRE', account, ARGV[8])
	call('PEXPIRE', held .. owner, ARGV[8])
	call('PEXPIRE', KEYS[2], ARGV[8])
end
return {owner, v[2] or ''}
