// Files that people send: from the chat into the sandbox, and never anywhere else.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { inWorld } from './harness.mjs';
import { WsClient } from './ws_client.mjs';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const jpeg = () => Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), randomBytes(60000)]);

async function begin(world, settings) {
  await world.startModel();
  await world.startTelegram();
  world.configure({ sandbox: 'all', ...settings });
  await world.startGateway();
}

const photo = (world, bytes, caption, more = {}) => world.telegram.control('/inject/message', {
  user_id: world.telegram.person, caption, photo: { base64: bytes.toString('base64') }, ...more });

const textOf = (message) => (typeof message.content === 'string' ? message.content : message.content.map((c) => c.text ?? '').join('\n'));

// What the model was told by the person in the message that holds `mark`.
const told = async (world, mark) => {
  const all = (await world.model.requests()).flatMap((r) => r.messages).filter((m) => m.role === 'user').map(textOf);
  return all.find((text) => text.includes(mark)) ?? assert.fail(JSON.stringify(all));
};
const result = async (world, id) => textOf((await world.model.requests()).flatMap((r) => r.messages).find((m) => m.tool_call_id === id));

const run = (mark, id, command, reply) => [
  { match: mark, toolCalls: [{ id, name: 'exec', arguments: { command, yieldMs: 120000 } }] }, { match: '.', text: reply }];

for (const access of ['none', 'rw']) {
  test(`R169 a photo is in the sandbox under media/inbound, workspaceAccess ${access}`, () => inWorld(async (world) => {
    await begin(world, { access });
    const bytes = jpeg();
    await world.model.script(run('look at', 'ls_1', 'ls media/inbound; sha256sum media/inbound/*; cat media/inbound/* | wc -c', 'seen'));
    await photo(world, bytes, 'look at this');
    await world.telegram.showsOnce(['seen']);
    assert.match(await told(world, 'look at this'), /\[attached file: media\/inbound\/photo\.jpg \(image\/jpeg, 60004 bytes\)\]/);
    const output = await result(world, 'ls_1');
    assert.match(output, /^photo\.jpg$/m);
    assert.ok(output.includes(`${sha256(bytes)}  media/inbound/photo.jpg`), output);
    const inWorkspace = path.join(world.state, 'workspace/media/inbound/photo.jpg');
    assert.equal(existsSync(inWorkspace), access === 'rw');
    if (access === 'rw') assert.equal(sha256(readFileSync(inWorkspace)), sha256(bytes));
    // A client of the gateway attaches a file to the same conversation.
    const ws = new WsClient(world);
    assert.equal((await ws.open()).ok, true);
    await world.model.script(run('and the table', 'ls_2', 'cat media/inbound/table.csv', 'read'));
    const sent = await ws.call('chat.send', { sessionKey: 'main', message: 'and the table', idempotencyKey: 'm1',
      attachments: [{ mimeType: 'text/csv', fileName: '../../table.csv', content: Buffer.from('a;b\n').toString('base64') }] });
    assert.equal(sent.ok, true, JSON.stringify(sent));
    await world.model.wait(4); // two for each message
    assert.match(await told(world, 'and the table'), /\[attached file: media\/inbound\/table\.csv \(text\/csv, 4 bytes\)\]/);
    assert.match(await result(world, 'ls_2'), /^a;b$/m);
    assert.equal((await world.stopGateway()).code, 0);
  }));
}

