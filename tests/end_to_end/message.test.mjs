// Messages by hand: openclaw message, and the tool an agent has for it.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { inWorld, waitFor } from './harness.mjs';

async function begin(world, { model = false, settings = {} } = {}) {
  if (model) await world.startModel();
  await world.startTelegram();
  world.configure(settings);
  await world.startGateway();
}

test('openclaw message sends, edits, reacts and deletes', () => inWorld(async (world) => {
  await begin(world);
  const target = String(world.telegram.person);
  const message = async (...words) => {
    const { code, out, err } = await world.cli(['message', ...words, '--target', target, '--json']);
    assert.equal(code, 0, out + err);
    return JSON.parse(out);
  };
  const shown = () => world.telegram.shown();
  const before = (await shown()).length;
  const sent = await message('send', '--channel', 'telegram', '--message', 'by **hand**');
  assert.equal(sent.channel, 'telegram');
  assert.equal((await shown()).at(-1), 'by hand');
  // One channel is configured, so it need not be named.
  await message('edit', '--message-id', sent.messageId, '--message', 'by _hand_, again');
  assert.equal((await shown()).at(-1), 'by hand, again');
  await message('react', '--message-id', sent.messageId, '--emoji', '👍');
  await message('react', '--message-id', sent.messageId, '--remove');
  await message('delete', '--message-id', sent.messageId);
  const buttons = JSON.stringify([[{ text: 'Yes', callback_data: 'yes' }]]);
  const asked = await message('send', '--message', 'Sure?', '--buttons', buttons);
  const seen = (await world.telegram.control(`/messages?by=bot&chat_id=${target}`)).at(-1);
  assert.equal(seen.reply_markup.inline_keyboard[0][0].callback_data, 'yes');
  await message('delete', '--message-id', asked.messageId);
  assert.equal((await world.cli(['message', 'send', '--target', target, '--message', 'x', '--buttons', 'no'])).code, 2);
  assert.equal((await shown()).length, before);

  const wrong = await world.cli(['message', 'send', '--channel', 'pigeon', '--target', target, '--message', 'x']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /unsupported channel: pigeon/);
  assert.equal((await world.cli(['message', 'react', '--target', target, '--message-id', '1'])).code, 2);
  const dry = await world.cli(['message', 'send', '--target', target, '--message', 'x', '--dry-run']);
  assert.deepEqual(JSON.parse(dry.out), { action: 'send', to: target, message: 'x' });
  assert.equal((await shown()).length, before);
}));

test('openclaw message sends files of the machine it runs on', () => inWorld(async (world) => {
  await begin(world);
  const target = String(world.telegram.person);
  const bytes = randomBytes(200_000);
  const file = join(world.dir, 'a chart.bin');
  writeFileSync(file, bytes);
  const send = (...more) => world.cli(['message', 'send', '--target', target, ...more]);
  const sent = await send('--media', file, '--message', 'the chart', '--json');
  assert.equal(sent.code, 0, sent.err);
  const seen = (await world.telegram.control(`/messages?by=bot&chat_id=${target}`)).filter((m) => m.media);
  assert.deepEqual(seen.map((m) => m.media.sha256), [createHash('sha256').update(bytes).digest('hex')]);
  for (const [wrong, why] of [[['--media', join(world.dir, 'none')], /none/], [['--media', 'https://x.org/a'], /not an address/]]) {
    const refused = await send(...wrong);
    assert.equal(refused.code, 1);
    assert.match(refused.err, why);
  }
  const big = join(world.dir, 'big');
  writeFileSync(big, Buffer.alloc(5_000_001));
  assert.equal((await send('--media', big)).code, 1);
  assert.equal((await send()).code, 2);
}));

test('the tool message writes to another chat of its channel, and to no other channel', () => inWorld(async (world) => {
  await begin(world, { model: true });
  const { person, stranger } = world.telegram;
  await world.model.script([
    { match: 'tell them', toolCalls: [
      { id: 'm_1', name: 'message', arguments: { action: 'send', target: String(stranger), message: 'from next door' } },
      { id: 'm_2', name: 'message', arguments: { action: 'send', channel: 'pigeon', target: '1', message: 'far away' } },
      { id: 'm_3', name: 'message', arguments: { action: 'send', message: 'and here' } }] },
    { match: '.', text: 'told' }]);
  await world.telegram.write('tell them');
  await world.telegram.showsOnce(['and here', 'told'], { chat: person });
  assert.ok((await world.telegram.shown(stranger)).includes('from next door'));
  const results = (await world.model.requests()).at(-1).messages.filter((m) => m.role === 'tool');
  const told = (id) => JSON.stringify(results.find((m) => m.tool_call_id === id).content);
  assert.match(told('m_1'), /messageId/);
  assert.match(told('m_2'), /tools\.message\.crossContext\.allowAcrossProviders is false/);
}));

test('what was given up is listed, sent after all, or dropped', () => inWorld(async (world) => {
  await begin(world);
  const blocked = { method: 'sendMessage', code: 403, description: 'Forbidden: bot was blocked by the user' };
  await world.telegram.control('/faults', [blocked, blocked]);
  const queue = async (...more) => {
    const answer = await world.cli(['message', 'queue', ...more, '--json']);
    assert.equal(answer.code, 0, answer.err);
    return answer.json();
  };
  for (const text of ['first', 'second']) {
    const refused = await world.cli(['message', 'send', '--target', String(world.telegram.person), '-m', text]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /blocked/);
  }
  const { entries } = await queue();
  assert.deepEqual(entries.map((e) => [e.text, e.state, e.channel, e.mayHaveBeenSent]), [['second', 'dead', 'telegram', false], ['first', 'dead', 'telegram', false]]);
  const shown = await world.cli(['message', 'queue']);
  assert.match(shown.out, /^ID +CHANNEL +TO +STATE +TRIES +AGE +ERROR/m);
  assert.match(shown.out, /blocked/);
  assert.equal((await world.cli(['message', 'queue', 'drop', String(entries[0].id)])).code, 0);
  assert.equal((await world.cli(['message', 'queue', 'retry'])).code, 2);
  assert.equal((await world.cli(['message', 'queue', 'retry', '--all'])).code, 0);
  await world.telegram.showsOnce(['first']);
  await waitFor('an empty queue', async () => (await queue()).entries.length === 0);
  assert.match((await world.cli(['message', 'queue', 'retry', String(entries[0].id)])).err, /was dropped already/);
  assert.equal((await world.stopGateway()).code, 0);
}));
