// A scripted model server for tests: chat completions (/v1/chat/completions) and messages (/v1/messages) with
// SSE, tool calls, delays, errors and broken streams. No dependencies.
//
//   node server.mjs --port 0 [--host 127.0.0.1] [--model mock-1]
//
// Prints one line, {"port":N}, and serves until it is told to stop (SIGTERM, or its standard input ends when
// started with --with-stdin).
//
// POST /script   {"replies":[reply, ...], "default": reply?, "append": bool?} or just [reply, ...]
//   reply: {"text":"Hello"} or {"chunks":["Hel","lo"]}
//          "thinking":"..."  "toolCalls":[{"id"?,"name","arguments":{}}]  "usage":{"input","output","cacheRead"}
//          "stopReason":"stop|length"   "match":"regexp over the last message's text, or over the last tool results"
//          "repeat":true  stays in the script: it answers every request that it matches
//          "delayMs":N before the first byte, "chunkDelayMs":N between pieces
//          "hold":true    stop after the pieces, before the end, until POST /release
//          "status":429, "headers":{}, "body":{}|"text"     an HTTP error instead of an answer
//          "broken":"cut" (connection ends after the pieces) | "garbage" (an event that is no JSON)
//                  | "error" (an error event) | "empty" (200 and nothing)
//          "plain":true   one JSON document although a stream was asked for
//   When the script is used up: "default", else {"text":"echo: <last user text>"}.
// GET  /requests        [{"method","path","headers","body"}] of the model calls, oldest first
// GET  /wait?count=N    answers when N model calls have come (30 s at most): {"count":N}
// POST /release         lets all replies with "hold" end
// POST /reset           forgets script and requests
import http from 'node:http';

const option = (name, otherwise) => {
  const at = process.argv.indexOf('--' + name);
  return at > 0 ? process.argv[at + 1] : otherwise;
};
const model = option('model', 'mock-1');

let script = [];
let fallback = null;
let requests = [];
let waiters = [];
let held = [];
let calls = 0;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function readBody(request) {
  return new Promise((done, fail) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => done(Buffer.concat(pieces).toString('utf8')));
    request.on('error', fail);
  });
}

function json(response, status, value, headers = {}) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  response.writeHead(status, {'content-type': 'application/json', ...headers});
  response.end(text);
}

function textOf(message) {
  if (typeof message.content === 'string') return message.content;
  return (message.content ?? [])
      .map((part) => part.text ?? (Array.isArray(part.content) ? part.content.map((c) => c.text ?? '').join('') : part.content ?? ''))
      .join('');
}

// What is new to the model: the last message, or all the tool results at the end.
function lastText(body) {
  const messages = body.messages ?? [];
  let from = messages.length - 1;
  while (from > 0 && messages[from].role === 'tool' && messages[from - 1].role === 'tool') --from;
  return messages.slice(Math.max(from, 0)).map(textOf).join('\n');
}

function nextReply(body) {
  const text = lastText(body);
  const at = script.findIndex((reply) => !reply.match || new RegExp(reply.match).test(text));
  if (at >= 0) return script[at].repeat ? script[at] : script.splice(at, 1)[0];
  return fallback ?? {text: 'echo: ' + text};
}

function note(request, body) {
  requests.push({method: request.method, path: request.url, headers: request.headers, body});
  waiters = waiters.filter(({count, done}) => {
    if (requests.length < count) return true;
    done();
    return false;
  });
}

const piecesOf = (reply) => reply.chunks ?? (reply.text ? [reply.text] : []);
const callsOf = (reply) =>
    (reply.toolCalls ?? []).map((call) => ({id: call.id ?? `call_${++calls}`, name: call.name,
                                           arguments: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments ?? {})}));

async function pause(reply, response) {
  if (!reply.hold) return;
  await new Promise((done) => {
    held.push(done);
    response.on('close', done);
  });
}

