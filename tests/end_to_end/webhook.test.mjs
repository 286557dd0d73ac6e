// Telegram by webhook: the stub brings messages to a real gateway's door, and what it costs when the door is shut,
// taken, or falls down (nothing).
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';

import { freePort, inWorld, toml, waitFor } from './harness.mjs';

const header = 'X-Telegram-Bot-Api-Secret-Token';
const secret = 'a-secret-of-the-webhook-test';
const hookOf = (port) => `http://127.0.0.1:${port}/telegram-webhook`;

// A gateway whose bot has a webhook on a port of its own; `through` is a port that passes requests on to it.
async function begin(world, { through } = {}) {
  await world.startModel();
  await world.startTelegram();
  const port = await freePort();
  world.telegram.more = [`webhookUrl = "${hookOf(through ?? port)}"`, `webhookSecret = "${secret}"`, `webhookPort = ${port}`];
  world.configure();
  await world.startGateway();
  return port;
}

async function accounts(world, args = []) {
  const status = await world.cli(['channels', 'status', '--json', ...args]);
  assert.equal(status.code, 0, status.err);
  return status.json().channelAccounts.telegram;
}

const update = (world, id, text) => ({ update_id: id, message: { message_id: id, date: Math.floor(Date.now() / 1000), text,
  chat: { id: world.telegram.person, type: 'private', first_name: 'Ada' }, from: { id: world.telegram.person, is_bot: false, first_name: 'Ada' } } });

