-- SPDX-License-Identifier: MIT
-- intake: all that one client request does to Redis, in one step: make or find the session, check the bounds, register,
-- store credentials, queue jobs. Nothing is written unless the whole request is within the bounds.
--
-- KEYS  1 session  2 sessions  3 outbox, then per platform a pair (queue, up), then parts of the session
-- ARGV  1 h  2 create (0|1)  3 ttl ms  4 unregistered ttl ms  5 max sessions  6 max outbox  7 max outbox bytes
--       8 max queue  9 jobs per s  10 burst  11 salt  12 grace ms  13 number of ops  14 number of platforms,
--       then per platform: name, number of its jobs; then the ops:
--         R                              register
--         C                              is it registered?
--         S platform-name part field blob  store credentials (part: 1, 2, ... of the parts)
--         J platform-index token blob    queue a job (index: 1, 2, ... of the pairs)
-- reply {"no-session"} | {"sessions-full"} | {"outbox-full"} | {"queue-full"} | {"rate", ms}
--       | {"ok", one per op: 1 done, 0 not registered, 2 no worker}
local s, sessions, outbox = KEYS[1], KEYS[2], KEYS[3]
local h = ARGV[1]
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local v = redis.call('HMGET', s, 'x', 'r', 'tk', 'tt', 'pf')
local exp = tonumber(v[1] or 0)
local new = exp <= now
if new then
	if ARGV[2] == '0' then return {'no-session'} end
	if redis.call('ZCARD', sessions) >= tonumber(ARGV[5]) then return {'sessions-full'} end
end
local reg = v[2] == '1'
local n_ops, n_plat = tonumber(ARGV[13]), tonumber(ARGV[14])
local burst = tonumber(ARGV[10])
local tokens = burst
if v[3] then tokens = math.min(burst, tonumber(v[3]) + (now - tonumber(v[4])) * ARGV[9] / 1000) end
if tokens < n_ops then return {'rate', math.ceil((n_ops - tokens) * 1000 / ARGV[9])} end
local pf = v[5] or ' '
local up, names = {}, {}
local a = 15
local max_queue = tonumber(ARGV[8])
if n_plat > 0 then
	local len = redis.call('XLEN', outbox)
	if len >= tonumber(ARGV[6]) or
		len > 16 and (redis.call('MEMORY', 'USAGE', outbox, 'SAMPLES', 5) or 0) > tonumber(ARGV[7]) then
		return {'outbox-full'}
	end
	for i = 1, n_plat do
		names[i] = ARGV[a]
		if redis.call('XLEN', KEYS[2 + 2 * i]) + ARGV[a + 1] > max_queue then return {'queue-full'} end
		up[i] = redis.call('EXISTS', KEYS[3 + 2 * i])
		a = a + 2
	end
end

local out = {'ok'}
local was, old_pf = reg, pf
for i = 1, n_ops do
	local op = ARGV[a]
	if op == 'R' then
		reg = true
		out[i + 1] = 1
		a = a + 1
	elseif op == 'C' then
		out[i + 1] = reg and 1 or 0
		a = a + 1
	elseif op == 'S' then
		out[i + 1] = reg and 1 or 0
		if reg then
			local part = KEYS[3 + 2 * n_plat + ARGV[a + 2]]
			redis.call('HSET', part, ARGV[a + 3], ARGV[a + 4])
			redis.call('PEXPIRE', part, ARGV[3] + ARGV[12])
			if not string.find(pf, ' ' .. ARGV[a + 1] .. ' ', 1, true) then pf = pf .. ARGV[a + 1] .. ' ' end
		end
		a = a + 5
	else
		local p = tonumber(ARGV[a + 1])
		if not reg then
			out[i + 1] = 0
		elseif up[p] == 0 then
			out[i + 1] = 2
		else
			redis.call('XADD', KEYS[2 + 2 * p], '*', 's', h, 'j', ARGV[a + 2], 'd', ARGV[a + 3])
			if not string.find(pf, ' ' .. names[p] .. ' ', 1, true) then pf = pf .. names[p] .. ' ' end
			out[i + 1] = 1
		end
		a = a + 4
	end
end

local ttl = tonumber(reg and ARGV[3] or ARGV[4])
local write = {'tk', tokens - n_ops, 'tt', now}
if reg ~= was then
	write[#write + 1] = 'r'
	write[#write + 1] = 1
end
if pf ~= old_pf then
	write[#write + 1] = 'pf'
	write[#write + 1] = pf
end
if new then
	write[#write + 1] = 'k'
	write[#write + 1] = ARGV[11]
	redis.call('XDEL', outbox, redis.call('XADD', outbox, '*', 'm', ''))
end
local refresh = new or reg ~= was or exp - now < ttl * 0.9
if refresh then
	write[#write + 1] = 'x'
	write[#write + 1] = now + ttl
end
redis.call('HSET', s, unpack(write))
if refresh then
	redis.call('ZADD', sessions, now + ttl, h)
	redis.call('PEXPIRE', s, ttl + ARGV[12])
	-- Longer than the session: whoever finds the session may append to the outbox.
	redis.call('PEXPIRE', outbox, ttl + ARGV[12] * 2)
	for p in string.gmatch(pf, '%S+') do
		redis.call('PEXPIRE', string.gsub(s, ':s:', ':p:', 1) .. ':' .. p, ttl + ARGV[12])
	end
end
return out
