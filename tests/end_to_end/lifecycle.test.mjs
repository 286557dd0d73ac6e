// Start, reload, stop, and what a gateway refuses at its door.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { inWorld, toml, waitFor } from './harness.mjs';
import { WsClient } from './ws_client.mjs';

const invoke = (world, tool = 'session_status') => world.post('/tools/invoke', { tool, args: {} });

test('an invalid edit changes nothing and says why; a valid one takes effect without a restart', () => inWorld(async (world) => {
  world.configure({ deny: ['exec'] });
  await world.startGateway();
  const { pid } = world.gateway.child;
  assert.equal((await invoke(world)).status, 200);

  // Also the valid half of an invalid edit must not count.
  const broken = toml({ ...world.settings, deny: ['session_status'] }).replace('[tools]', '[tools]\ndenny = ["exec"]');
  world.writeConfig(broken);
  const line = broken.split('\n').findIndex((l) => l.startsWith('denny')) + 1;
  await waitFor('the log to say why', () => world.log().includes('not reloaded'));
  const said = world.log().split('\n').find((l) => l.includes('not reloaded'));
  for (const part of ['denny', `openclaw.toml:${line}`, 'deny']) assert.ok(said.includes(part), said);
  assert.equal((await invoke(world)).status, 200);

  world.writeConfig('this is = = no TOML\n');
  await waitFor('the log to say why again', () => world.log().split('not reloaded').length === 3);
  assert.equal((await invoke(world)).status, 200);

  world.configure({ deny: ['session_status'] });
  const refused = await waitFor('the new rule', async () => {
    const answer = await invoke(world);
    return answer.status === 404 && answer;
  });
  assert.equal(refused.json.verdict.key, 'tools.deny');
  assert.ok(refused.json.explain.includes('session_status'), refused.text);
  // And exec, which the first configuration denied, is free again.
  const ran = await world.cli(['tools', 'invoke', 'exec', '--args', '{"command":"echo free"}']);
  assert.match(ran.out, /^free$/m, ran.err);
  assert.equal(world.gateway.exited, null);
  assert.equal(world.gateway.child.pid, pid);

  // The same by the signal.
  world.configure({ deny: [] });
  world.gateway.child.kill('SIGHUP');
  await waitFor('the rule to go', async () => (await invoke(world)).status === 200);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a rule that comes in the middle of a turn counts for its next call', () => inWorld(async (world) => {
  await world.startModel();
  world.configure();
  await world.startGateway();
  const marker = path.join(world.dir, 'marker');
  const exec = (id) => ({ id, name: 'exec', arguments: { command: `echo ${id} >> ${marker}` } });
  await world.model.script([{ match: 'work', toolCalls: [exec('first')] },
    { match: 'exit code 0', hold: true, toolCalls: [exec('second')] }, { match: 'denied by', text: 'I stop.' }]);
  const turn = world.cli(['agent', '-m', 'work']);
  await world.model.wait(2);
  world.configure({ deny: ['exec'] });
  await waitFor('the new rule', async () => (await invoke(world, 'exec')).json?.verdict?.key === 'tools.deny');
  await world.model.release();
  const { out, err } = await turn;
  assert.equal(out, 'I stop.\n', err);
  assert.equal(readFileSync(marker, 'utf8'), 'first\n');
  assert.equal((await world.stopGateway()).code, 0);
}));

