// The fault matrix: what a person sees for every fault that the chat labs can inject and for a store that cannot be
// written. Each row has a world of its own. A message is written under the fault; when the fault is over (or at once,
// where it does not end) a second one is, which must be answered like in good times.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { inWorld, waitFor } from './harness.mjs';

const kSent = 2, kDead = 4; // of the outbox (core/channel/store.h)

// What becomes of the first message. Seen: how often its answer stands in the chat. Flagged: the outbox says that it may
// have been seen before. Dead: the answer is a dead letter with these words. Failed: the account ends with these words.
const once = { seen: 1, flagged: false };
const onceFlagged = { seen: 1, flagged: true };
const twiceFlagged = { seen: 2, flagged: true };
const dead = (words) => ({ seen: 0, dead: words });
const failed = (words) => ({ failed: words });

// A row: {platform, name, inject(chat, world), expect, config (of the lab), lastsMs (until it is over; else it ends by
// itself, or is over when the first message has ended)}.
const telegram = (method, what, expect, fault) =>
  ({ platform: 'telegram', name: `${method} ${what}`, expect, inject: (chat) => chat.control('/faults', { method, ...fault }) });
const discord = (what, expect, fault) => ({ platform: 'discord', name: `POST messages ${what}`, expect,
  inject: (chat) => chat.control('/faults', { method: 'POST', path: 'messages$', ...fault }) });
const gateway = (what, expect, pathname, body = {}, more = {}) => ({ platform: 'discord', name: `gateway ${what}`, expect, ...more,
  inject: (chat) => chat.control(pathname, body) });
// A fault that the next connection meets.
const reconnect = (what, body) => ({ platform: 'discord', name: `gateway ${what}`, expect: once, inject: async (chat) => {
  await chat.control('/gateway/set', body);
  await chat.control('/gateway/kill', {});
} });
const close = (code, expect, body = {}) => gateway(`close ${code}`, expect, '/gateway/close', { code, ...body });
const store = (platform, what, errno) => ({ platform, name: `store: ${what}`, expect: once, lastsMs: 500, ofStore: true,
  inject: (chat, world) => writeFileSync(world.storeFault, errno) });

