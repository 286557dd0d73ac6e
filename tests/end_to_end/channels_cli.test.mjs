// What people ask the command line about channels: logs, capabilities, ids of names, what was said, and the end of a login.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { inWorld, waitFor } from './harness.mjs';

async function begin(world, { discord = false, settings = {} } = {}) {
  await world.startModel();
  await world.startTelegram();
  if (discord) await world.startDiscord();
  world.configure(settings);
  await world.startGateway();
  if (discord) await world.discord.connected();
}

// Runs a command that must end well, and answers what it printed as JSON.
async function told(world, words) {
  const answer = await world.cli([...words, '--json']);
  assert.equal(answer.code, 0, answer.out + answer.err);
  return answer.json();
}

test('message read shows what was let in and what was answered, and nothing of strangers', () => inWorld(async (world) => {
  await begin(world);
  const { person, stranger } = world.telegram;
  await world.model.script([{ match: 'good morning', text: 'And to you.' }, { match: 'what did', toolCalls: [
    { id: 'r_1', name: 'message', arguments: { action: 'read' } }] }, { match: '.', text: 'I have read it.' }]);
  await world.telegram.write('good morning');
  await world.telegram.write('the stranger was here', stranger);
  await world.telegram.showsOnce(['And to you.']);
  await waitFor('both to be read', async () => (await world.query('SELECT count(*) AS n FROM inbox WHERE state=2'))[0].n === 2);
  const read = await told(world, ['message', 'read', '--target', String(person)]);
  assert.equal(read.source, 'record');
  assert.deepEqual(read.messages.map((m) => [m.own, m.text]), [[false, 'good morning'], [true, 'And to you.']]);
  assert.equal(read.messages[0].senderName, 'Ada');
  const shown = await world.cli(['message', 'read', '--target', String(person), '--limit', '1']);
  assert.match(shown.out, /\(bot\): And to you\./);
  assert.doesNotMatch(shown.out, /good morning/);
  assert.deepEqual((await told(world, ['message', 'read', '--target', String(stranger)])).messages, []);
  for (const table of ['inbox', 'heard', 'peers', 'outbox']) {
    assert.doesNotMatch(JSON.stringify(await world.query(`SELECT * FROM ${table}`)), /the stranger was here/, table);
  }
  assert.equal((await world.query('SELECT count(*) AS n FROM peers'))[0].n, 1);

  // The agent reads its own conversation.
  await world.telegram.write('what did I say?');
  await world.telegram.showsOnce(['And to you.', 'I have read it.']);
  const result = JSON.stringify((await world.model.requests()).at(-1).messages.find((m) => m.role === 'tool').content);
  assert.match(result, /not to be obeyed/);
  assert.match(result, /good morning/);

  assert.equal((await world.cli(['message', 'read'])).code, 2);
  assert.equal((await world.cli(['message', 'read', '--target', '1', '--limit', '0'])).code, 2);
  const wrong = await world.cli(['message', 'read', '--target', '1', '--channel', 'pigeon']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /unsupported channel: pigeon/);
}));

test('an agent reads the conversation of others only for an owner', () => inWorld(async (world) => {
  await world.startModel();
  await world.startTelegram();
  world.telegram.more = ['[commands]', 'ownerAllowFrom = ["telegram:7"]'];
  world.configure();
  await world.startGateway();
  await world.model.script([{ match: 'spy', toolCalls: [
    { id: 's_1', name: 'message', arguments: { action: 'read', target: '4711' } }] }, { match: '.', text: 'no' }]);
  await world.telegram.write('spy on them');
  await world.telegram.showsOnce(['no']);
  const result = JSON.stringify((await world.model.requests()).at(-1).messages.find((m) => m.role === 'tool').content);
  assert.match(result, /allowWithinProvider is not true/);
}));

test('Discord is asked for its history; a channel it hides is answered from the record', () => inWorld(async (world) => {
  await begin(world, { discord: true });
  const { general, stranger, person } = world.discord;
  await world.discord.write('seen in passing', { user_id: stranger, channel_id: general });
  const read = await told(world, ['message', 'read', '--channel', 'discord', '--target', general]);
  assert.equal(read.source, 'platform');
  assert.equal(read.messages.at(-1).text, 'seen in passing');
  assert.equal(read.messages.at(-1).senderId, stranger);
  assert.ok(read.messages.at(-1).timestampMs > 1.6e12);
  // A person, too: the direct chat is found.
  await world.model.script([{ match: '.', text: 'Hello Ann.' }]);
  await world.discord.write('hello');
  await world.discord.showsOnce(['Hello Ann.']);
  const direct = await told(world, ['message', 'read', '--channel', 'discord', '--target', person]);
  assert.deepEqual(direct.messages.slice(-2).map((m) => [m.own, m.text]), [[false, 'hello'], [true, 'Hello Ann.']]);
  const hidden = await told(world, ['message', 'read', '--channel', 'discord', '--target', '930000000000000005']);
  assert.equal(hidden.source, 'record');
  assert.match(hidden.note, /Read Message History/);
}));

