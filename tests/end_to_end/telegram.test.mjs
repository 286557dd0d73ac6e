// A person in Telegram: turns in the container, refusals, commands, and what a crash may cost (nothing).
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { inWorld, waitFor } from './harness.mjs';
import * as sandboxed from './sandboxed_turn.mjs';
import { WsClient } from './ws_client.mjs';

async function begin(world, settings, { withModel = true } = {}) {
  if (withModel) await world.startModel();
  await world.startTelegram();
  world.configure(settings);
  await world.startGateway();
}

// Sends a text and answers the one message that the chat shows more than before.
async function say(world, text) {
  const before = (await world.telegram.shown()).length;
  await world.telegram.write(text);
  const now = await waitFor(`a reply to ${text}`, async () => {
    const shown = await world.telegram.shown();
    return shown.length > before && shown;
  });
  assert.equal(now.length, before + 1, JSON.stringify(now));
  return now.at(-1);
}

test('a message becomes two tool calls in the container and one reply', () => inWorld(async (world) => {
  await begin(world, { sandbox: 'all' });
  await world.model.script(sandboxed.script('telegram'));
  await world.telegram.write('do telegram');
  await world.telegram.showsOnce([`I will look.\n\n${sandboxed.answer}`]);
  sandboxed.check(await world.model.requests(), 'telegram');
  assert.equal((await world.containers()).length, 1);
  // The second message finds the same conversation and the same container.
  await world.model.script([
    { match: 'and now', toolCalls: [{ name: 'read', arguments: { path: 'note.txt' } }] }, { match: 'note of telegram', text: 'still there' }]);
  await world.telegram.write('and now');
  await world.telegram.showsOnce([`I will look.\n\n${sandboxed.answer}`, 'still there']);
  assert.equal((await world.containers()).length, 1);
  const ws = new WsClient(world);
  assert.equal((await ws.open()).ok, true);
  const status = await ws.call('channels.status', {});
  assert.equal(status.payload.channels.telegram.running, true, JSON.stringify(status.payload));
  await ws.call('sandbox.recreate', { force: true });
  assert.deepEqual(await world.containers(), []);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a pasted text that the app cut in two is one message', () => inWorld(async (world) => {
  await begin(world, { sandbox: 'off' });
  await world.model.script([{ match: 'the end of it', text: 'read' }]);
  await world.telegram.write(`${'long '.repeat(819)}`);
  await world.telegram.write('the end of it');
  await world.telegram.showsOnce(['read']);
  const asked = await world.model.requests();
  assert.equal(asked.length, 1);
  assert.match(JSON.stringify(asked[0].messages.at(-1)), /long long long.*the end of it/);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a denied tool is refused in the chat with the same verdict', () => inWorld(async (world) => {
  await begin(world, { deny: ['exec'] });
  const marker = path.join(world.dir, 'marker');
  const args = { command: `touch ${marker}` };
  const { explain } = (await world.post('/tools/invoke', { tool: 'exec', args })).json;
  assert.match(explain, /tools\.deny/);
  assert.equal(await say(world, `/tool exec ${JSON.stringify(args)}`), explain);
  await world.model.script([{ toolCalls: [{ id: 'denied_1', name: 'exec', arguments: args }] }, { text: 'I was refused.' }]);
  assert.equal(await say(world, 'please run it'), 'I was refused.');
  const told = (await world.model.requests()).at(-1).messages.find((m) => m.tool_call_id === 'denied_1').content;
  assert.equal(typeof told === 'string' ? told : told[0].text, explain);
  assert.ok(!existsSync(marker));
  assert.equal((await world.stopGateway()).code, 0);
}));

test('commands without a model, for those who may', () => inWorld(async (world) => {
  await begin(world, { sandbox: 'off' }, { withModel: false });
  // A stranger goes first: had anything run or been answered for him, it would be there by the end.
  const marker = path.join(world.dir, 'marker');
  for (const text of [`/tool exec {"command":"touch ${marker}"}`, '/status', 'hello']) await world.telegram.write(text, world.telegram.stranger);
  const help = await say(world, '/help');
  for (const name of ['/help', '/status', '/new', '/stop', '/model', '/tools', '/tool NAME {json}']) assert.ok(help.includes(name), help);
  assert.match(await say(world, '/status'), /^Model: none/m);
  assert.match(await say(world, '/model'), /openclaw onboard|models\.providers/);
  assert.match(await say(world, '/tools'), /^(•|-) exec\b/m);
  assert.match(await say(world, '/tool exec {"command":"echo one; echo two"}'), /one\ntwo\n[^]*exit code 0/);
  assert.match(await say(world, '/tool nothing {}'), /There is no tool called nothing/);
  assert.match(await say(world, '/new'), /New session/);
  assert.match(await say(world, '/stop'), /Nothing is running|Stopped/);
  assert.match(await say(world, 'hello'), /openclaw onboard|models\.providers/);
  assert.deepEqual(await world.telegram.shown(world.telegram.stranger), []);
  assert.ok(!existsSync(marker));
  assert.equal((await world.stopGateway()).code, 0);
}));

