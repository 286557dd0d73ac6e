// A person in Discord: direct messages, rooms and threads, strangers, files, and what a crash may cost (nothing).
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { inWorld, waitFor } from './harness.mjs';
import { WsClient } from './ws_client.mjs';

async function begin(world, { more, ...settings } = {}) {
  await world.startModel();
  await world.startDiscord({ more });
  world.configure(settings);
  await world.startGateway();
  await world.discord.connected();
}

test('R132: a message becomes one reply, and status shows the account', () => inWorld(async (world) => {
  await begin(world);
  await world.model.script([{ match: 'hello', text: 'Hello, @everyone.' }]);
  await world.discord.write('hello');
  await world.discord.showsOnce(['Hello, @everyone.']);
  const [reply] = await world.discord.control(`/messages?channel_id=${world.discord.dm}&by=bot`);
  assert.equal(reply.pings.everyone, false);
  assert.ok((await world.discord.control('/typing')).length > 0);
  const ws = new WsClient(world);
  assert.equal((await ws.open()).ok, true);
  const { payload } = await ws.call('channels.status', { probe: true });
  assert.equal(payload.channels.discord.connected, true, JSON.stringify(payload));
  assert.equal(payload.channels.discord.probe.bot?.username, 'lab-bot', JSON.stringify(payload.channels.discord));
  assert.equal((await world.stopGateway()).code, 0);
  assert.ok(!world.log().includes(world.discord.token));
}));

test('who may talk: strangers, rooms that are listed, threads, mentions', () => inWorld(async (world) => {
  await begin(world, { more: [
    '[channels.discord.guilds."920000000000000001".channels."930000000000000001"]', 'requireMention = true',
    'users = ["910000000000000001"]'] });
  const { discord } = world;
  const at = `<@${discord.botId}>`;
  await world.model.script([{ match: 'seventeen', text: 'In the room.' }, { match: 'eighteen', text: 'In the thread.' }], { text: 'Nobody should see this.' });
  // Had anything been answered that must not be, it would be there by the end.
  await discord.write('let me in', { user_id: discord.stranger });
  await discord.write(`${at} let me in`, { user_id: discord.stranger, channel_id: discord.general });
  await discord.write(`${at} in a room that is not listed`, { channel_id: discord.ops });
  await discord.write('not for the bot', { channel_id: discord.general });
  await discord.write(`${at} seventeen`, { channel_id: discord.general });
  await discord.showsOnce(['In the room.'], { channel: discord.general });
  const { thread_id: thread } = await discord.control('/inject/thread', { channel_id: discord.general, name: 'aside' });
  await discord.write(`${at} eighteen`, { channel_id: thread });
  await discord.showsOnce(['In the thread.'], { channel: thread });
  assert.deepEqual(await discord.shown(discord.ops), []);
  assert.deepEqual(await discord.shown((await discord.control('/dm', { user_id: discord.stranger })).id), []);
  // Conversations are told apart: what was said in the room is not in the thread's.
  const last = (await world.model.requests()).at(-1).messages;
  assert.ok(!JSON.stringify(last).includes('seventeen'), JSON.stringify(last));
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a file that a person sends is there for the agent', () => inWorld(async (world) => {
  await begin(world);
  await world.model.script([{ match: 'read', toolCalls: [{ name: 'exec', arguments: { command: 'cat media/inbound/*' } }] }, { match: 'wanted content', text: 'Read.' }]);
  await world.discord.write('please read', { attachments: [{ filename: 'note.txt', content_type: 'text/plain', text: 'the wanted content' }] });
  await world.discord.showsOnce(['Read.']);
  assert.ok((await world.discord.control('/cdn')).every((entry) => !entry.leaked_authorization));
  assert.equal((await world.stopGateway()).code, 0);
}));

test('P1, P3: kill -9 while the model thinks loses nothing and repeats nothing', () => inWorld(async (world) => {
  await begin(world);
  const answer = 'This is the whole answer, and it is long enough to be shown while it grows.';
  await world.model.script([{ match: 'question', chunks: [answer], hold: true }, { match: 'question', text: answer }]);
  await world.discord.write('question');
  // The chat shows the draft already when the gateway dies.
  await world.discord.showsOnce([answer]);
  await world.discord.write('another one');
  await world.stopGateway('SIGKILL');
  await world.discord.write('and one that comes while nobody listens');
  await world.model.script([{ match: 'question', text: answer }, { match: 'another one', text: 'Second answer.' }, { match: 'nobody', text: 'Third answer.' }]);
  await world.startGateway();
  await world.discord.showsOnce([answer, 'Second answer.', 'Third answer.']);
  // Nothing more comes from the past when the next message is answered.
  await world.model.script([{ match: 'last', text: 'Last answer.' }]);
  await world.discord.write('last');
  await world.discord.showsOnce([answer, 'Second answer.', 'Third answer.', 'Last answer.']);
  const identifies = await world.discord.control('/gateway/log?dir=in&op=2');
  assert.equal(identifies.length, 1, 'the second start resumes');
  assert.equal((await world.stopGateway()).code, 0);
}));

