-- wrk: one small chat completion. KEY: the bearer; STREAM=1: server-sent events.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. (os.getenv("KEY") or "none")
local to = os.getenv("PORTKEY_TO")
if to then
  wrk.headers["x-portkey-provider"] = "openai"
  wrk.headers["x-portkey-custom-host"] = to
end
local streamed = os.getenv("STREAM") == "1" and ',"stream":true,"stream_options":{"include_usage":true}' or ""
local text = string.rep("Say hello to the provider. ", tonumber(os.getenv("REPEAT") or "4"))
wrk.body = '{"model":"mock-model","messages":[{"role":"system","content":"You are brief."},{"role":"user","content":"'
  .. text .. '"}],"max_tokens":64' .. streamed .. "}"
