// Who may talk: kind of chat x policy x sender, in each channel (A25). The policies are changed in the running gateway.
// What a row expects comes from the short model below, which knows nothing of how the gateway decides.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { inWorld, waitFor } from './harness.mjs';

const kListedGroup = -1001000000001, kOtherGroup = -1001000000002;

// 'answered', 'code' (a pairing code and no answer) or 'silence'.
function direct(policy, sender) {
  if (policy === 'disabled') return 'silence';
  if (policy === 'open' || sender === 'listed') return 'answered';
  if (policy === 'pairing') return sender === 'paired' ? 'answered' : 'code';
  return 'silence';
}
// `users` of a Discord server are a list of its own, which counts whatever the policy says.
function room(channel, policy, sender, { roomListed, mentioned }) {
  const senderMay = policy !== 'disabled' && (sender === 'listed' || (policy === 'open' && !channel.usersOfSpace));
  return senderMay && roomListed && mentioned ? 'answered' : 'silence';
}

const senders = ['listed', 'paired', 'stranger'];
const directPolicies = ['pairing', 'allowlist', 'open', 'disabled'];
const roomPolicies = ['allowlist', 'open', 'disabled'];

const channels = {
  telegram: {
    ids: { listed: 1001, paired: 1003, stranger: 2002, owner: 1009 },
    async start(world) {
      const lab = await world.startTelegram();
      for (const [name, id] of Object.entries(this.ids)) await lab.control('/user', { id, first_name: name, started: true });
      await lab.control('/bot', { can_read_all_group_messages: true });
      for (const id of [kListedGroup, kOtherGroup]) await lab.control('/chat', { id, type: 'supergroup', bot_status: 'administrator' });
      this.lab = lab;
      this.rooms = { listed: kListedGroup, other: kOtherGroup };
    },
    config(dmPolicy, groupPolicy) {
      return ['[channels.telegram]', `botToken = "${this.lab.token}"`, `apiRoot = "${this.lab.api}"`, `dmPolicy = "${dmPolicy}"`,
        `allowFrom = ${dmPolicy === 'open' ? '["*"]' : `["${this.ids.listed}", "${this.ids.owner}"]`}`, `groupPolicy = "${groupPolicy}"`,
        `groupAllowFrom = ["${this.ids.listed}"]`, `[channels.telegram.groups."${kListedGroup}"]`, 'requireMention = true'];
    },
    write(sender, text, { chat, mentioned } = {}) {
      return this.lab.control('/inject/message', { user_id: this.ids[sender], ...(chat ? { chat_id: chat } : {}), text: mentioned ? `@lab_bot ${text}` : text });
    },
    chatWith: (sender) => channels.telegram.ids[sender],
    shownIn: (chat) => channels.telegram.lab.shown(chat),
  },
  discord: {
    usersOfSpace: true,
    ids: { listed: '910000000000000001', paired: '910000000000000003', stranger: '910000000000000002', owner: '910000000000000009' },
    async start(world) {
      const lab = await world.startDiscord();
      this.dms = {};
      for (const [name, id] of Object.entries(this.ids)) {
        await lab.control('/user', { id, username: name });
        this.dms[name] = (await lab.control('/dm', { user_id: id })).id;
      }
      this.lab = lab;
      this.rooms = { listed: lab.general, other: lab.ops };
    },
    config(dmPolicy, groupPolicy) {
      return ['[channels.discord]', `token = "${this.lab.token}"`, `apiRoot = "${this.lab.api}"`, `gatewayRoots = ${JSON.stringify(this.lab.gateways)}`,
        `dmPolicy = "${dmPolicy}"`, `allowFrom = ${dmPolicy === 'open' ? '["*"]' : `["${this.ids.listed}", "${this.ids.owner}"]`}`,
        `groupPolicy = "${groupPolicy}"`, `[channels.discord.guilds."${this.lab.guild}"]`, `users = ["${this.ids.listed}"]`,
        `[channels.discord.guilds."${this.lab.guild}".channels."${this.lab.general}"]`, 'allow = true', 'requireMention = true'];
    },
    write(sender, text, { chat, mentioned } = {}) {
      return this.lab.control('/inject/message', { user_id: this.ids[sender], ...(chat ? { channel_id: chat } : { dm: true }),
        content: mentioned ? `<@${this.lab.botId}> ${text}` : text });
    },
    chatWith: (sender) => channels.discord.dms[sender],
    shownIn: (chat) => channels.discord.lab.shown(chat),
  },
};

