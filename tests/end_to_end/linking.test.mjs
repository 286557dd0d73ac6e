// A third party's channel whose accounts are linked by a code: channels login, in a terminal's words and by RPC.
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { inWorld, waitFor } from './harness.mjs';

const BLOCK = /[█▀▄ ]{29}\n/;

// The plugin's own folder, once it runs.
const phone = (world) => waitFor('the state directory of the channel', () => {
  const found = readdirSync(world.state, { recursive: true }).map(String).find((name) => /lantern[/]default$|lantern[/]default[/]/.test(name));
  return found && path.join(world.state, found);
});

test('channels login adds an account, shows each code, and ends when it is linked', () => inWorld(async (world) => {
  world.configure({});
  const installed = await world.cli(['plugins', 'install', process.env.OPENCLAW_TEST_CHANNEL]);
  assert.equal(installed.code, 0, installed.out + installed.err);
  const early = await world.cli(['channels', 'login', '--channel', 'lantern']);
  assert.equal(early.code, 1);
  assert.match(early.err, /openclaw gateway run/);
  await world.startGateway();

  const login = world.spawn('login', process.env.OPENCLAW_BINARY, ['channels', 'login', '--channel', 'lantern'],
    { ...world.env(), OPENCLAW_GATEWAY_TOKEN: world.token });
  const shows = (count) => waitFor(`${count} codes`, () => (login.out.match(/Scan this with a lantern:/g) ?? []).length === count);
  await shows(1);
  assert.match(login.out, /Added Lantern account "default"\./);
  assert.match(login.out, BLOCK);
  const added = await world.cli(['channels', 'add', '--channel', 'lantern']);
  assert.match(added.out, /Changed Lantern[^]*Link it with: openclaw channels login --channel lantern/);
  const folder = await phone(world);
  writeFileSync(path.join(folder, 'phone'), 'lantern-2');
  await shows(2);

  const start = (await world.cli(['gateway', 'call', 'web.login.start', '--params', '{"channel":"lantern"}', '--json'])).json();
  assert.equal(start.qr, 'lantern-2');
  assert.match(start.qrDataUrl, /^data:image\/svg/);
  assert.equal(start.connected, false);
  // A code is whoever's who sees it: it stands nowhere else.
  assert.doesNotMatch((await world.cli(['channels', 'status', '--json'])).out, /lantern-2/);
  assert.doesNotMatch(world.log(), /lantern-2/);

  writeFileSync(path.join(folder, 'phone'), 'scan');
  assert.equal((await login.done).code, 0, login.err);
  assert.match(login.out, /Lantern account "default" is linked\./);
  assert.match((await world.cli(['channels', 'login', '--channel', 'lantern'])).out, /is linked\./);
  const wait = (await world.cli(['gateway', 'call', 'web.login.wait', '--params', '{"channel":"lantern"}', '--json'])).json();
  assert.deepEqual([wait.connected, wait.message], [true, 'It is linked.']);
  const none = await world.cli(['gateway', 'call', 'web.login.start', '--params', '{"channel":"lantern","accountId":"other"}']);
  assert.match(none.err, /no account "other" of lantern/);
  assert.equal((await world.stopGateway()).code, 0);
}));
