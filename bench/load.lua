-- What wrk sends. A template: bench.servers fills in what stands behind dollar signs.
local visitors, headers = $visitors, { $headers }
local operations = { $operations }
math.randomseed(os.time())

-- `<name>` in a path or body stands for a value; bench.store.fill does the same.
function request()
   local operation, i = operations[math.random(#operations)], math.random(0, visitors - 1)
   local values = {
      i = i, page = i % 50, draw = math.random(1, 1000000000),
      visitor = string.format("%08x-0000-4000-8000-00000000%04x", (i * 2654435761) % 4294967296, i % 65536),
   }
   local path, body = operation.path:gsub("<(%l+)>", values), nil
   if operation.method == "POST" then body = operation.body:gsub("<(%l+)>", values) end
   return wrk.format(operation.method, path, headers, body)
end

function done(summary, latency)
   local e = summary.errors
   io.write(string.format('{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"errors":%d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      e.connect + e.read + e.write + e.timeout + e.status))
end