function rowsOf(channel, dmPolicy, groupPolicy) {
  const both = [true, false];
  return senders.flatMap((sender) => [
    { sender, kind: `direct, ${dmPolicy}`, expected: direct(dmPolicy, sender) },
    ...both.flatMap((roomListed) => both.map((mentioned) => ({
      sender, mentioned, chat: roomListed ? channel.rooms.listed : channel.rooms.other,
      kind: `room (${roomListed ? '' : 'not '}listed, ${mentioned ? '' : 'not '}mentioned), ${groupPolicy}`,
      expected: room(channel, groupPolicy, sender, { roomListed, mentioned }) })))]);
}

const gateway = (world) => ['[gateway]', 'mode = "local"', '[gateway.auth]', `token = "${world.token}"`, '[session]', 'dmScope = "per-channel-peer"',
  '[agents.defaults]', 'model = "mock/mock-1"', '[agents.defaults.sandbox]', 'mode = "off"', '[models]', 'mode = "replace"',
  '[models.providers.mock]', `baseUrl = "http://127.0.0.1:${world.model.port}/v1"`, 'api = "openai-completions"', 'apiKey = "key-of-the-mock"',
  '[[models.providers.mock.models]]', 'id = "mock-1"'];

async function configure(world, channel, dmPolicy, groupPolicy) {
  const before = world.gateway?.err.length ?? 0;
  world.writeConfig([...gateway(world), ...channel.config(dmPolicy, groupPolicy), ''].join('\n'));
  if (world.gateway) await waitFor('the new policies', () => world.gateway.err.indexOf('configuration reloaded', before) >= 0);
}

// Says what every row says, and waits until the gateway is through with all of it.
async function sayAll(world, channel, rows) {
  for (const row of rows) await channel.write(row.sender, row.mark, row);
  const before = world.gateway.err.length;
  await channel.write('owner', 'and that was all');
  await waitFor('the last message', async () => world.gateway.err.indexOf(`from ${channel.ids.owner} was not let in`, before) >= 0
    || JSON.stringify(await world.model.requests()).includes('and that was all'));
  await waitFor('the end of all runs', async () => (await world.query('SELECT count(*) AS open FROM inbox WHERE state < 2'))[0].open === 0);
}

const isCode = (text) => /pairing approve/.test(text);

async function outcome(world, channel, { sender, chat, mark }, codesBefore) {
  if ((await world.model.requests()).some((r) => JSON.stringify(r.messages.at(-1)).includes(mark))) return 'answered';
  const codes = (await channel.shownIn(chat ?? channel.chatWith(sender))).filter(isCode).length;
  return codes > (chat ? 0 : codesBefore[sender]) ? 'code' : 'silence';
}

for (const [name, channel] of Object.entries(channels)) {
  test(`A25 ${name}: kind of chat, policy and sender decide who is answered`, () => inWorld(async (world) => {
    await world.startModel();
    await channel.start(world);
    await configure(world, channel, 'pairing', 'open'); // as no row has it: each is a change
    await world.startGateway();
    if (name === 'discord') await channel.lab.connected();
    await channel.write('paired', 'may I come in');
    const told = await waitFor('the code', async () => (await channel.shownIn(channel.chatWith('paired'))).find(isCode));
    const approved = await world.cli(['pairing', 'approve', name, /\b[A-Z2-9]{8}\b/.exec(told)[0]]);
    assert.equal(approved.code, 0, approved.err);
    let number = 0;
    const seen = [], wanted = [];
    for (const [round, dmPolicy] of directPolicies.entries()) {
      const groupPolicy = roomPolicies[round % roomPolicies.length];
      await configure(world, channel, dmPolicy, groupPolicy);
      const rows = rowsOf(channel, dmPolicy, groupPolicy).map((row) => ({ ...row, mark: `mark-${++number}-` }));
      const codes = {};
      for (const sender of senders) codes[sender] = (await channel.shownIn(channel.chatWith(sender))).filter(isCode).length;
      await sayAll(world, channel, rows);
      for (const row of rows) {
        wanted.push(`${row.kind}, ${row.sender}: ${row.expected}`);
        seen.push(`${row.kind}, ${row.sender}: ${await outcome(world, channel, row, codes)}`);
      }
      await world.model.reset();
    }
    assert.deepEqual(seen, wanted);
    assert.equal((await world.stopGateway()).code, 0);
  }));
}