const rows = [
  // Receiving from Telegram: the offset moves only past what is stored, and what comes again is known.
  telegram('getUpdates', '500', once, { code: 500, count: 2 }),
  telegram('getUpdates', '429', once, { code: 429, retry_after: 1 }),
  telegram('getUpdates', '409, another reader', once, { code: 409, description: 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running' }),
  telegram('getUpdates', 'page of a proxy', once, { action: 'html' }),
  telegram('getUpdates', 'reset', once, { action: 'reset', count: 3 }),
  telegram('getUpdates', 'answer lost', once, { action: 'drop_after', count: 2 }),
  telegram('getUpdates', 'answer cut', once, { action: 'truncate', count: 2 }),
  telegram('getUpdates', 'slow body', once, { action: 'slow', total_ms: 2000 }),
  telegram('getUpdates', 'never answered', once, { action: 'hang' }),
  { platform: 'telegram', name: 'every socket reset', expect: once, inject: (chat) => chat.control('/sockets/kill', {}) },
  // Sending to Telegram, which knows no copies.
  telegram('sendMessage', '500', onceFlagged, { code: 500 }),
  telegram('sendMessage', '502, page of a proxy', onceFlagged, { action: 'html' }),
  telegram('sendMessage', '429', once, { code: 429, retry_after: 1, count: 2 }),
  telegram('sendMessage', 'reset before', onceFlagged, { action: 'reset' }),
  telegram('sendMessage', 'answer lost', twiceFlagged, { action: 'drop_after' }),
  telegram('sendMessage', 'answer cut', twiceFlagged, { action: 'truncate' }),
  telegram('sendMessage', 'slow body', once, { action: 'slow', total_ms: 1500 }),
  telegram('sendMessage', 'never answered', onceFlagged, { action: 'hang' }),
  telegram('sendMessage', 'markup refused', once, { code: 400, description: "Bad Request: can't parse entities: Unsupported start tag" }),
  telegram('sendMessage', 'blocked', dead(/blocked/i), { code: 403, description: 'Forbidden: bot was blocked by the user' }),
  telegram('sendMessage', 'chat gone', dead(/chat not found/i), { code: 400, description: 'Bad Request: chat not found' }),
  { platform: 'telegram', name: 'token taken back', expect: failed(/openclaw channels add --channel telegram/), inject: (chat) => chat.control('/bot', { revoke: chat.token }) },
  // Sending to Discord, which knows copies by their nonce.
  discord('500', once, { action: 'error', status: 500, count: 2 }),
  discord('502, page of a proxy', once, { action: 'html' }),
  discord('429', once, { action: 'rate_limit', retry_after: 0.5, count: 2 }),
  discord('429, whole bot', once, { action: 'rate_limit', retry_after: 0.5, global: true }),
  discord('429, shared', once, { action: 'rate_limit', retry_after: 0.5, scope: 'shared' }),
  discord('reset before', once, { action: 'reset' }),
  discord('answer lost', once, { action: 'drop_after', count: 2 }),
  discord('502 after', once, { action: 'error_after' }),
  discord('answer cut', once, { action: 'truncate' }),
  discord('slow', once, { action: 'none', delay_after_ms: 2000 }),
  discord('never answered', once, { action: 'hang' }),
  discord('forbidden', dead(/50007|cannot send/i), { action: 'error', status: 403, body: { message: 'Cannot send messages to this user', code: 50007 } }),
  discord('channel gone', dead(/10003|unknown channel/i), { action: 'error', status: 404, body: { message: 'Unknown Channel', code: 10003 } }),
  { platform: 'discord', name: 'token taken back', expect: failed(/openclaw channels add --channel discord/), inject: (chat) => chat.control('/token', { revoke: chat.token }) },
  // Discord's gateway: a session is resumed where it can be; a new one catches up.
  gateway('op 7', once, '/gateway/op7'),
  gateway('invalid session, resumable', once, '/gateway/invalid', { resumable: true }),
  gateway('invalid session', once, '/gateway/invalid', { resumable: false }),
  gateway('reset', once, '/gateway/kill'),
  gateway('no acknowledgements', once, '/gateway/set', { stopAck: true }, { config: { heartbeatMs: 1000 }, lastsMs: 3000 }),
  gateway('silent', once, '/gateway/set', { stall: true }, { config: { heartbeatMs: 1000 }, lastsMs: 3000 }),
  gateway('slow', once, '/gateway/set', { delayMs: 500 }),
  gateway('every event twice', once, '/gateway/set', { duplicate: 3 }),
  gateway('heartbeat asked for', once, '/gateway/heartbeat'),
  reconnect('connections refused', { refuse: 2 }),
  reconnect('connections reset', { refuse: 2, refuseStatus: 'reset' }),
  reconnect('connections never answered', { refuse: 1, refuseStatus: 'hang' }),
  reconnect('no hello', { silentHello: 1 }),
  reconnect('resume refused', { invalidOnResume: 1 }),
  reconnect('identify refused, too', { invalidOnResume: 1, invalidOnIdentify: 1 }),
  reconnect('ready late', { readyDelayMs: 3000, invalidOnResume: 1 }),
  ...[1000, 1001, 4000, 4001, 4002, 4003, 4005, 4008].map((code) => close(code, once)),
  ...[4007, 4009].map((code) => close(code, once, { drop_session: true })),
  close(4004, failed(/openclaw channels add --channel discord/)),
  ...[4010, 4011].map((code) => close(code, failed(/shard/))),
  ...[4012, 4013].map((code) => close(code, failed(/newer openclaw/))),
  close(4014, failed(/Message Content Intent/)),
  // The store. What is not on disk is not acknowledged, so it comes again.
  ...['telegram', 'discord'].flatMap((platform) => [store(platform, 'disk full', '28'), store(platform, 'disk broken', '5')]),
];

const replies = ['Warm.', 'First.', 'Second.'];

async function begin(world, row) {
  await world.startModel();
  await world.model.script(replies.map((text) => ({ match: `${text.slice(0, -1).toLowerCase()} question`, text, repeat: true })));
  const chat = await (row.platform === 'telegram' ? world.startTelegram() : world.startDiscord());
  if (row.config) await chat.control('/config', row.config);
  if (row.ofStore) {
    world.storeFault = path.join(world.dir, 'store-fault');
    Object.assign(world.extraEnv, { LD_PRELOAD: process.env.OPENCLAW_STORE_FAULTS, OPENCLAW_STORE_FAULT: world.storeFault });
  }
  chat.more = ['streaming = "off"', 'timeoutSeconds = 5'];
  world.configure();
  await world.startGateway();
  if (world.discord) await chat.connected();
  await say(world, chat, 'Warm.'); // a bot learns of a Discord conversation by its first message
  return chat;
}

async function say(world, chat, reply) {
  await chat.write(`${reply.slice(0, -1).toLowerCase()} question`);
  await waitFor(`the reply ${reply}`, async () => (await chat.shown()).includes(reply));
}

async function end(world, chat) {
  if (world.storeFault) rmSync(world.storeFault, { force: true });
  await chat.control('/faults', undefined, 'DELETE');
  if (chat === world.discord) await chat.control('/gateway/set', { stopAck: false, stall: false, delayMs: 0, readyDelayMs: 0, duplicate: 0 });
}

async function checkFailed(world, { platform, expect }) {
  const account = await waitFor('the account to fail', async () => {
    const found = (await world.cli(['channels', 'status', '--json'])).json().channels[platform];
    return found.lastError && found;
  });
  assert.match(account.lastError, expect.failed);
  assert.equal((await fetch(`${world.url}/healthz`)).status, 200);
}

async function checkAnswered(world, chat, { lastsMs, expect }) {
  await chat.write('first question');
  if (lastsMs) {
    await new Promise((done) => setTimeout(done, lastsMs));
    await end(world, chat);
  }
  const outbox = async () => (await world.query('SELECT state, ambiguous, error, message FROM outbox'))
    .filter((row) => JSON.parse(row.message).text === 'First.');
  const row = await waitFor('the end of the first answer', async () => (await outbox()).find(({ state }) => state >= kSent));
  await end(world, chat);
  await say(world, chat, 'Second.');
  const shown = await chat.shown();
  const wanted = { 'Warm.': 1, 'First.': expect.seen, 'Second.': 1 };
  assert.deepEqual(Object.fromEntries(replies.map((reply) => [reply, shown.filter((text) => text === reply).length])), wanted);
  assert.equal(shown.length, 2 + expect.seen, JSON.stringify(shown));
  assert.equal((await outbox()).length, 1, 'one run, one answer');
  assert.equal(row.state, expect.dead ? kDead : kSent, row.error);
  if (expect.dead) assert.match(row.error, expect.dead);
  else assert.equal(row.ambiguous > 0, expect.flagged, row.error);
}

test('P1-P9: the fault matrix', { concurrency: 4 }, async (t) => {
  await Promise.all(rows.map((row) => t.test(`${row.platform}: ${row.name}`, () => inWorld(async (world) => {
    const chat = await begin(world, row);
    await row.inject(chat, world);
    if (row.expect.failed) await checkFailed(world, row);
    else await checkAnswered(world, chat, row);
    assert.equal((await world.stopGateway()).code, 0);
  }))));
});
