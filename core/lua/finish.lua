-- SPDX-License-Identifier: MIT
-- finish: messages and results of a worker, any number at once. "Exactly one result" is decided here: the job's entry is
-- deleted once, and only who deletes it appends the result; acknowledging, appending and waking are one step.
--
-- KEYS  1 queue  2 started, then per item its outbox
-- ARGV  1 group  2 max outbox  3 max outbox bytes, then per item:
--         id ("" when no job ends here)  token  platform  flags (any of f: messages over the bound too, s: the job was
--         marked as started)  n, n messages, result
-- reply per item: 1 done  0 the job was finished before  2 the session is gone  3 the outbox has no room: nothing done
local call = redis.call
local queue, started, group = KEYS[1], KEYS[2], ARGV[1]
local max, max_bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local out = {}
local a, k = 4, 3

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

while ARGV[a] do
	local id, token, platform, flags, n = ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3], tonumber(ARGV[a + 4])
	local outbox = KEYS[k]
	local code = 1
	if n > 0 and not string.find(flags, 'f', 1, true) and not room(outbox, n) then
		code = 3
	elseif id ~= '' and call('XDEL', queue, id) == 0 then
		code = 0
	else
		if id ~= '' then
			call('XACK', queue, group, id)
			if string.find(flags, 's', 1, true) then call('HDEL', started, id) end
		end
		for i = 1, n do
			if not append(outbox, '- ' .. platform .. ' ' .. ARGV[a + 4 + i]) then code = 2 end
		end
		if id ~= '' and not append(outbox, token .. ' ' .. platform .. ' ' .. ARGV[a + 5 + n]) then code = 2 end
	end
	out[#out + 1] = code
	a = a + 6 + n
	k = k + 1
end
return out
