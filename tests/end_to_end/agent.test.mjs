// What happens to a turn when parts fail, people leave, or there are several at once.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { inWorld, waitFor } from './harness.mjs';
import { WsClient } from './ws_client.mjs';

async function begin(world, settings) {
  await world.startModel();
  world.configure(settings);
  await world.startGateway();
}

async function connected(world) {
  const ws = new WsClient(world);
  assert.equal((await ws.open()).ok, true);
  return ws;
}

const ask = (world, content, more = {}) => world.post('/v1/chat/completions', { messages: [{ role: 'user', content }], ...more });
const exec = (command, more = {}) => ({ name: 'exec', arguments: { command, ...more } });

test('a model that fails: each way in says so, and the next turn works', () => inWorld(async (world) => {
  await begin(world);
  const refusal = { match: 'fail', status: 400, body: { error: { message: 'the prompt is odd' } }, repeat: true };
  await world.model.script([refusal]);
  const cli = await world.cli(['agent', '-m', 'please fail']);
  assert.equal(cli.code, 1, cli.out);
  assert.match(cli.err, /the prompt is odd/);
  const ws = await connected(world);
  const final = await ws.chat('please fail');
  assert.equal(final.state, 'error');
  assert.match(final.errorMessage, /the prompt is odd/);
  const http = await ask(world, 'please fail');
  assert.deepEqual([http.status, http.json.error.type], [500, 'api_error']);
  const streamed = await ask(world, 'please fail', { stream: true });
  assert.match(streamed.text, /Error: internal error[^]*\[DONE\]/);
  // What passes by itself is tried again.
  await world.model.script([{ match: 'busy', status: 503 }, { match: 'busy', text: 'now it worked' }]);
  const again = await world.cli(['agent', '-m', 'busy?']);
  assert.equal(again.out, 'now it worked\n', again.err);
  // The key of the provider is in no message and no log.
  assert.ok(!(cli.err + world.log() + world.gateway.err).includes('key-of-the-mock'));
  assert.equal((await world.stopGateway()).code, 0);
}));

test('chat.abort ends the command in the container', () => inWorld(async (world) => {
  await begin(world, { sandbox: 'all' });
  const ws = await connected(world);
  await world.model.script([{ match: 'start', toolCalls: [exec('sleep 5000', { yieldMs: 590000 })] }]);
  await ws.call('chat.send', { sessionKey: 'main', message: 'start', idempotencyKey: 'a1' });
  const ps = async () => (await world.cli(['tools', 'invoke', 'exec', '--args', JSON.stringify({ command: 'cat /proc/[0-9]*/cmdline | tr "\\0" " "' })])).out;
  await waitFor('the command', async () => (await ps()).includes('sleep 5000'));
  const aborted = await ws.call('chat.abort', { sessionKey: 'main' });
  assert.deepEqual(aborted.payload.runIds, ['a1']);
  const final = await ws.event('chat', (p) => p.runId === 'a1' && p.state !== 'delta');
  assert.equal(final.state, 'aborted');
  await waitFor('the command to end', async () => !(await ps()).includes('sleep 5000'));
  assert.equal((await world.stopGateway()).code, 0);
}));

test('an HTTP client that leaves ends its turn', () => inWorld(async (world) => {
  await begin(world);
  const file = path.join(world.dir, 'alive');
  await world.model.script([{ match: 'go', toolCalls: [exec(`echo $$ > ${file}; exec sleep 5000`, { yieldMs: 590000 })] }]);
  const leaving = new AbortController();
  const gone = fetch(`${world.url}/v1/chat/completions`, {
    method: 'POST', signal: leaving.signal, headers: { authorization: `Bearer ${world.token}` },
    body: JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'go' }] }) }).then((r) => r.text()).catch(() => 'gone');
  const pid = await waitFor('the command', () => existsSync(file) && readFileSync(file, 'utf8').trim());
  leaving.abort();
  assert.equal(await gone, 'gone');
  await waitFor('the command to end', () => !existsSync(`/proc/${pid}`));
  assert.equal((await ask(world, '/help')).status, 200);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('background commands: poll, write, kill, and none is left at the end', () => inWorld(async (world) => {
  await begin(world, { sandbox: 'all' });
  const tool = async (name, args) => {
    const ran = await world.cli(['tools', 'invoke', name, '--args', JSON.stringify(args), '--json']);
    assert.equal(ran.code, 0, ran.err);
    return ran.json().result;
  };
  const started = await tool('exec', { command: 'echo ready; read line; echo "got $line"; sleep 5000', background: true });
  const { sessionId } = started.details;
  const has = (text) => waitFor(text, async () => (await tool('process', { action: 'log', sessionId })).content[0].text.includes(text));
  await has('ready');
  await tool('process', { action: 'write', sessionId, data: 'hello\n' });
  await has('got hello');
  assert.match((await tool('process', { action: 'list' })).content[0].text, new RegExp(sessionId));
  await tool('process', { action: 'kill', sessionId });
  await waitFor('its end', async () => !/running/.test((await tool('process', { action: 'poll', sessionId })).content[0].text));
  await tool('exec', { command: 'sleep 6000', background: true });
  const ended = await world.stopGateway();
  assert.deepEqual([ended.code, ended.ms < 10000], [0, true], `${ended.ms} ms`);
}));

