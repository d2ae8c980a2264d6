-- SPDX-License-Identifier: MIT
-- leave: what the holder of an account leaves about it: a record for whoever comes after, or nothing, or the account itself.
--
-- KEYS  1 account  2 held by the worker  3 held by nobody  4 holders
-- ARGV  1 worker  2 account's key  3 "record", "forget" (the record), "release" (both are gone) or "return" (to be taken
--       over by another, as if nobody's worker had died)  4 the record  5 ttl ms  6 nobody's name
-- reply 1 done  0 another worker holds the account, or nobody
if redis.call('HGET', KEYS[1], 'w') ~= ARGV[1] then
	redis.call('SREM', KEYS[2], ARGV[2])
	return 0
end
if ARGV[3] == 'record' then
	redis.call('HSET', KEYS[1], 'd', ARGV[4])
	redis.call('PEXPIRE', KEYS[1], ARGV[5])
elseif ARGV[3] == 'forget' then
	redis.call('HDEL', KEYS[1], 'd')
elseif ARGV[3] == 'return' then
	redis.call('HSET', KEYS[1], 'w', ARGV[6])
	redis.call('SREM', KEYS[2], ARGV[2])
	redis.call('SADD', KEYS[3], ARGV[2])
	redis.call('SADD', KEYS[4], ARGV[6])
	for _, key in ipairs({KEYS[1], KEYS[3], KEYS[4]}) do redis.call('PEXPIRE', key, ARGV[5]) end
else
	redis.call('UNLINK', KEYS[1])
	redis.call('SREM', KEYS[2], ARGV[2])
end
return 1
