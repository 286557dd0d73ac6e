// A denied tool is refused with one and the same explained verdict, whatever the way in, and nothing runs.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { inWorld, sseData } from './harness.mjs';
import { WsClient } from './ws_client.mjs';

async function begin(world, sandbox) {
  await world.startModel();
  world.marker = path.join(world.dir, 'marker');
  world.configure({ sandbox, deny: ['exec'] });
  await world.startGateway();
}

const command = (world) => `touch ${world.marker}`;
const slash = (world) => `/tool exec ${JSON.stringify({ command: command(world) })}`;

// The verdict that all others are held against.
async function verdictOf(world) {
  const refused = await world.post('/tools/invoke', { tool: 'exec', args: { command: command(world) } });
  assert.equal(refused.status, 404, refused.text);
  assert.deepEqual(refused.json.error, { type: 'not_found', message: 'Tool not available: exec' });
  const { verdict, explain } = refused.json;
  assert.equal(verdict.key, 'tools.deny');
  assert.equal(verdict.layer, 'global');
  assert.match(verdict.rule, /exec/);
  const line = readFileSync(world.configFile, 'utf8').split('\n').indexOf('deny = ["exec"]') + 1;
  assert.equal(verdict.file, `openclaw.toml:${line}:8`);
  for (const part of ['exec', verdict.rule, verdict.key, verdict.file, verdict.fix]) assert.ok(explain.includes(part), explain);
  return { verdict, explain };
}

// Plays a model that asks for the denied tool; answers what it was told.
async function asModel(world, turn) {
  await world.model.reset();
  await world.model.script([
    { toolCalls: [{ id: 'denied_1', name: 'exec', arguments: { command: command(world) } }] }, { text: 'I was refused.' }]);
  const said = await turn();
  assert.match(said, /I was refused\.$/m);
  const requests = await world.model.requests();
  assert.equal(requests.length, 2);
  const offered = requests[0].tools.map((t) => t.function.name);
  assert.ok(offered.includes('read') && !offered.includes('exec'), `offered: ${offered}`);
  const content = requests[1].messages.find((m) => m.tool_call_id === 'denied_1').content;
  return typeof content === 'string' ? content : content.map((c) => c.text).join('');
}

const waysIn = {
  'chat completions': async (world, text) => {
    const reply = await world.post('/v1/chat/completions', { messages: [{ role: 'user', content: text }] });
    assert.equal(reply.status, 200, reply.text);
    return reply.json.choices[0].message.content;
  },
  'chat completions, streamed': async (world, text) => {
    const reply = await world.post('/v1/chat/completions', { stream: true, messages: [{ role: 'user', content: text }] });
    assert.equal(reply.status, 200, reply.text);
    return sseData(reply.text).filter((d) => d !== '[DONE]').map((d) => JSON.parse(d).choices[0].delta.content ?? '').join('');
  },
  'chat.send': async (world, text) => {
    const ws = new WsClient(world);
    assert.equal((await ws.open()).ok, true);
    return (await ws.chat(text)).text;
  },
  'the agent method': async (world, text) => {
    const ws = new WsClient(world);
    assert.equal((await ws.open()).ok, true);
    const reply = await ws.call('agent', { message: text, idempotencyKey: `denied-${Math.random()}` });
    assert.equal(reply.ok, true, JSON.stringify(reply));
    return reply.payload.result.payloads[0].text;
  },
  'openclaw agent -m': async (world, text) => {
    const reply = await world.cli(['agent', '-m', text]);
    assert.equal(reply.code, 0, reply.err);
    return reply.out.trimEnd();
  },
};

for (const sandbox of ['off', 'all']) {
  test(`the same verdict everywhere, sandbox ${sandbox}`, () => inWorld(async (world) => {
    await begin(world, sandbox);
    const { verdict, explain } = await verdictOf(world);
    for (const [name, say] of Object.entries(waysIn)) {
      assert.equal(await say(world, slash(world)), explain, `/tool by ${name}`);
      assert.equal(await asModel(world, () => say(world, 'please run it')), explain, `the model by ${name}`);
    }
    const ws = new WsClient(world);
    assert.equal((await ws.open()).ok, true);
    const rpc = await ws.call('tools.invoke', { tool: 'exec', args: { command: command(world) } });
    assert.equal(rpc.ok, false);
    assert.equal(rpc.error.message, explain);
    assert.deepEqual(rpc.error.details, verdict);
    const cli = await world.cli(['tools', 'invoke', 'exec', '--args', JSON.stringify({ command: command(world) })]);
    assert.equal(cli.code, 1, cli.out + cli.err);
    assert.ok(cli.err.includes(explain), cli.err);
    // Other names of the tool are the tool.
    for (const name of ['bash', 'EXEC', ' exec ']) {
      const other = await world.post('/tools/invoke', { tool: name, args: { command: command(world) } });
      assert.equal(other.json.explain, explain, `by the name ${JSON.stringify(name)}: ${other.text}`);
    }
    // The owner's log has a line for each way in.
    for (const entry of ['http', 'command', 'agent', 'cli']) {
      assert.match(world.log(), new RegExp(`tool exec refused: layer global, .*tools\\.deny.*entry ${entry},`), entry);
    }
    assert.ok(!existsSync(world.marker), 'the denied tool ran');
    assert.deepEqual(await world.containers(), []);
    assert.equal((await world.stopGateway()).code, 0);
  }));
}

test('POST /tools/invoke says whether a tool is denied, not for this door, or unknown', () => inWorld(async (world) => {
  world.configure({ deny: ['write'] });
  await world.startGateway();
  const explain = async (tool) => {
    const { status, json } = await world.post('/tools/invoke', { tool, args: {} });
    assert.equal(status, 404);
    assert.equal(json.error.message, `Tool not available: ${tool}`);
    return json.explain;
  };
  assert.match(await explain('write'), /^Tool write is denied by tools\.deny /);
  assert.match(await explain('exec'), /^Tool exec is not offered by POST \/tools\/invoke; .*openclaw tools invoke exec$/);
  assert.match(await explain('nothing'), /^There is no tool called nothing\./);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('sandbox explain names rule, layer and key', () => inWorld(async (world) => {
  await begin(world, 'all');
  const { verdict, explain } = await verdictOf(world);
  const told = await world.cli(['sandbox', 'explain', '--tool', 'exec', '--json']);
  assert.equal(told.code, 0, told.err);
  const { tool } = told.json();
  assert.equal(tool.allowed, false);
  assert.equal(tool.explanation, explain);
  for (const key of ['layer', 'rule', 'key', 'file', 'fix']) assert.equal(tool[key], verdict[key], key);
}));
