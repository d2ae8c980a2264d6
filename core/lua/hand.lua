-- SPDX-License-Identifier: MIT
-- hand: give a job to the worker that holds its account, and tell that worker. It counts as the same delivery.
--
-- KEYS  1 queue
-- ARGV  1 group  2 worker  3 id  4 the other worker  5 its channel
-- reply 1 done  0 the job is not this worker's (any more)
local p = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
if p.err or not p[1] or p[1][2] ~= ARGV[2] then return 0 end
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[4], 0, ARGV[3], 'JUSTID')
redis.call('PUBLISH', ARGV[5], ARGV[3])
return 1
