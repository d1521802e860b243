-- Measures requests against buckets, and charges each of them to all of its buckets or to none.
--
-- KEYS     the buckets, each once. All are read first and written last, so a bucket that a hundred requests ask for
--          is read and written once.
-- ARGV[1]  the time in microseconds since 1970, or '' for that of this server.
-- ARGV     then for each bucket how many of its units are in a microsecond,
--          then for each request how many asks it has (negative: nobody waits for the answer), and for each ask four:
--          which bucket; with how much debt it refuses ('-': never, then it is done first and whatever the others say);
--          how much debt it adds; and up to how much.
-- Answers  for each ask of each request that is waited for the debt of its bucket, or -1 minus that when it refused.
--
-- A bucket is 'time debt': so much was missing from a full one at that time. None is a full one.

local given = ARGV[1] ~= ''
local now
if given then
  now = tonumber(ARGV[1])
else
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local count = #KEYS
local scales, debts, changed = {}, {}, {}
local kept = redis.call('MGET', unpack(KEYS))
for k = 1, count do
  local scale, debt = tonumber(ARGV[k + 1]), 0
  local at, owed = string.match(kept[k] or '', '^(%d+) (%d+)$')
  if at then
    local elapsed = now - at
    -- A clock that was set back: what is owed stays owed, for no longer than it would have been.
    if elapsed < 0 then elapsed, changed[k] = 0, true end
    debt = math.max(0, owed - elapsed * scale)
  end
  scales[k], debts[k] = scale, debt
end

local function charged(debt, amount, most)
  if amount < 0 then return math.max(0, debt + amount) end
  return math.max(debt, math.min(debt + amount, most))
end

local function put(k, debt)
  if debt ~= debts[k] then debts[k], changed[k] = debt, true end
end

local i, last, answer = count + 2, #ARGV, {}
while i <= last do
  local asks = tonumber(ARGV[i])
  local is_asked = asks > 0
  if not is_asked then asks = -asks end
  local first, passes, trial, refused = i + 1, true, {}, {}
  i = first + 4 * asks
  for a = first, i - 1, 4 do
    if ARGV[a + 1] == '-' then
      local k = tonumber(ARGV[a])
      put(k, charged(debts[k], tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])))
    end
  end
  for a = first, i - 1, 4 do
    if ARGV[a + 1] ~= '-' then
      local k = tonumber(ARGV[a])
      local debt = trial[k] or debts[k]
      if debt > tonumber(ARGV[a + 1]) then
        refused[a], passes = true, false
      elseif passes then
        trial[k] = charged(debt, tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]))
      end
    end
  end
  if passes then
    for k, debt in pairs(trial) do put(k, debt) end
  end
  if is_asked then
    for a = first, i - 1, 4 do
      local debt = debts[tonumber(ARGV[a])]
      answer[#answer + 1] = refused[a] and -1 - debt or debt
    end
  end
end

for k in pairs(changed) do
  local debt = debts[k]
  if debt > 0 then
    -- Full again is the same as gone. A given time is not the one by which this server forgets.
    local rest = given and 3600000 or math.ceil(debt / scales[k] / 1000)
    redis.call('SET', KEYS[k], string.format('%.0f %.0f', now, debt), 'PX', rest)
  else
    redis.call('DEL', KEYS[k])
  end
end
return answer