// Runs the parts that both vendors share; `vendor` says how the events look.
async function stream(reply, response, vendor) {
  response.writeHead(200, {'content-type': 'text/event-stream', 'cache-control': 'no-cache', ...reply.headers});
  response.flushHeaders();
  if (reply.broken === 'empty') return response.end();
  vendor.start();
  if (reply.thinking) vendor.thinking(reply.thinking);
  for (const piece of piecesOf(reply)) {
    vendor.text(piece);
    if (reply.chunkDelayMs) await sleep(reply.chunkDelayMs);
    if (response.destroyed) return;
  }
  callsOf(reply).forEach((call, index) => vendor.tool(call, index));
  await pause(reply, response);
  if (response.destroyed) return;
  if (reply.broken === 'cut') return response.destroy();
  if (reply.broken === 'garbage') response.write('data: {not json\n\n');
  if (reply.broken === 'error') {
    vendor.error();
    return response.end();
  }
  vendor.end();
  response.end();
}

function openai(reply, response) {
  const send = (value) => response.write('data: ' + (typeof value === 'string' ? value : JSON.stringify(value)) + '\n\n');
  const chunk = (delta, finish = null) => send({id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model,
                                               choices: [{index: 0, delta, finish_reason: finish}]});
  const usage = reply.usage ?? {input: 10, output: 3};
  return {
    start: () => chunk({role: 'assistant', content: ''}),
    thinking: (text) => chunk({reasoning_content: text}),
    text: (text) => chunk({content: text}),
    tool: (call, index) => {
      chunk({tool_calls: [{index, id: call.id, type: 'function', function: {name: call.name, arguments: ''}}]});
      const middle = Math.floor(call.arguments.length / 2);
      for (const part of [call.arguments.slice(0, middle), call.arguments.slice(middle)]) {
        chunk({tool_calls: [{index, function: {arguments: part}}]});
      }
    },
    error: () => send({error: {message: 'scripted failure', type: 'server_error'}}),
    end: () => {
      chunk({}, reply.toolCalls?.length ? 'tool_calls' : reply.stopReason ?? 'stop');
      send({id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model, choices: [],
            usage: {prompt_tokens: usage.input + (usage.cacheRead ?? 0), completion_tokens: usage.output,
                    total_tokens: usage.input + usage.output,
                    prompt_tokens_details: {cached_tokens: usage.cacheRead ?? 0}}});
      send('[DONE]');
    },
  };
}

function anthropic(reply, response) {
  const send = (type, value) => response.write(`event: ${type}\ndata: ${JSON.stringify({type, ...value})}\n\n`);
  const usage = reply.usage ?? {input: 10, output: 3};
  let index = -1;
  let open = '';
  const close = () => {
    if (open) send('content_block_stop', {index});
    open = '';
  };
  const begin = (kind, block) => {
    if (open === kind && kind !== 'tool_use') return;
    close();
    ++index;
    open = kind;
    send('content_block_start', {index, content_block: block});
  };
  return {
    start: () => send('message_start', {message: {id: 'msg_1', role: 'assistant', model, content: [],
                                                  usage: {input_tokens: usage.input, output_tokens: 1,
                                                          cache_read_input_tokens: usage.cacheRead ?? 0}}}),
    thinking: (text) => {
      begin('thinking', {type: 'thinking', thinking: ''});
      send('content_block_delta', {index, delta: {type: 'thinking_delta', thinking: text}});
      send('content_block_delta', {index, delta: {type: 'signature_delta', signature: 'sig'}});
    },
    text: (text) => {
      begin('text', {type: 'text', text: ''});
      send('content_block_delta', {index, delta: {type: 'text_delta', text}});
    },
    tool: (call) => {
      begin('tool_use', {type: 'tool_use', id: call.id, name: call.name, input: {}});
      send('content_block_delta', {index, delta: {type: 'input_json_delta', partial_json: call.arguments}});
    },
    error: () => send('error', {error: {type: 'overloaded_error', message: 'scripted failure'}}),
    end: () => {
      close();
      const reason = reply.toolCalls?.length ? 'tool_use' : reply.stopReason === 'length' ? 'max_tokens' : 'end_turn';
      send('message_delta', {delta: {stop_reason: reason}, usage: {output_tokens: usage.output}});
      send('message_stop', {});
    },
  };
}

