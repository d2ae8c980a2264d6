-- SPDX-License-Identifier: MIT
-- finish: messages and results of a worker, any number at once. "Exactly one result" is decided here: the job's entry is
-- deleted once, and only who deletes it appends the result; acknowledging, appending and waking are one step. Messages
-- of a job that was given to another worker meanwhile are dropped: else they would mix with what that one sends. So is a
-- failure of a job that was not run: the other one may be running it.
--
-- KEYS  1 queue  2 started  3 the worker's own (the queue again without one), then per item its outbox
-- ARGV  1 group  2 max outbox  3 max outbox bytes  4 worker ("" whoever holds the jobs)
--       5 worker ttl ms, then per item:
--         id ("" not of a job)  token ("-" the job goes on)  platform  flags (any of f: messages over the bound too, or
--         dropped when there are many over it already; s: the job was marked as started; h: counts from the job's holder
--         only)  n, n messages, result
-- reply per item: 1 done  0 the job was finished before, or is another's  2 the session is gone
--         3 the outbox has no room: nothing done
local call = redis.call
local queue, started, group = KEYS[1], KEYS[2], ARGV[1]
local max, max_bytes, worker = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local out = {}
local a, k = 6, 4
local OVER = 16 -- forced messages over the bound: they say that it is reached, and need not say it for ever

-- An outbox is made with its session and goes with it: where there is none, the session is gone.
local function append(outbox, value)
	local id = call('XADD', outbox, 'NOMKSTREAM', '*', 'm', value)
	if not id then return false end
	call('PUBLISH', outbox, id .. ' ' .. value)
	return true
end

local function room(outbox, n)
	local len = call('XLEN', outbox)
	return len + n <= max and
		(len <= 16 or (call('MEMORY', 'USAGE', outbox, 'SAMPLES', 5) or 0) <= max_bytes)
end

local function is_mine(id)
	if worker == '' then return true end
	local p = redis.pcall('XPENDING', queue, group, id, id, 1)
	return not p.err and p[1] and p[1][2] == worker
end

-- Results are a sign of life: a heartbeat behind many of them may come late. One that has lapsed stays so (beat.lua).
if worker ~= '' then
	local ttl, left = tonumber(ARGV[5]), call('PTTL', KEYS[3])
	if left > ttl / 2 and left < ttl - 1000 then call('PEXPIRE', KEYS[3], ttl) end
end

while ARGV[a] do
	local id, token, platform, flags, n = ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3], tonumber(ARGV[a + 4])
	local outbox = KEYS[k]
	local forced = string.find(flags, 'f', 1, true)
	local ends = id ~= '' and token ~= '-'
	local code = 1
	if id ~= '' and (n > 0 or string.find(flags, 'h', 1, true)) and not is_mine(id) then
		code = 0
	elseif n > 0 and not forced and not room(outbox, n) then
		code = 3
	elseif ends and call('XDEL', queue, id) == 0 then
		code = 0
	else
		if ends then
			call('XACK', queue, group, id)
			if string.find(flags, 's', 1, true) then call('HDEL', started, id) end
		end
		for i = 1, forced and call('XLEN', outbox) >= max + OVER and 0 or n do
			if not append(outbox, '- ' .. platform .. ' ' .. ARGV[a + 4 + i]) then code = 2 end
		end
		if ends and not append(outbox, token .. ' ' .. platform .. ' ' .. ARGV[a + 5 + n]) then code = 2 end
	end
	out[#out + 1] = code
	a = a + 6 + n
	k = k + 1
end
return out
