-- SPDX-License-Identifier: MIT
-- leave: what the holder of an account leaves about it: a record for whoever comes after, or nothing and the account itself.
--
-- KEYS  1 account  2 held by the worker
-- ARGV  1 worker  2 account's key  3 "record", "forget" (the record) or "release" (the account)  4 the record  5 ttl ms
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
else
	redis.call('UNLINK', KEYS[1])
	redis.call('SREM', KEYS[2], ARGV[2])
end
return 1