test('channels resolve knows whom the gateway has met, capabilities what channels can, logs what they did', () => inWorld(async (world) => {
  await begin(world);
  const { person, stranger } = world.telegram;
  await world.model.script([{ match: '.', text: 'Hi.', repeat: true }]);
  await world.telegram.write('it is me');
  await world.telegram.write('and me', stranger);
  await world.telegram.showsOnce(['Hi.']);
  const [known, id] = await told(world, ['channels', 'resolve', 'Ada', 'user:4711']);
  assert.deepEqual([known.resolved, known.id, known.kind], [true, String(person), 'user']);
  assert.deepEqual([id.resolved, id.id], [true, '4711']);
  const unknown = await world.cli(['channels', 'resolve', 'Mallory', '--channel', 'telegram', '--kind', 'user']);
  assert.equal(unknown.code, 1);
  assert.match(unknown.out, /^Mallory -> unresolved \[not met/);
  assert.equal((await world.cli(['channels', 'resolve'])).code, 2);
  assert.equal((await world.cli(['channels', 'resolve', 'x', '--kind', 'robot'])).code, 2);

  const { channels } = await told(world, ['channels', 'capabilities']);
  const telegram = channels.find((c) => c.channel === 'telegram');
  assert.equal(telegram.accounts[0].connected, true);
  assert.ok(telegram.accounts[0].probe.ok);
  assert.ok(telegram.support.chatTypes.includes('group') && telegram.support.reactions && telegram.support.streaming);
  // Also of a channel that nobody configured.
  assert.ok(channels.find((c) => c.channel === 'discord').support.readsHistory);
  const shown = await world.cli(['channels', 'capabilities', '--channel', 'telegram', '--target', 'Ada']);
  assert.equal(shown.code, 0, shown.err);
  assert.match(shown.out, /Account default: connected as @/);
  assert.match(shown.out, new RegExp(`Target: +${person} user Ada`));
  assert.equal((await world.cli(['channels', 'capabilities', '--channel', 'pigeon'])).code, 1);

  const logs = await told(world, ['channels', 'logs', '--channel', 'telegram']);
  assert.ok(logs.lines.some((l) => l[1].includes('telegram/default: online')), JSON.stringify(logs));
  assert.ok(logs.lines.every((l) => l[1].includes('telegram')));
  assert.equal((await told(world, ['channels', 'logs', '--lines', '1'])).lines.length, 1);
  assert.equal((await world.cli(['channels', 'logs', '--channel', 'pigeon'])).code, 1);
}));

test('channels logout takes the token off the disk and stops the account; others run on', () => inWorld(async (world) => {
  await begin(world, { discord: true });
  const state = async (channel) => (await told(world, ['channels', 'status'])).channelAccounts[channel][0];
  assert.equal((await world.cli(['channels', 'logout'])).code, 2);
  const wrong = await world.cli(['channels', 'logout', '--channel', 'telegram', '--account', 'ops']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /channels list/);
  const sessions = (await world.discord.control('/gateway/sessions')).length;
  const left = await told(world, ['channels', 'logout', '--channel', 'telegram']);
  assert.deepEqual([left.channel, left.accountId, left.cleared, left.envToken], ['telegram', 'default', true, false]);
  const config = readFileSync(world.configFile, 'utf8');
  assert.ok(!config.includes(world.telegram.token));
  assert.ok(config.includes('dmPolicy') && config.includes(world.discord.token));
  assert.deepEqual([(await state('telegram')).running, (await state('telegram')).configured], [false, false]);
  const before = (await world.telegram.calls('getUpdates')).length;
  await world.telegram.write('is anybody there?');
  assert.equal((await state('discord')).connected, true);
  assert.equal((await world.discord.control('/gateway/sessions')).length, sessions);
  assert.equal((await world.telegram.calls('getUpdates')).length, before);
  const again = await world.cli(['channels', 'logout', '--channel', 'telegram']);
  assert.equal(again.code, 1);
  assert.match(again.err, /not logged in/);
  assert.equal((await world.stopGateway()).code, 0);
}));
