-- SPDX-License-Identifier: MIT
-- intake: all that client requests do to Redis, any number of requests at once: make or find the session, check the bounds,
-- register, store credentials, queue jobs. Of one request nothing is written unless all of it is within the bounds.
--
-- KEYS  1 sessions, then per platform a pair (queue, up), then per request: session, outbox, parts of the session
-- ARGV  1 ttl ms  2 unregistered ttl ms  3 grace ms  4 max sessions  5 max outbox  6 max outbox bytes  7 max queue
--       8 jobs per s  9 burst  10 number of platforms, then their names; then per request:
--         h  create (0|1)  salt  number of parts  number of queues, then per queue: platform index, number of jobs;
--         number of ops, then the ops:
--           R                              register
--           C                              is it registered?
--           S platform-name part field blob  store credentials (part: 1, 2, ... of the request's)
--           J platform-index token blob lane  queue a job; those of one lane are linked: each names the one before it
-- reply per request {"no-session"} | {"sessions-full"} | {"outbox-full"} | {"queue-full"} | {"rate", ms}
--       | {"ok", one per op: 1 done, 0 not registered, 2 no worker}
local call = redis.call
local sessions = KEYS[1]
local ttl_reg, ttl_unreg, grace = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local max_sessions, max_outbox, max_bytes, max_queue = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local rate, burst, n_plat = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local a, k = 11 + n_plat, 2 + 2 * n_plat
local queue_len, queue_up = {}, {}

-- Each queue is looked at once a call.
local function look(p)
	if not queue_len[p] then
		queue_len[p] = call('XLEN', KEYS[2 * p])
		queue_up[p] = call('EXISTS', KEYS[2 * p + 1])
	end
end

local function one()
	local s, outbox = KEYS[k], KEYS[k + 1]
	local h, create, salt, n_parts, n_queues = ARGV[a], ARGV[a + 1], ARGV[a + 2], tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4])
	local first_part, first_queue = k + 2, a + 5
	a = first_queue + 2 * n_queues
	local n_ops = tonumber(ARGV[a])
	local op_at = a + 1
	a, k = op_at, k + 2 + n_parts
	for i = 1, n_ops do
		local op = ARGV[a]
		a = a + ((op == 'J' or op == 'S') and 5 or 1)
	end

	local v = call('HMGET', s, 'x', 'r', 'tk', 'tt', 'pf')
	local exp = tonumber(v[1] or 0)
	local new = exp <= now
	if new then
		if create == '0' then return {'no-session'} end
		if call('ZCARD', sessions) >= max_sessions then return {'sessions-full'} end
	end
	local tokens = burst
	if v[3] then tokens = math.min(burst, tonumber(v[3]) + (now - v[4]) * rate / 1000) end
	if tokens < n_ops then return {'rate', math.ceil((n_ops - tokens) * 1000 / rate)} end
	if n_queues > 0 then
		local len = call('XLEN', outbox)
		if len >= max_outbox or
			len > 16 and (call('MEMORY', 'USAGE', outbox, 'SAMPLES', 5) or 0) > max_bytes then
			return {'outbox-full'}
		end
		for i = first_queue, first_queue + 2 * n_queues - 2, 2 do
			local p = tonumber(ARGV[i])
			look(p)
			if queue_len[p] + ARGV[i + 1] > max_queue then return {'queue-full'} end
		end
	end

	local reg, pf = v[2] == '1', v[5] or ' '
	local was, old_pf = reg, pf
	local out = {'ok'}
	local b = op_at
	local function uses(name)
		if not string.find(pf, ' ' .. name .. ' ', 1, true) then pf = pf .. name .. ' ' end
	end
	for i = 2, n_ops + 1 do
		local op = ARGV[b]
		if op == 'J' then
			local p = tonumber(ARGV[b + 1])
			if not reg then
				out[i] = 0
			elseif queue_up[p] == 0 then
				out[i] = 2
			else
				if ARGV[b + 4] == '' then
					call('XADD', KEYS[2 * p], '*', 's', h, 'j', ARGV[b + 2], 'd', ARGV[b + 3])
				else
					local lane = 'l:' .. ARGV[10 + p] .. ':' .. ARGV[b + 4]
					local previous = call('HGET', s, lane)
					call('HSET', s, lane, call('XADD', KEYS[2 * p], '*', 's', h, 'j', ARGV[b + 2],
						'd', ARGV[b + 3], 'p', previous or ''))
				end
				queue_len[p] = queue_len[p] + 1
				uses(ARGV[10 + p])
				out[i] = 1
			end
			b = b + 5
		elseif op == 'R' then
			reg = true
			out[i] = 1
			b = b + 1
		elseif op == 'C' then
			out[i] = reg and 1 or 0
			b = b + 1
		else
			out[i] = reg and 1 or 0
			if reg then
				local part = KEYS[first_part - 1 + ARGV[b + 2]]
				call('HSET', part, ARGV[b + 3], ARGV[b + 4])
				call('PEXPIRE', part, ttl_reg + grace)
				uses(ARGV[b + 1])
			end
			b = b + 5
		end
	end

	local ttl = reg and ttl_reg or ttl_unreg
	local refresh = new or reg ~= was or exp - now < ttl * 0.9
	if not refresh and pf == old_pf then
		call('HSET', s, 'tk', tokens - n_ops, 'tt', now)
		return out
	end
	local write = {'x', refresh and now + ttl or exp, 'r', reg and 1 or 0, 'tk', tokens - n_ops, 'tt', now, 'pf', pf}
	if new then
		write[11] = 'k'
		write[12] = salt
		call('XDEL', outbox, call('XADD', outbox, '*', 'm', ''))
	end
	call('HSET', s, unpack(write))
	if refresh then
		call('ZADD', sessions, now + ttl, h)
		call('PEXPIRE', s, ttl + grace)
		-- Longer than the session: whoever finds the session may append to the outbox.
		call('PEXPIRE', outbox, ttl + grace * 2)
		for p in string.gmatch(pf, '%S+') do
			call('PEXPIRE', string.gsub(s, ':s:', ':p:', 1) .. ':' .. p, ttl + grace)
		end
	end
	return out
end

local replies = {}
while ARGV[a] do replies[#replies + 1] = one() end
return replies