test('R169 A13 links in the place of the folders are refused, nothing is written outside, the message arrives', () => inWorld(async (world) => {
  await begin(world, {});
  const elsewhere = path.join(world.dir, 'elsewhere');
  mkdirSync(elsewhere, { mode: 0o777 });
  let round = 0;
  for (const plant of [`rm -rf media; ln -s ${elsewhere} media`, `rm -rf media; mkdir media; ln -s ${elsewhere} media/inbound`,
    'rm -rf media; mkfifo media', 'rm -rf media; mkdir media; mkfifo media/inbound']) {
    round += 1;
    await world.model.script(run(`plant ${round}`, `plant_${round}`, plant, `planted ${round}`));
    await world.telegram.write(`plant ${round}`);
    await world.telegram.control(`/wait/messages?contains=${encodeURIComponent(`planted ${round}`)}&timeout_ms=60000`);
    assert.match(await result(world, `plant_${round}`), /exit code 0/);
    await world.model.script([{ match: `photo ${round}`, text: `got ${round}` }]);
    await photo(world, jpeg(), `photo ${round}`);
    await world.telegram.control(`/wait/messages?contains=${encodeURIComponent(`got ${round}`)}&timeout_ms=60000`);
    assert.match(await told(world, `photo ${round}`), /\[attached file photo\.jpg \(image\/jpeg\) is missing: cannot write media\/inbound\/photo\.jpg/);
    assert.deepEqual(readdirSync(elsewhere), []);
  }
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a file that the platform does not give is told, and the message arrives', () => inWorld(async (world) => {
  await begin(world, {});
  await world.model.script([{ match: 'the film', text: 'too big' }]);
  await world.telegram.control('/inject/message', { user_id: world.telegram.person, caption: 'the film', document: { size: 21 << 20, file_name: 'film.mkv', mime_type: 'video/x-matroska' } });
  await world.telegram.showsOnce(['too big']);
  assert.match(await told(world, 'the film'), /\[attached file film\.mkv \(video\/x-matroska\) is missing: .*20 MB/);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('A13 a MEDIA line sends a file of the sandbox, and only of the sandbox', () => inWorld(async (world) => {
  await begin(world, {});
  await world.model.script(run('make it', 'make_1', 'printf chart > chart.csv; ln -s /etc/passwd link.txt; mkfifo pipe',
    'Here it is.\nMEDIA:./chart.csv\nMEDIA:link.txt\nMEDIA:pipe\nMEDIA:../../openclaw.toml'));
  await world.telegram.write('make it');
  // One message, also where the text was shown while it grew.
  await world.telegram.control(`/wait/messages?contains=${encodeURIComponent('openclaw.toml is not attached')}&timeout_ms=60000`);
  const seen = await world.telegram.control('/messages?by=bot&chat_id=1001');
  assert.equal(seen.length, 1, JSON.stringify(seen));
  assert.match(seen[0].text, /^Here it is\.\n\n⚠️ link\.txt is not attached: [^]*⚠️ pipe is not attached: [^]*⚠️ openclaw\.toml is not attached: /);
  assert.equal(seen[0].media.file_name, 'chart.csv');
  assert.equal(seen[0].media.sha256, sha256('chart'));
  assert.equal((await world.stopGateway()).code, 0);
}));

test('a photo from Telegram is read in the sandbox, and what is made of it arrives in Discord', () => inWorld(async (world) => {
  await world.startModel();
  await world.startTelegram();
  await world.startDiscord();
  world.configure({ sandbox: 'all', across: true });
  await world.startGateway();
  await world.discord.connected();
  const bytes = jpeg();
  await world.model.script([
    { match: 'pass it on', toolCalls: [{ id: 'made', name: 'exec', arguments: { command: 'cat media/inbound/photo.jpg media/inbound/photo.jpg > twice.bin; sha256sum media/inbound/photo.jpg', yieldMs: 120000 } }] },
    { match: sha256(bytes), toolCalls: [{ id: 'sent', name: 'message', arguments: { action: 'send', channel: 'discord', target: world.discord.dm, message: 'Twice the photo.', media: 'twice.bin' } }] },
    { match: 'messageId', text: 'Passed on.' }]);
  await photo(world, bytes, 'pass it on');
  await world.telegram.showsOnce(['Passed on.']);
  const shown = await world.discord.control(`/messages?channel_id=${world.discord.dm}&by=bot`);
  assert.equal(shown[0].content, 'Twice the photo.');
  assert.deepEqual(shown.flatMap((m) => m.attachments).map((a) => [a.filename, a.sha256]), [['twice.bin', sha256(Buffer.concat([bytes, bytes]))]]);
  assert.equal((await world.stopGateway()).code, 0);
}));
