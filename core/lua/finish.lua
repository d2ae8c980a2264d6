-- SPDX-License-Identifier: MIT
-- finish: messages and results of a worker, any number at once. "Exactly one result" is decided here: the job's entry is
-- deleted once, and only who deletes it appends the result; acknowledging, appending and waking are one step. What a
-- worker sends for a job that was given to another meanwhile is dropped: else it would mix with what that one sends.
--
-- KEYS  1 queue  2 started, then per item a pair (session, outbox)
-- ARGV  1 group  2 max outbox  3 max outbox bytes  4 worker ("" whoever holds the jobs), then per item:
--         id ("" not of a job)  token ("-" the job goes on)  platform  force (1: messages over the bound too)
--         n, n messages, result
-- reply per item: 1 done  0 the job was finished before, or is another's  2 the session is gone
--         3 the outbox has no room: nothing done
local queue, started, group = KEYS[1], KEYS[2], ARGV[1]
local max, max_bytes, worker = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local out = {}
local a, k = 5, 3

local function append(outbox, value)
	local id = redis.call('XADD', outbox, '*', 'm', value)
	redis.call('PUBLISH', outbox, id .. ' ' .. value)
end

local function room(outbox, n)
	local len = redis.call('XLEN', outbox)
	return len + n <= max and
		(len <= 16 or (redis.call('MEMORY', 'USAGE', outbox, 'SAMPLES', 5) or 0) <= max_bytes)
end

local function is_mine(id)
	if worker == '' then return true end
	local p = redis.pcall('XPENDING', queue, group, id, id, 1)
	return not p.err and p[1] and p[1][2] == worker
end

while ARGV[a] do
	local id, token, platform, n = ARGV[a], ARGV[a + 1], ARGV[a + 2], tonumber(ARGV[a + 4])
	local session, outbox = KEYS[k], KEYS[k + 1]
	local alive = redis.call('EXISTS', session) == 1
	local ends = id ~= '' and token ~= '-'
	local code = 1
	if id ~= '' and not is_mine(id) then
		code = 0
	elseif alive and n > 0 and ARGV[a + 3] ~= '1' and not room(outbox, n) then
		code = 3
	elseif ends and redis.call('XDEL', queue, id) == 0 then
		code = 0
	else
		if ends then
			redis.call('XACK', queue, group, id)
			redis.call('HDEL', started, id)
		end
		if not alive then
			code = 2
		else
			for i = 1, n do append(outbox, '- ' .. platform .. ' ' .. ARGV[a + 4 + i]) end
			if ends then append(outbox, token .. ' ' .. platform .. ' ' .. ARGV[a + 5 + n]) end
		end
	end
	out[#out + 1] = code
	a = a + 6 + n
	k = k + 2
end
return out
