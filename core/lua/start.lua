-- SPDX-License-Identifier: MIT
-- start: a worker is about to run a job that must not run twice. Only the worker that holds the job may, and only once;
-- whoever finds the mark later knows that the job may have taken effect.
--
-- KEYS  1 queue  2 started
-- ARGV  1 group  2 worker  3 id
-- reply 1 marked, or by this worker already (it asks again when it got no answer): run it
--       0 the job is not this worker's (any more)  2 another worker had marked it
local p = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
if p.err or not p[1] or p[1][2] ~= ARGV[2] then return 0 end
if redis.call('HSETNX', KEYS[2], ARGV[3], ARGV[2]) == 1 then return 1 end
return redis.call('HGET', KEYS[2], ARGV[3]) == ARGV[2] and 1 or 2