test('P3: kill -9 when a reply is out and its answer is not: the next start makes no second one', () => inWorld(async (world) => {
  await begin(world, { more: ['streaming = "off"'] });
  await world.model.script([{ match: 'question', text: 'Only once.' }]);
  await world.discord.control('/faults', { method: 'POST', path: 'messages$', action: 'none', delay_after_ms: 60000 });
  await world.discord.write('question');
  await world.discord.showsOnce(['Only once.']);
  await world.stopGateway('SIGKILL');
  await world.startGateway();
  const sends = (call) => call.method === 'POST' && call.path.endsWith('/messages');
  await waitFor('the repeat', async () => (await world.discord.control('/calls')).filter(sends).filter((c) => c.status === 200).length >= 1);
  await world.model.script([{ match: 'next', text: 'Next.' }]);
  await world.discord.write('next');
  await world.discord.showsOnce(['Only once.', 'Next.']);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('P3: kill -9 when a draft is out and nobody noted it down: the reply takes its place', () => inWorld(async (world) => {
  await begin(world);
  const answer = 'This is the whole answer, and it is long enough to be shown while it grows.';
  await world.model.script([{ match: 'question', chunks: [answer.slice(0, 50)], hold: true }, { match: 'question', text: answer }]);
  await world.discord.control('/faults', { method: 'POST', path: 'messages$', action: 'none', delay_after_ms: 60000 });
  await world.discord.write('question');
  await world.discord.showsOnce([answer.slice(0, 50).trim()]);
  await world.stopGateway('SIGKILL');
  await world.startGateway();
  await world.discord.showsOnce([answer]);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('reactions to the agent are read with the next message, and its presence is shown', () => inWorld(async (world) => {
  await begin(world, { more: [
    'status = "dnd"', 'activity = "listening"', '[channels.discord.guilds."920000000000000001"]', 'requireMention = false',
    'users = ["910000000000000001"]'] });
  const { discord } = world;
  const [identify] = await discord.control('/gateway/log?dir=in&op=2');
  assert.equal(identify.d.presence.status, 'dnd');
  assert.equal(identify.d.presence.activities[0].state, 'listening');
  await world.model.script([{ match: 'first', text: 'Shall I?' }, { match: 'go on', text: 'Done.' }, { match: 'in private', text: 'Hi.' }]);
  const { message_id: own } = await discord.write('first', { channel_id: discord.general });
  await discord.showsOnce(['Shall I?'], { channel: discord.general });
  const [{ id: asked }] = await discord.control(`/messages?channel_id=${discord.general}&by=bot`);
  const react = (message_id, user_id, emoji) => discord.control('/inject/reaction', { channel_id: discord.general, message_id, user_id, emoji });
  await react(asked, discord.stranger, '👎');
  await react(own, discord.person, '👀');
  await react(asked, discord.person, '👍');
  await discord.write('go on', { channel_id: discord.general });
  await discord.showsOnce(['Shall I?', 'Done.'], { channel: discord.general });
  const texts = JSON.stringify((await world.model.requests()).at(-1).messages);
  assert.ok(texts.includes(`[Ann reacted with 👍 to your message ${asked}]`), texts);
  assert.ok(!texts.includes('👎') && !texts.includes('👀'), texts);
  // It was of that room.
  await discord.write('in private');
  await discord.showsOnce(['Hi.']);
  assert.ok(!JSON.stringify((await world.model.requests()).at(-1).messages).includes('reacted'));
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a token that is taken back ends the account alone, and doctor says what to type', () => inWorld(async (world) => {
  await begin(world);
  await world.discord.control('/token', { revoke: world.discord.token });
  const account = await waitFor('the refusal', async () => {
    const { channels } = (await world.cli(['channels', 'status', '--json'])).json();
    return channels.discord.lastError && channels.discord;
  });
  assert.match(account.lastError, /openclaw channels add --channel discord/);
  const doctor = await world.cli(['doctor']);
  assert.match(doctor.out + doctor.err, /openclaw channels add --channel discord/);
  assert.equal((await fetch(`${world.url}/healthz`)).status, 200);
  assert.equal((await world.stopGateway()).code, 0);
}));