function post(port, body, headers = { [header]: secret }) {
  return new Promise((done, fail) => {
    const request = http.request({ port, host: '127.0.0.1', path: '/telegram-webhook', method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
      (response) => response.resume().on('end', () => done({ status: response.statusCode, retryAfter: response.headers['retry-after'] })));
    request.on('error', fail);
    request.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

// What the door answers to a header whose body never comes.
function knock(port, lines) {
  return new Promise((done, fail) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(['POST /telegram-webhook HTTP/1.1', 'Host: x', ...lines, '', ''].join('\r\n')));
    let text = '';
    socket.on('data', (d) => (text += d)).on('error', fail).on('close', () => done(text));
  });
}

test('what Telegram brings is answered once; who has not the secret is sent away at the header', () => inWorld(async (world) => {
  const port = await begin(world);
  await world.model.script([{ match: 'hello', text: 'Hello yourself.' }, { match: 'again', text: 'Still here.' }]);
  await world.telegram.write('hello');
  await world.telegram.showsOnce(['Hello yourself.']);
  const huge = 'Content-Length: 1000000000000';
  for (const lines of [[huge], [`${header}: ${secret}x`, huge], [`${header}: `, huge]]) {
    assert.match(await knock(port, lines), /^HTTP\/1\.1 401 /);
  }
  assert.match(await knock(port, [`${header}: ${secret}`, huge]), /^HTTP\/1\.1 413 /);
  assert.equal((await post(port, 'not json')).status, 400);
  // The update that came already, once more: it is known.
  const [{ update_id: first }] = await world.telegram.control('/webhook/posts');
  assert.equal((await post(port, update(world, first, 'hello'))).status, 200);
  await world.telegram.write('again');
  await world.telegram.showsOnce(['Hello yourself.', 'Still here.']);
  assert.equal((await world.telegram.calls('getUpdates')).length, 0);
  assert.equal((await world.telegram.calls('setWebhook')).length, 1);
  const [account] = await accounts(world, ['--probe']);
  assert.deepEqual([account.connected, account.mode, account.probe.webhook.url], [true, 'webhook', hookOf(port)]);
  assert.ok(!(world.log() + world.gateway.err).includes(secret));
  assert.equal((await world.stopGateway()).code, 0);
  // Another start finds it set.
  await world.startGateway();
  await world.telegram.control('/wait/calls?method=getWebhookInfo&count=3');
  assert.equal((await world.telegram.calls('setWebhook')).length, 1);
  assert.equal((await world.stopGateway()).code, 0);
}));

test('kill -9 after the message is on disk, before Telegram hears of it: one answer', () => inWorld(async (world) => {
  // Stands before the gateway. Armed, it kills the gateway when that has answered, and loses the answer.
  let port, armed = false, lost = 0;
  const proxy = http.createServer((request, response) => {
    const onward = http.request({ port, host: '127.0.0.1', path: request.url, method: request.method, headers: request.headers }, (answer) => {
      if (armed && answer.statusCode === 200) {
        armed = false;
        lost += 1;
        world.gateway.child.kill('SIGKILL');
        response.destroy();
        return;
      }
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise((ready) => proxy.listen(0, '127.0.0.1', ready));
  try {
    port = await begin(world, { through: proxy.address().port });
    await world.telegram.control('/config', { webhookRetryScale: 0.05 });
    await world.model.script([{ match: 'question', text: 'never seen', hold: true }]);
    armed = true;
    await world.telegram.write('question');
    await world.gateway.done;
    assert.equal(lost, 1);
    await world.model.script([{ match: 'question', text: 'The answer.', repeat: true }, { match: 'last', text: 'Last answer.' }]);
    await world.startGateway();
    await world.telegram.showsOnce(['The answer.']);
    // Telegram has brought it again by now, and was told that it is here.
    await waitFor('the second delivery', async () => (await world.telegram.control('/updates')).pending.length === 0);
    await world.telegram.write('last');
    await world.telegram.showsOnce(['The answer.', 'Last answer.']);
    const posts = await world.telegram.control('/webhook/posts');
    assert.ok(posts.filter((p) => p.update_id === posts[0].update_id).length > 1, JSON.stringify(posts));
    assert.equal((await world.query('select count(*) as n from inbox'))[0].n, 2);
    assert.equal((await world.stopGateway()).code, 0);
  } finally {
    proxy.closeAllConnections?.();
    proxy.close();
  }
}));

test('a port that is taken: its account says so, the others go on, and it comes up when the port is free', () => inWorld(async (world) => {
  const port = await begin(world);
  const second = '777777:second-bot-of-the-webhook-test';
  await world.telegram.control('/bot', { token: second, username: 'second_bot' });
  const squatter = net.createServer().listen(0, '127.0.0.1');
  await new Promise((ready) => squatter.once('listening', ready));
  const taken = squatter.address().port;
  try {
    world.writeConfig(`${toml(world.settings)}[channels.telegram.accounts.default]\nname = "first"\n` +
      `[channels.telegram.accounts.work]\nbotToken = "${second}"\nwebhookPort = ${taken}\n`);
    const failed = await waitFor('the error', async () => (await accounts(world)).find((a) => a.accountId === 'work' && a.lastError));
    assert.match(failed.lastError, new RegExp(`channels\\.telegram\\.accounts\\.work\\.webhookPort: cannot listen on 127\\.0\\.0\\.1 port ${taken}: Address already in use`));
    assert.match(failed.lastError, /openclaw config set channels\.telegram\.accounts\.work\.webhookPort/);
    assert.equal(failed.connected, false);
    await world.model.script([{ match: 'hello', text: 'Hello yourself.' }]);
    await world.telegram.write('hello');
    await world.telegram.showsOnce(['Hello yourself.']);
  } finally {
    await new Promise((closed) => squatter.close(closed));
  }
  await waitFor('the second account', async () => (await accounts(world)).find((a) => a.accountId === 'work').connected);
  // Both on one port now, each with its path; two on one path is said where it is written.
  assert.equal((await world.cli(['config', 'set', 'channels.telegram.accounts.work.webhookPort', String(port)])).code, 0);
  const clash = await waitFor('the clash', async () => (await accounts(world)).find((a) => a.accountId === 'work' && /already/.test(a.lastError)));
  assert.match(clash.lastError, /channels\.telegram\.accounts\.work\.webhookPath \/telegram-webhook-work/);
  assert.equal((await world.cli(['config', 'set', 'channels.telegram.accounts.work.webhookPath', '/work'])).code, 0);
  await waitFor('both', async () => (await accounts(world)).every((a) => a.connected));
  assert.equal((await world.stopGateway()).code, 0);
}));

test('from polling to webhook and back by config set, in the running gateway', () => inWorld(async (world) => {
  await world.startModel();
  await world.startTelegram();
  world.configure();
  await world.startGateway();
  await world.model.script(['one', 'two', 'three'].map((n) => ({ match: `number ${n}`, text: `Reply to ${n}.` })));
  await world.telegram.write('number one');
  await world.telegram.showsOnce(['Reply to one.']);
  const port = await freePort();
  const set = async (key, value) => {
    const done = await world.cli(value === undefined ? ['config', 'unset', `channels.telegram.${key}`] : ['config', 'set', `channels.telegram.${key}`, value]);
    assert.equal(done.code, 0, done.err);
  };
  const mode = (name) => waitFor(name, async () => (await accounts(world)).some((a) => a.connected && a.mode === name));
  await set('webhookPort', String(port));
  await set('webhookUrl', hookOf(port));
  const refused = await waitFor('the secret to be missed', async () => (await accounts(world)).find((a) => /needs a secret/.test(a.lastError)));
  assert.match(refused.lastError, /openclaw config set channels\.telegram\.webhookSecret/);
  await set('webhookSecret', secret);
  await mode('webhook');
  await world.telegram.write('number two');
  await world.telegram.showsOnce(['Reply to one.', 'Reply to two.']);
  assert.equal((await world.telegram.control('/webhook/posts')).at(-1).status, 200);
  // A new secret is told to Telegram at once.
  await set('webhookSecret', `${secret}-2`);
  await waitFor('the new secret', async () => (await world.telegram.calls('setWebhook')).some((c) => c.params.secret_token === `${secret}-2`));
  assert.match(await knock(port, [`${header}: ${secret}`, 'Content-Length: 2']), /^HTTP\/1\.1 401 /);
  await set('webhookUrl');
  await mode('polling');
  await waitFor('deleteWebhook', async () => (await world.telegram.calls('deleteWebhook')).length > 0);
  assert.deepEqual((await world.telegram.calls('deleteWebhook')).map((c) => c.params.drop_pending_updates), [false]);
  await world.telegram.write('number three');
  await world.telegram.showsOnce(['Reply to one.', 'Reply to two.', 'Reply to three.']);
  await assert.rejects(post(port, update(world, 1, 'hi')), /ECONNREFUSED/);
  assert.equal((await world.stopGateway()).code, 0);
}));