test('sandboxing can be switched on without a restart', () => inWorld(async (world) => {
  world.configure();
  await world.startGateway();
  const host = async () => /^name=(.+)$/m.exec((await world.cli(['tools', 'invoke', 'exec', '--args',
    '{"command":"echo name=$(cat /proc/sys/kernel/hostname)"}'])).out)?.[1];
  assert.equal(await host(), hostname());
  world.configure({ sandbox: 'all' });
  await waitFor('the container', async () => {
    const name = await host();
    return name && name !== hostname();
  });
  assert.equal((await world.containers()).length, 1);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('flags win over the environment, the environment over the file', () => inWorld(async (world) => {
  world.configure();
  world.writeConfig(readFileSync(world.configFile, 'utf8').replace('mode = "local"', 'mode = "local"\nport = 1'));
  world.extraEnv.OPENCLAW_GATEWAY_TOKEN = 'token-of-the-environment-0123456789';
  await world.startGateway();
  const status = async (token) => (await world.request('POST', '/tools/invoke', { token, body: { tool: 'session_status' } })).status;
  assert.equal(await status(world.token), 401);
  assert.equal(await status(world.extraEnv.OPENCLAW_GATEWAY_TOKEN), 200);
  assert.equal((await world.stopGateway()).code, 0);
  await world.startGateway(['--token', 'token-of-the-flag-0123456789']);
  assert.equal(await status(world.extraEnv.OPENCLAW_GATEWAY_TOKEN), 401);
  assert.equal(await status('token-of-the-flag-0123456789'), 200);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a configuration that is wrong from the start ends with 78 and a place', () => inWorld(async (world) => {
  world.writeConfig('[gateway]\nmode = "local"\nprot = 1\n');
  const ran = await world.cli(['gateway', 'run']);
  assert.equal(ran.code, 78, ran.out + ran.err);
  assert.match(ran.err, /openclaw\.toml:3/);
  assert.match(ran.err, /port/);
}));

test('SIGTERM ends in time with 0, also in the middle of turns', () => inWorld(async (world) => {
  await world.startModel();
  world.configure({ sandbox: 'all' });
  await world.startGateway();
  // One turn waits for the model, another for a command in its container.
  await world.model.script([
    { match: 'wait', text: 'never finished', hold: true },
    { match: 'work', toolCalls: [{ name: 'exec', arguments: { command: 'echo begun; sleep 600', yieldMs: 600000 } }] }]);
  const ws = new WsClient(world);
  assert.equal((await ws.open()).ok, true);
  await ws.call('chat.send', { sessionKey: 'one', message: 'wait', idempotencyKey: 'wait' });
  await ws.call('chat.send', { sessionKey: 'two', message: 'work', idempotencyKey: 'work' });
  await world.model.wait(2);
  await ws.event('agent', (p) => p.runId === 'work' && p.stream === 'tool');
  await waitFor('the container', async () => (await world.containers()).length === 1);
  const ended = await world.stopGateway();
  assert.deepEqual([ended.code, ended.signal], [0, null], ended.err);
  assert.ok(ended.ms < 10000, `took ${ended.ms} ms`);
  assert.ok(ws.closed, 'clients were told');

  // The next one starts on the same state and port, and the sessions go on.
  await world.startGateway();
  await world.model.reset();
  await world.model.script([{ match: 'and now', text: 'I am back' }]);
  const reply = await world.cli(['agent', '--session', 'two', '-m', 'and now']);
  assert.equal(reply.out, 'I am back\n', reply.err);
  const [request] = await world.model.requests();
  assert.ok(JSON.stringify(request.messages).includes('work'), 'the earlier turn is remembered');
  assert.equal((await world.stopGateway('SIGINT')).code, 0);
}));

test('a second gateway on the same state is refused and the first goes on', () => inWorld(async (world) => {
  world.configure();
  await world.startGateway();
  const second = await world.cli(['gateway', 'run'], { OPENCLAW_GATEWAY_PORT: '1' });
  assert.notEqual(second.code, 0);
  assert.ok(second.err.includes(`A gateway already runs on ${world.state} (pid ${world.gateway.child.pid})`), second.err);
  assert.equal((await invoke(world)).status, 200);
  // After a crash the lock is free at once.
  await world.stopGateway('SIGKILL');
  await world.startGateway();
  assert.equal((await invoke(world)).status, 200);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a taken port is a clear message', () => inWorld(async (world) => {
  world.configure();
  await world.startGateway();
  const other = path.join(world.dir, 'other');
  const second = await world.cli(['gateway', 'run', '--allow-unconfigured'], { OPENCLAW_STATE_DIR: other });
  assert.equal(second.code, 1, second.out + second.err);
  assert.match(second.err, new RegExp(`${world.port}`));
  assert.match(second.err, /in use/i);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a port that a dying predecessor still holds is waited for', () => inWorld(async (world) => {
  world.configure();
  await world.startGateway();
  assert.equal((await world.stopGateway()).code, 0);
  const holder = net.createServer((socket) => socket.destroy()).listen(world.port, '127.0.0.1');
  await new Promise((done) => holder.once('listening', done));
  setTimeout(() => holder.close(), 300);
  await world.startGateway();
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a wrong secret is refused by HTTP, WebSocket and the command line', () => inWorld(async (world) => {
  world.configure();
  await world.startGateway();
  const calls = [['/tools/invoke', { tool: 'session_status' }],
    ['/v1/chat/completions', { messages: [{ role: 'user', content: '/help' }] }]];
  for (const [route, body] of calls) {
    for (const token of ['', 'wrong', world.token + 'x', world.token.slice(1)]) {
      const refused = await world.request('POST', route, { token, body });
      assert.equal(refused.status, 401, `${route} with ${JSON.stringify(token)}: ${refused.text}`);
      assert.ok(!refused.text.includes(world.token));
    }
    assert.equal((await world.request('POST', route, { body })).status, 200);
  }
  const ws = new WsClient(world, 'wrong');
  const refused = await ws.open();
  assert.equal(refused.ok, false);
  assert.match(refused.error.message, /unauthorized/);
  await waitFor('the close', () => ws.closed);
  assert.equal(ws.closed.code, 1008);
  const cli = await world.cli(['tools', 'list'], { OPENCLAW_GATEWAY_TOKEN: 'wrong' });
  assert.equal(cli.code, 1, cli.out);
  assert.match(cli.err, /token/);
  const right = new WsClient(world);
  assert.equal((await right.open()).ok, true);
  // A page of another origin has no business here even with the secret.
  const foreign = await world.request('POST', '/tools/invoke', { body: calls[0][1], headers: { origin: 'http://evil.example' } });
  assert.equal(foreign.status, 403, foreign.text);
  assert.ok(!world.log().includes(world.token) && !world.gateway.err.includes(world.token) && !world.gateway.out.includes(world.token),
    'no secret in logs or output');
  assert.equal((await world.stopGateway()).code, 0);
}));

test('with no Docker engine the gateway runs and exec says what is missing', () => inWorld(async (world) => {
  await world.startModel();
  const socket = path.join(world.dir, 'no-docker.sock');
  world.configure({ sandbox: 'all', engine: `unix:${socket}` });
  await world.startGateway();
  const clear = new RegExp(`no Docker engine: ${socket}`);
  const cli = await world.cli(['tools', 'invoke', 'exec', '--args', '{"command":"id"}']);
  assert.equal(cli.code, 1, cli.out);
  assert.match(cli.err, clear);
  const slash = await world.post('/v1/chat/completions', { messages: [{ role: 'user', content: '/tool exec {"command":"id"}' }] });
  assert.match(slash.json.choices[0].message.content, clear);
  await world.model.script([{ toolCalls: [{ name: 'exec', arguments: { command: 'id' } }] }, { match: 'no Docker engine', text: 'no engine here' }]);
  const turn = await world.cli(['agent', '-m', 'who am I?']);
  assert.equal(turn.out, 'no engine here\n', turn.err);
  assert.equal((await invoke(world)).status, 200);
  assert.equal((await world.request('GET', '/readyz')).status, 200);
  // Never on the host instead.
  assert.ok(!(cli.out + slash.text).includes('uid='));
  assert.equal((await world.stopGateway()).code, 0);
}));

test('transcripts are whole lines after a kill', () => inWorld(async (world) => {
  await world.startModel();
  world.configure();
  await world.startGateway();
  assert.match((await world.cli(['agent', '-m', 'first'])).out, /^echo: .*first\n$/);
  const ws = new WsClient(world);
  assert.equal((await ws.open()).ok, true);
  await world.model.script([{ match: 'second', text: 'half', hold: true }]);
  await ws.call('chat.send', { sessionKey: 'main', message: 'second', idempotencyKey: 'second' });
  await world.model.wait(2);
  await world.stopGateway('SIGKILL');
  const folder = path.join(world.state, 'agents', 'main', 'sessions');
  const index = JSON.parse(readFileSync(path.join(folder, 'sessions.json'), 'utf8'));
  const { sessionId } = index['agent:main:main'];
  const lines = readFileSync(path.join(folder, `${sessionId}.jsonl`), 'utf8').trimEnd().split('\n').map((l) => JSON.parse(l));
  for (const text of ['first', 'echo: ', 'second']) assert.ok(lines.some((l) => JSON.stringify(l).includes(text)), text);
  await world.startGateway();
  await world.model.reset();
  assert.match((await world.cli(['agent', '-m', 'third'])).out, /^echo: .*third\n$/);
  const [request] = await world.model.requests();
  assert.ok(JSON.stringify(request.messages).includes('second'));
  assert.equal((await world.stopGateway()).code, 0);
}));
