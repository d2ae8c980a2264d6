-- SPDX-License-Identifier: MIT
-- start: a worker is about to run a job that must not run twice. Only the worker that holds the job may, and only once;
-- whoever finds the mark later knows that the job may have taken effect.
--
-- KEYS  1 queue  2 started
-- ARGV  1 group  2 worker  3 id
-- reply 1 marked: run it  0 the job is not this worker's (any more)  2 it was marked before
local p = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
if p.err or not p[1] or p[1][2] ~= ARGV[2] then return 0 end
return redis.call('HSETNX', KEYS[2], ARGV[3], ARGV[2]) == 1 and 1 or 2
