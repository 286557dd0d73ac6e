// One turn with two parallel tool calls in the container, over every way in that needs no chat company.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { inWorld, sseData } from './harness.mjs';
import * as sandboxed from './sandboxed_turn.mjs';
import { WsClient } from './ws_client.mjs';

async function begin(world) {
  await world.startModel();
  world.configure({ sandbox: 'all' });
  await world.startGateway();
}

// Its own containers can be listed and removed by the person who owns them, and none stays.
async function leavesNothing(world, sessions = 1) {
  assert.equal((await world.containers()).length, sessions);
  const ws = new WsClient(world);
  assert.equal((await ws.open()).ok, true);
  const listed = await ws.call('sandbox.list', {});
  assert.equal(listed.payload.containers.length, sessions, JSON.stringify(listed));
  const removed = await ws.call('sandbox.recreate', { force: true });
  assert.equal(removed.payload.removed.length, sessions, JSON.stringify(removed));
  assert.deepEqual(await world.containers(), []);
}

async function endsWell(world) {
  const ended = await world.stopGateway();
  assert.equal(ended.code, 0, JSON.stringify(ended));
}

test('chat completions, one document', () => inWorld(async (world) => {
  await begin(world);
  await world.model.script(sandboxed.script('plain'));
  const reply = await world.post('/v1/chat/completions', { model: 'openclaw', messages: [{ role: 'user', content: 'do plain' }] });
  assert.equal(reply.status, 200, reply.text);
  sandboxed.check(await world.model.requests(), 'plain');
  assert.equal(reply.json.object, 'chat.completion');
  assert.equal(reply.json.choices[0].message.role, 'assistant');
  assert.ok(reply.json.choices[0].message.content.endsWith(sandboxed.answer), reply.text);
  assert.ok(reply.json.usage.total_tokens > 0, reply.text);
  await leavesNothing(world);
  await endsWell(world);
}));

test('chat completions, streamed', () => inWorld(async (world) => {
  await begin(world);
  await world.model.script(sandboxed.script('streamed'));
  const reply = await world.post('/v1/chat/completions',
    { model: 'openclaw', stream: true, messages: [{ role: 'user', content: 'do streamed' }] });
  assert.equal(reply.status, 200, reply.text);
  assert.match(reply.type, /^text\/event-stream/);
  sandboxed.check(await world.model.requests(), 'streamed');
  const data = sseData(reply.text);
  assert.equal(data.pop(), '[DONE]');
  const chunks = data.map((d) => JSON.parse(d));
  assert.deepEqual(chunks[0].choices[0].delta, { role: 'assistant' });
  const text = chunks.map((c) => c.choices[0].delta.content ?? '').join('');
  assert.equal(text.split(sandboxed.answer).length, 2, reply.text);
  assert.ok(text.endsWith(sandboxed.answer), text);
  await leavesNothing(world);
  await endsWell(world);
}));

test('WebSocket chat.send', () => inWorld(async (world) => {
  await begin(world);
  await world.model.script(sandboxed.script('socket'));
  const ws = new WsClient(world);
  assert.equal((await ws.open()).ok, true);
  const final = await ws.chat('do socket');
  assert.equal(final.state, 'final', JSON.stringify(final));
  assert.ok(final.text.endsWith(sandboxed.answer), final.text);
  sandboxed.check(await world.model.requests(), 'socket');
  // Both tools were shown to the one who asked, and both began before either ended.
  const tools = ws.events.filter((e) => e.event === 'agent' && e.payload.stream === 'tool').map((e) => e.payload.data);
  const phases = tools.filter((t) => t.phase !== 'update').map((t) => t.phase);
  assert.deepEqual(phases, ['start', 'start', 'result', 'result']);
  assert.equal(ws.events.filter((e) => e.event === 'chat' && e.payload.state === 'final').length, 1);
  const history = await ws.call('chat.history', { sessionKey: 'main' });
  const said = history.payload.messages.filter((m) => JSON.stringify(m).includes(sandboxed.answer));
  assert.equal(said.length, 1, JSON.stringify(history));
  await leavesNothing(world);
  await endsWell(world);
}));

test('openclaw agent -m', () => inWorld(async (world) => {
  await begin(world);
  await world.model.script(sandboxed.script('terminal'));
  const reply = await world.cli(['agent', '-m', 'do terminal']);
  assert.equal(reply.code, 0, reply.err);
  assert.ok(reply.out.endsWith(sandboxed.answer + '\n'), reply.out);
  sandboxed.check(await world.model.requests(), 'terminal');
  // The next turn of the session finds what the first one left, and --json answers one document.
  await world.model.script([
    { match: 'again', toolCalls: [{ name: 'read', arguments: { path: 'note.txt' } }] },
    { match: 'note of terminal', text: 'still there' }]);
  const again = await world.cli(['agent', '-m', 'again', '--json']);
  assert.equal(again.code, 0, again.err);
  assert.equal(again.json().result.payloads[0].text, 'still there');
  await leavesNothing(world);
  await endsWell(world);
}));

test('openclaw tools invoke runs one command in the sandbox', () => inWorld(async (world) => {
  world.configure({ sandbox: 'all' });
  await world.startGateway();
  const ran = await world.cli(['tools', 'invoke', 'exec', '--args', JSON.stringify({ command: 'echo from the $(cat /proc/sys/kernel/hostname | wc -l) box' })]);
  assert.equal(ran.code, 0, ran.err);
  assert.match(ran.out, /^from the 1 box$/m);
  // A command may take longer than the limit of commands that only look something up (10 s), unless it is told so.
  const long = await world.cli(['tools', 'invoke', 'exec', '--args', '{"command":"sleep 11; echo at last","yieldMs":60000}']);
  assert.match(long.out, /^at last$/m, long.err);
  const impatient = await world.cli(['tools', 'invoke', 'exec', '--timeout', '1500', '--args', '{"command":"sleep 5000","yieldMs":60000}']);
  assert.equal(impatient.code, 1, impatient.out);
  assert.match(impatient.err, /time limit/);
  const failed = await world.cli(['tools', 'invoke', 'exec', '--args', '{"command":"exit 3"}']);
  assert.equal(failed.code, 1, failed.out + failed.err);
  assert.match(failed.out + failed.err, /exit code 3/);
  const wrong = await world.cli(['tools', 'invoke', 'exec', '--args', '{"command":"id","comand":"ls"}']);
  assert.equal(wrong.code, 1, wrong.out + wrong.err);
  assert.match(wrong.err, /comand/);
  assert.doesNotMatch(wrong.out, /uid=/);
  const status = await world.post('/tools/invoke', { tool: 'session_status', args: {} });
  assert.equal(status.status, 200, status.text);
  await leavesNothing(world);
  await endsWell(world);
}));