test('an account that is added to a running gateway: what came of it is said at once', () => inWorld(async (world) => {
  const { token } = await world.startTelegram();
  world.configure();
  await world.startGateway();
  const add = (given) => world.cli(['channels', 'add', '--channel', 'telegram', '--token', given]);
  const refused = await add('654321:of-nobody-else');
  assert.equal(refused.code, 1);
  assert.match(refused.err, /It does not connect: Telegram does not accept the bot token/);
  const added = await add(token);
  assert.equal(added.code, 0, added.err);
  assert.match(added.out, /It is connected\./);
  const port = await world.cli(['config', 'set', 'gateway.port', '18790']);
  assert.match(port.out + port.err, /Restart the gateway to apply/);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('/stop ends a running turn at once', () => inWorld(async (world) => {
  await begin(world, { sandbox: 'all' });
  await world.model.script([{ match: 'long', toolCalls: [{ name: 'exec', arguments: { command: 'echo begun; sleep 600', yieldMs: 600000 } }] }]);
  await world.telegram.write('something long');
  await waitFor('the container', async () => (await world.containers()).length === 1);
  await world.telegram.write('/stop');
  await world.telegram.showsOnce(['Stopped.']);
  await world.model.script([{ match: 'again', text: 'listening' }]);
  await world.telegram.write('again');
  await world.telegram.showsOnce(['Stopped.', 'listening']);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('kill -9 while the model thinks: the turn is made again and the reply is seen once', () => inWorld(async (world) => {
  await begin(world);
  const answer = 'This is the whole answer, and it is long enough to be shown while it grows.';
  await world.model.script([{ match: 'question', chunks: [answer], hold: true }, { match: 'question', text: answer }]);
  await world.telegram.write('question');
  // The chat shows the draft already when the gateway dies.
  await world.telegram.showsOnce([answer]);
  await world.telegram.write('another one');
  await waitFor('the second message to be taken over', async () => (await world.telegram.control('/updates')).pending.length === 0);
  await world.stopGateway('SIGKILL');
  await world.telegram.write('and one that comes while nobody listens');
  await world.model.script([{ match: 'question', text: answer }, { match: 'another one', text: 'Second answer.' }, { match: 'nobody', text: 'Third answer.' }]);
  await world.startGateway();
  await world.telegram.showsOnce([answer, 'Second answer.', 'Third answer.']);
  // Nothing more comes from the past when the next message is answered.
  await world.model.script([{ match: 'last', text: 'Last answer.' }]);
  await world.telegram.write('last');
  await world.telegram.showsOnce([answer, 'Second answer.', 'Third answer.', 'Last answer.']);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('kill -9 while a tool runs: it is not run again, and the chat is told', () => inWorld(async (world) => {
  await begin(world);
  const marker = path.join(world.dir, 'ran');
  // A command on the host outlives a gateway that is killed; this one ends with the test's folder.
  const command = `echo run >> ${marker}; while [ -e ${marker} ]; do sleep 1; done`;
  await world.model.script([{ match: 'do it', toolCalls: [{ name: 'exec', arguments: { command, yieldMs: 600000 } }] }]);
  await world.telegram.write('do it');
  await waitFor('the tool', () => existsSync(marker));
  await world.stopGateway('SIGKILL');
  await world.startGateway();
  await world.telegram.showsOnce(['I was restarted while working on this message'], { match: 'contains' });
  await world.model.script([{ match: 'continue', text: 'Going on.' }]);
  await world.telegram.write('continue');
  await world.telegram.showsOnce(['I was restarted while working on this message', 'Going on.'], { match: 'contains' });
  assert.equal(readFileSync(marker, 'utf8'), 'run\n');
  assert.equal((await world.stopGateway()).code, 0);
}));

test('kill -9 while the reply is being sent: the next start sends it', () => inWorld(async (world) => {
  await begin(world);
  const { control } = world.telegram;
  await control('/faults', { method: 'sendMessage', action: 'hang', count: 1 });
  await world.model.script([{ match: 'question', text: 'The answer.' }]);
  await world.telegram.write('question');
  await waitFor('the attempt', async () => (await world.telegram.calls('sendMessage')).length === 1);
  await world.stopGateway('SIGKILL');
  assert.deepEqual(await world.telegram.shown(), []);
  await world.startGateway();
  await world.telegram.showsOnce(['The answer.']);
  assert.equal((await world.model.requests()).length, 1, 'the turn was not made again');
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a platform that stumbles: every message is answered, once', () => inWorld(async (world) => {
  await begin(world);
  const { control } = world.telegram;
  await control('/faults', [
    { method: 'getUpdates', action: 'reset', count: 2 }, { method: 'getUpdates', action: 'html', skip: 1, count: 1 },
    { method: 'sendMessage', action: 'error', code: 429, description: 'Too Many Requests: retry after 1', retry_after: 1, count: 1 },
    { method: 'sendMessage', action: 'html', skip: 1, count: 1 }]);
  const numbers = ['one', 'two', 'three', 'four'];
  await world.model.script(numbers.map((n) => ({ match: `number ${n}`, text: `Reply to ${n}.` })));
  for (const n of numbers) await world.telegram.write(`number ${n}`);
  await control('/sockets/kill', {});
  await world.telegram.showsOnce(numbers.map((n) => `Reply to ${n}.`));
  assert.deepEqual(await world.telegram.shown(), numbers.map((n) => `Reply to ${n}.`), 'in the order of the messages');
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a group: only who mentions the bot, and only who may', () => inWorld(async (world) => {
  await begin(world);
  const { control, person, stranger } = world.telegram;
  const group = -100500;
  const text = readFileSync(world.configFile, 'utf8') + `groupPolicy = "allowlist"\ngroupAllowFrom = ["${person}"]\n[channels.telegram.groups."${group}"]\nrequireMention = true\n`;
  world.writeConfig(text);
  await waitFor('the reload', () => world.log().includes('configuration reloaded'));
  await control('/chat', { id: group, type: 'supergroup', title: 'Team', bot_status: 'member',
    members: [{ user: { id: person }, status: 'member' }, { user: { id: stranger }, status: 'member' }] });
  const bot = (await control('/bot', {})).username;
  await world.model.script([{ match: 'for you', text: 'Here.', repeat: true }, { match: '', text: 'not asked', repeat: true }]);
  const inGroup = (from, words) => control('/inject/message', { user_id: from, chat_id: group, text: words });
  await inGroup(stranger, `@${bot} for you, from a stranger`);
  await inGroup(person, 'just talking');
  await inGroup(person, `@${bot} for you`);
  await world.telegram.showsOnce(['Here.'], { chat: group });
  assert.equal((await world.model.requests()).length, 1);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('SIGTERM in the middle of a turn: the next start answers', () => inWorld(async (world) => {
  await begin(world);
  await world.model.script([{ match: 'question', text: 'never seen', hold: true }]);
  await world.telegram.write('question');
  await world.model.wait(1);
  const ended = await world.stopGateway();
  assert.deepEqual([ended.code, ended.ms < 10000], [0, true], `${ended.ms} ms`);
  await world.model.script([{ match: 'question', text: 'The answer.' }]);
  await world.startGateway();
  await world.telegram.showsOnce(['The answer.']);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a new list of people counts without a restart', () => inWorld(async (world) => {
  await begin(world);
  await world.model.script([{ match: 'hello', text: 'Welcome.', repeat: true }]);
  await world.telegram.write('hello', world.telegram.stranger);
  await waitFor('the refusal in the log', () => world.log().includes('was not let in'));
  world.telegram.allowFrom.push(world.telegram.stranger);
  world.configure();
  await waitFor('the reload', () => world.log().includes('configuration reloaded'));
  await world.telegram.write('hello', world.telegram.stranger);
  await world.telegram.showsOnce(['Welcome.'], { chat: world.telegram.stranger });
  assert.deepEqual(await world.telegram.shown(), []);
  assert.equal((await world.stopGateway()).code, 0);
}));