function document(reply, isOpenAi) {
  const text = piecesOf(reply).join('');
  const toolCalls = callsOf(reply);
  const usage = reply.usage ?? {input: 10, output: 3};
  if (isOpenAi) {
    const message = {role: 'assistant', content: text};
    if (toolCalls.length) message.tool_calls = toolCalls.map((c) => ({id: c.id, type: 'function', function: {name: c.name, arguments: c.arguments}}));
    return {id: 'chatcmpl-1', object: 'chat.completion', model,
            choices: [{index: 0, message, finish_reason: toolCalls.length ? 'tool_calls' : 'stop'}],
            usage: {prompt_tokens: usage.input, completion_tokens: usage.output}};
  }
  return {id: 'msg_1', type: 'message', role: 'assistant', model,
          content: [{type: 'text', text}, ...toolCalls.map((c) => ({type: 'tool_use', id: c.id, name: c.name, input: JSON.parse(c.arguments)}))],
          stop_reason: toolCalls.length ? 'tool_use' : 'end_turn',
          usage: {input_tokens: usage.input, output_tokens: usage.output}};
}

async function answer(request, response, isOpenAi) {
  const body = JSON.parse(await readBody(request));
  const reply = nextReply(body);
  note(request, body);
  if (reply.delayMs) await sleep(reply.delayMs);
  if (response.destroyed) return;
  if (reply.status) {
    const content = reply.body ?? {error: {message: 'scripted failure', type: 'scripted'}};
    return json(response, reply.status, content, reply.headers);
  }
  if (reply.plain || !body.stream) {
    await pause(reply, response);
    return json(response, 200, document(reply, isOpenAi), reply.headers);
  }
  await stream(reply, response, isOpenAi ? openai(reply, response) : anthropic(reply, response));
}

async function control(request, response, url) {
  const name = request.method + ' ' + url.pathname;
  if (name === 'POST /script') {
    const given = JSON.parse(await readBody(request));
    const replies = Array.isArray(given) ? given : given.replies ?? [];
    script = given.append ? [...script, ...replies] : [...replies];
    if (!Array.isArray(given) && 'default' in given) fallback = given.default;
    return json(response, 200, {ok: true, replies: script.length});
  }
  if (name === 'GET /requests') return json(response, 200, requests);
  if (name === 'POST /release') {
    const count = held.length;
    for (const done of held.splice(0)) done();
    return json(response, 200, {released: count});
  }
  if (name === 'POST /reset') {
    script = [];
    fallback = null;
    requests = [];
    for (const done of held.splice(0)) done();
    return json(response, 200, {ok: true});
  }
  if (name === 'GET /wait') {
    const count = Number(url.searchParams.get('count') ?? '1');
    if (requests.length < count) {
      await new Promise((done) => {
        const timer = setTimeout(done, 30000);
        waiters.push({count, done: () => { clearTimeout(timer); done(); }});
      });
    }
    return json(response, 200, {count: requests.length});
  }
  return json(response, 404, {error: {message: 'no such path: ' + name}});
}

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  try {
    if (request.method === 'POST' && url.pathname.endsWith('/chat/completions')) await answer(request, response, true);
    else if (request.method === 'POST' && url.pathname.endsWith('/messages')) await answer(request, response, false);
    else if (request.method === 'GET' && url.pathname.endsWith('/models')) {
      json(response, 200, {object: 'list', data: [{id: model, object: 'model', max_model_len: 32000}]});
    } else await control(request, response, url);
  } catch (failure) {
    if (!response.headersSent) json(response, 400, {error: {message: String(failure)}});
    else response.destroy();
  }
});
server.keepAliveTimeout = 60000;
server.listen(Number(option('port', '0')), option('host', '127.0.0.1'), () => {
  process.stdout.write(JSON.stringify({port: server.address().port}) + '\n');
});
const stop = () => process.exit(0);
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
if (process.argv.includes('--with-stdin')) {
  process.stdin.on('end', stop);
  process.stdin.resume();
}
