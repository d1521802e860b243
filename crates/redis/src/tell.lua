-- Tells all nodes something, by the time of this server, and forgets what is old.
--
-- KEYS[1]  the stream.
-- ARGV     how many messages it keeps, for how many milliseconds, and then the message: field, value, field, value.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[1], '*', unpack(ARGV, 3))
redis.call('XTRIM', KEYS[1], 'MINID', '=', string.format('%.0f', now - ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
