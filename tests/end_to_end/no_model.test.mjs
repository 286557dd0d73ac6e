// With no model at all the gateway runs, commands work over every way in, and plain text says how to set one up.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { inWorld } from './harness.mjs';
import { WsClient } from './ws_client.mjs';

// What each command must say; `say` sends one text to the same session and answers the reply.
async function commands(say, sandboxed) {
  const help = await say('/help');
  for (const name of ['/help', '/status', '/new', '/stop', '/model', '/tools', '/tool NAME {json}']) assert.ok(help.includes(name), help);
  const status = await say('/status');
  assert.match(status, /^Model: none/m);
  assert.match(status, sandboxed ? /^Sandbox: on/m : /^Sandbox: off/m);
  assert.match(await say('/model'), /openclaw onboard|models\.providers/);
  const tools = await say('/tools');
  for (const name of ['exec', 'process', 'read', 'write', 'edit', 'session_status']) assert.match(tools, new RegExp(`^- ${name}\\b`, 'm'));
  assert.match(await say('/tool exec {"command":"echo one; echo two >&2; exit 0"}'), /one\n[^]*exit code 0/);
  assert.match(await say('/tool write {"path":"a/b.txt","content":"kept"}'), /b\.txt/);
  assert.match(await say('/tool read {"path":"a/b.txt"}'), /kept/);
  assert.match(await say('/tool exec {"command":"exit 4"}'), /exit code 4/);
  assert.match(await say('/tool exec {"nonsense":1}'), /Tool exec: /);
  assert.match(await say('/tool nothing {}'), /There is no tool called nothing/);
  assert.match(await say('/tool exec {not json'), /JSON/);
  assert.match(await say('/new'), /New session/);
  const plain = await say('hello there');
  assert.match(plain, /openclaw onboard|models\.providers/, 'plain text says how to set up a model');
}

const stopped = (text) => assert.match(text, /Nothing is running|Stopped/);

for (const sandbox of ['off', 'all']) {
  test(`commands by every way in, sandbox ${sandbox}`, () => inWorld(async (world) => {
    world.configure({ sandbox });
    await world.startGateway();
    const inBox = sandbox === 'all';
    const http = (stream) => async (text) => {
      const reply = await world.post('/v1/chat/completions', { user: `u${stream}`, messages: [{ role: 'user', content: text }] });
      assert.equal(reply.status, 200, `${text}: ${reply.text}`);
      return reply.json.choices[0].message.content;
    };
    await commands(http(false), inBox);
    stopped(await http(false)('/stop'));

    const ws = new WsClient(world);
    assert.equal((await ws.open()).ok, true);
    await commands(async (text) => {
      const final = await ws.chat(text, 'agent:main:by-socket');
      assert.equal(final.state, 'final', `${text}: ${JSON.stringify(final)}`);
      return final.text;
    }, inBox);
    // Here "/stop" is a request of the protocol: it answers which runs it ended.
    const none = await ws.call('chat.send', { sessionKey: 'main', message: '/stop', idempotencyKey: 'stop-1' });
    assert.deepEqual([none.payload.aborted, none.payload.runIds], [false, []]);

    const terminal = async (text) => {
      const reply = await world.cli(['agent', '--session', 'by-terminal', '-m', text]);
      assert.equal(reply.code, 0, `${text}: ${reply.out}${reply.err}`);
      return reply.out;
    };
    await commands(terminal, inBox);
    stopped(await terminal('/stop'));
    assert.equal((await world.stopGateway()).code, 0);
  }));
}

test('starts from nothing with --allow-unconfigured', () => inWorld(async (world) => {
  await world.startGateway(['--allow-unconfigured']);
  assert.match(world.gateway.out, new RegExp(`listening on .*:${world.port}`));
  // It made its own secret, which the command line finds in the configuration.
  const tools = await world.cli(['tools', 'list', '--json'], { OPENCLAW_GATEWAY_TOKEN: '' });
  assert.equal(tools.code, 0, tools.err);
  assert.equal((await world.request('POST', '/tools/invoke', { token: '', body: { tool: 'session_status' } })).status, 401);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('without --allow-unconfigured nothing starts from nothing, and it says what to type', () => inWorld(async (world) => {
  const ran = await world.cli(['gateway', 'run'], { OPENCLAW_GATEWAY_PORT: '' });
  assert.equal(ran.code, 78, ran.out + ran.err);
  assert.match(ran.err, /gateway\.mode is not set .*openclaw onboard/);
}));