test('sessions run at the same time, each in its own container; one session takes one turn at a time', () => inWorld(async (world) => {
  await begin(world, { sandbox: 'all' });
  const names = ['one', 'two', 'three'];
  await world.model.script(names.flatMap((name) => [
    { match: `I am ${name}`, toolCalls: [exec(`echo ${name} > who; cat /proc/sys/kernel/hostname`)] },
    { match: '^[0-9a-f]{12}', text: 'done', repeat: true }]));
  const replies = await Promise.all(names.map((name) => world.cli(['agent', '--session', name, '-m', `I am ${name}`])));
  assert.deepEqual(replies.map((r) => [r.code, r.out]), names.map(() => [0, 'done\n']));
  assert.equal((await world.containers()).length, names.length);
  const seen = await Promise.all(names.map((name) => world.cli(['tools', 'invoke', 'exec', '--session', name, '--args', '{"command":"cat who"}'])));
  seen.forEach((r, i) => assert.match(r.out, new RegExp(`^${names[i]}$`, 'm')));
  // After a restart the containers are found again, not made anew.
  const before = (await world.containers()).map((c) => c.Id).sort();
  assert.equal((await world.stopGateway()).code, 0);
  await world.startGateway();
  const again = await world.cli(['tools', 'invoke', 'exec', '--session', 'two', '--args', '{"command":"cat who"}']);
  assert.match(again.out, /^two$/m, again.err);
  assert.deepEqual((await world.containers()).map((c) => c.Id).sort(), before);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a sub-agent works in a session of its own, under the same policy', () => inWorld(async (world) => {
  await begin(world, { deny: ['exec'] });
  const marker = path.join(world.dir, 'marker');
  await world.model.script([
    { match: 'delegate', toolCalls: [{ name: 'sessions_spawn', arguments: { task: 'child task', runTimeoutSeconds: 100 } }] },
    { match: 'child task', toolCalls: [{ id: 'child_1', name: 'exec', arguments: { command: `touch ${marker}` } }] },
    { match: 'denied by', text: 'the child was refused' }], { text: 'parent goes on' });
  const ws = await connected(world);
  const final = await ws.chat('delegate');
  assert.match(final.text, /parent goes on/);
  const told = await waitFor('the refusal of the child', async () => (await world.model.requests())
    .flatMap((r) => r.messages).find((m) => m.tool_call_id === 'child_1'));
  const { explain } = (await world.post('/tools/invoke', { tool: 'exec', args: {} })).json;
  assert.equal(typeof told.content === 'string' ? told.content : told.content[0].text, explain);
  assert.ok(!existsSync(marker));
  const sessions = await ws.call('sessions.list', {});
  assert.ok(JSON.stringify(sessions.payload).includes('agent:main:subagent:'), JSON.stringify(sessions.payload));
  assert.equal((await world.stopGateway()).code, 0);
}));

for (const sandbox of ['off', 'all']) {
  test(`the workspace speaks to the model, and write stays in it, sandbox ${sandbox}`, () => inWorld(async (world) => {
    await world.startModel();
    world.configure({ sandbox });
    // On the host an agent may write where its user may, unless it is told to stay.
    world.writeConfig(readFileSync(world.configFile, 'utf8').replace('[tools]', '[tools.fs]\nworkspaceOnly = true\n[tools]'));
    const workspace = path.join(world.state, 'workspace');
    mkdirSync(workspace, { recursive: true, mode: 0o700 });
    writeFileSync(path.join(workspace, 'SOUL.md'), 'You are a lighthouse keeper.\n');
    symlinkSync(world.dir, path.join(workspace, 'way-out'));
    await world.startGateway();
    const outside = path.join(world.dir, 'outside');
    const paths = ['../outside', '../../outside', outside, 'way-out/outside', './a/../../../outside'];
    await world.model.script([
      { match: 'escape', toolCalls: [...paths.map((p) => ({ name: 'write', arguments: { path: p, content: 'x' } })),
        { name: 'write', arguments: { path: 'inside/file', content: 'kept' } }] }, { text: 'no way out' }]);
    const turn = await world.cli(['agent', '-m', 'escape']);
    assert.equal(turn.out, 'no way out\n', turn.err);
    const [first, second] = await world.model.requests();
    assert.match(JSON.stringify(first.messages[0]), /lighthouse keeper/);
    const results = second.messages.filter((m) => m.role === 'tool').map((m) => m.content);
    assert.equal(results.length, paths.length + 1);
    assert.match(results.at(-1), /inside\/file/);
    for (const place of [outside, path.join(world.state, 'outside'), path.join(world.state, '..', 'outside')]) {
      assert.ok(!existsSync(place), JSON.stringify(results));
    }
    const read = await world.cli(['tools', 'invoke', 'read', '--args', '{"path":"inside/file"}']);
    assert.match(read.out, /kept/, read.err);
    assert.equal((await world.stopGateway()).code, 0);
  }));
}

test('a model of the Anthropic kind plays the same turn', () => inWorld(async (world) => {
  await world.startModel();
  world.configure();
  const text = readFileSync(world.configFile, 'utf8').replace('"openai-completions"', '"anthropic-messages"')
    .replace(`:${world.model.port}/v1"`, `:${world.model.port}"`);
  world.writeConfig(text);
  await world.startGateway();
  await world.model.script([
    { match: 'both', text: 'Working.', toolCalls: [exec('echo from exec'), { name: 'write', arguments: { path: 'x.txt', content: 'y' } }] },
    { match: 'from exec', text: 'Both done.' }]);
  const turn = await world.cli(['agent', '-m', 'both']);
  assert.equal(turn.code, 0, turn.err);
  assert.match(turn.out, /Both done\.\n$/);
  assert.equal((await world.stopGateway()).code, 0);
}));
