// Messages that come while a turn runs: what messages.queue, messages.inbound and /queue make of them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { inWorld, waitFor } from './harness.mjs';

async function begin(world, queue = [], more = '') {
  await world.startModel();
  await world.startTelegram();
  world.configure({ queue });
  world.writeConfig(readFileSync(world.configFile, 'utf8') + more);
  await world.startGateway();
}

// The words of each call's last messages of a person, without the time before them.
const asked = async (world) => (await world.model.requests()).map((r) =>
  r.messages.filter((m) => m.role === 'user').map((m) => (typeof m.content === 'string' ? m.content : m.content.map((c) => c.text).join(''))
    .replace(/^\[[^\]]*\] /, '')));

const stored = (world, text) => waitFor(`${text} on disk`, async () =>
  (await world.query(`SELECT count(*) AS n FROM inbox WHERE event LIKE '%"${text}"%'`))[0].n === 1);

test('what waits for a turn becomes one turn, and a kill in it loses nothing', () => inWorld(async (world) => {
  await begin(world, ['debounceMs = 300']);
  await world.model.script([{ text: 'first.', hold: true }, { text: 'both, cut off', hold: true }, { text: 'to both' }, { text: 'last' }]);
  await world.telegram.write('one');
  await world.model.wait(1);
  for (const text of ['two', 'three']) {
    await world.telegram.write(text);
    await stored(world, text);
  }
  await world.model.release();
  await world.model.wait(2);
  assert.deepEqual((await asked(world))[1], ['one', 'two\nthree']);
  await world.telegram.write('four');
  await stored(world, 'four');
  await world.stopGateway('SIGKILL');
  await world.startGateway();
  await world.model.wait(4);
  assert.deepEqual((await asked(world)).slice(2), [['one', 'two\nthree'], ['one', 'two\nthree', 'four']]);
  await waitFor('the last answer', async () => (await world.telegram.shown()).includes('last'));
  assert.deepEqual((await world.telegram.shown()).filter((t) => ['first.', 'to both', 'last'].includes(t)), ['first.', 'to both', 'last']);
  assert.deepEqual(await world.query('SELECT count(*) AS n FROM inbox WHERE state < 2'), [{ n: 0 }]);
}));

test('/queue steer: the running turn reads it before it asks the model again', () => inWorld(async (world) => {
  await begin(world);
  await world.telegram.write('/queue steer');
  await waitFor('the settings', async () => (await world.telegram.shown()).some((t) => t.includes('steer debounce:1000ms')));
  const tool = { name: 'exec', arguments: { command: 'until [ -e go ]; do sleep 0.05; done' } };
  await world.model.script([{ toolCalls: [tool] }, { text: 'to both' }]);
  await world.telegram.write('one');
  await world.model.wait(1);
  await world.telegram.write('and this');
  await stored(world, 'and this');
  await world.cli(['tools', 'invoke', 'exec', '--args', JSON.stringify({ command: 'touch go' })]);
  await world.model.wait(2);
  assert.deepEqual((await asked(world))[1].slice(-2), ['one', 'and this']);
  await waitFor('the answer', async () => (await world.telegram.shown()).includes('to both'));
  await waitFor('every row to end', async () => (await world.query('SELECT count(*) AS n FROM inbox WHERE state < 2'))[0].n === 0);
  assert.equal((await world.model.requests()).length, 2);
  const outcomes = await world.query("SELECT outcome FROM inbox ORDER BY id");
  assert.deepEqual(outcomes.map((r) => r.outcome), ['ok', 'ok', 'steered']);
}));

test('interrupt: a new message ends the turn', () => inWorld(async (world) => {
  await begin(world, ['mode = "interrupt"', 'debounceMs = 0']);
  await world.model.script([{ chunks: [], hold: true }, { text: 'to the second' }]);
  await world.telegram.write('one');
  await world.model.wait(1);
  await world.telegram.write('no, this');
  await world.telegram.showsOnce(['to the second']);
}));

test('a burst is one turn, and a command in it stays one', () => inWorld(async (world) => {
  await begin(world, ['debounceMs = 0'], '[messages.inbound]\ndebounceMs = 10\nbyChannel = { telegram = 1500 }\n');
  await world.model.script([{ text: 'to all three' }]);
  for (const text of ['this', 'is one', 'thought', '/status']) await world.telegram.write(text);
  await waitFor('both answers', async () => (await world.telegram.shown()).length === 2);
  assert.deepEqual(await asked(world), [['this\nis one\nthought']]);
  assert.match((await world.telegram.shown())[1], /Session: agent:main:main/);
}));

test('/status is answered while a turn runs', () => inWorld(async (world) => {
  await begin(world);
  await world.model.script([{ text: 'done', hold: true }]);
  await world.telegram.write('work');
  await world.model.wait(1);
  await world.telegram.write('/status');
  await waitFor('the status', async () => (await world.telegram.shown()).some((t) => t.includes('agent:main:')));
  await world.model.release();
  await waitFor('the answer', async () => (await world.telegram.shown()).includes('done'));
}));
