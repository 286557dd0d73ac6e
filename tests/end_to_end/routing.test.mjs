// Who answers where: three agents, two accounts of each channel, direct messages, groups, topics, rooms and threads.
// Every agent has a model of its own name, so that the model server sees which one was asked.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { inWorld, waitFor } from './harness.mjs';

const kGroup = -1001000000001, kForum = -1001000000002, kWorkGroup = -1001000000003;
const kTopic = 7, kOtherTopic = 8;

const binding = (agent, match) => `[[bindings]]\nagentId = "${agent}"\nmatch = { ${match} }`;
const peer = (kind, id) => `peer = { kind = "${kind}", id = "${id}" }`;

function config(world, { telegram, work, discord, discordWork }) {
  return `[gateway]
mode = "local"
[gateway.auth]
token = "${world.token}"
[session]
dmScope = "per-account-channel-peer"
[agents.defaults]
model = "mock/main"
[agents.defaults.sandbox]
mode = "off"
[[agents.list]]
id = "main"
default = true
[[agents.list]]
id = "ops"
model = "mock/ops"
[[agents.list]]
id = "home"
model = "mock/home"
[models]
mode = "replace"
[models.providers.mock]
baseUrl = "http://127.0.0.1:${world.model.port}/v1"
api = "openai-completions"
apiKey = "key-of-the-mock"
${['main', 'ops', 'home'].map((id) => `[[models.providers.mock.models]]\nid = "${id}"`).join('\n')}
[channels.telegram]
botToken = "${telegram.token}"
apiRoot = "${telegram.api}"
dmPolicy = "open"
allowFrom = ["*"]
groupPolicy = "open"
requireMention = false
[channels.telegram.accounts.work]
botToken = "${work}"
[channels.discord]
token = "${discord.token}"
apiRoot = "${discord.api}"
gatewayRoots = ${JSON.stringify(discord.gateways)}
dmPolicy = "open"
allowFrom = ["*"]
groupPolicy = "open"
[channels.discord.guilds."${discord.guild}"]
requireMention = false
[channels.discord.accounts.work]
token = "${discordWork.token}"
apiRoot = "${discordWork.api}"
gatewayRoots = ${JSON.stringify(discordWork.gateways)}
${[
    binding('ops', 'channel = "telegram", accountId = "work"'),
    binding('home', `channel = "telegram", ${peer('direct', '1001')}`),
    binding('ops', `channel = "telegram", ${peer('group', kForum)}`),
    binding('home', `channel = "telegram", ${peer('group', `${kForum}:topic:${kTopic}`)}`),
    binding('home', `channel = "telegram", accountId = "work", ${peer('group', kWorkGroup)}`),
    binding('home', 'channel = "discord", accountId = "work"'),
    binding('ops', `channel = "discord", guildId = "${discord.guild}"`),
    binding('home', `channel = "discord", ${peer('channel', discord.ops)}`),
  ].join('\n')}
`;
}

// What is said where, who must answer, and in which conversation.
function table({ work, discord, discordWork, thread, dms }) {
  const tg = (where, agent, key, more) => ({ where: `Telegram, ${where}`, agent, key, chat: 'telegram', more });
  const dc = (where, agent, key, more, chat = discord) => ({ where: `Discord, ${where}`, agent, key, chat, more });
  return [
    tg('direct, bound', 'home', 'telegram:default:direct:1001', { user_id: 1001 }),
    tg('direct, not bound', 'main', 'telegram:default:direct:2002', { user_id: 2002 }),
    tg('group', 'main', `telegram:group:${kGroup}`, { user_id: 1001, chat_id: kGroup }),
    tg('forum, topic that is bound', 'home', `telegram:group:${kForum}:topic:${kTopic}`, { user_id: 1001, chat_id: kForum, message_thread_id: kTopic }),
    tg('forum, topic of a bound forum', 'ops', `telegram:group:${kForum}:topic:${kOtherTopic}`, { user_id: 1001, chat_id: kForum, message_thread_id: kOtherTopic }),
    tg('second account, direct', 'ops', 'telegram:work:direct:1001', { user_id: 1001, bot: work }),
    tg('second account, group that is bound', 'home', `telegram:group:${kWorkGroup}`, { user_id: 1001, chat_id: kWorkGroup, bot: work }),
    dc('direct', 'main', `discord:default:direct:${discord.person}`, { user_id: discord.person, dm: true }),
    dc('room of a bound server', 'ops', `discord:channel:${discord.general}`, { user_id: discord.person, channel_id: discord.general }),
    dc('room that is bound', 'home', `discord:channel:${discord.ops}`, { user_id: discord.person, channel_id: discord.ops }),
    dc('thread of a bound room', 'home', `discord:channel:${thread}`, { user_id: discord.person, channel_id: thread }),
    dc('second account, direct', 'home', `discord:work:direct:${dms.person}`, { user_id: dms.person, dm: true }, discordWork),
  ];
}

async function begin(world) {
  await world.startModel();
  const telegram = await world.startTelegram();
  await telegram.control('/bot', { can_read_all_group_messages: true });
  const { token: work } = await telegram.control('/bot', { token: `7000002:${'w'.repeat(35)}`, username: 'work_bot' });
  for (const id of [kGroup, kForum, kWorkGroup]) await telegram.control('/chat', { id, type: 'supergroup', bot_status: 'administrator' });
  await telegram.control('/chat', { id: kForum, topics: [kTopic, kOtherTopic].map((id) => ({ id, name: `Topic ${id}` })) });
  const discordWork = await world.startDiscord();
  const discord = await world.startDiscord();
  const { thread_id: thread } = await discord.control('/inject/thread', { channel_id: discord.ops, name: 'aside' });
  const parts = { telegram, work, discord, discordWork, thread, dms: { person: discordWork.person } };
  world.writeConfig(config(world, parts));
  await world.startGateway();
  for (const chat of [discord, discordWork]) await chat.connected();
  return parts;
}

test('three agents, two accounts of each channel: who answers, and in which conversation', () => inWorld(async (world) => {
  const parts = await begin(world);
  const rows = table(parts);
  for (const [n, { chat, more }] of rows.entries()) {
    const text = `question ${n}.`;
    if (chat === 'telegram') await parts.telegram.control('/inject/message', { text, ...more });
    else await chat.control('/inject/message', { content: text, ...more });
  }
  await world.model.wait(rows.length);
  const asked = (await world.model.requests()).map((r) => ({ agent: r.model, text: JSON.stringify(r.messages.findLast((m) => m.role === 'user').content) }));
  const answeredBy = rows.map((row, n) => [row.where, asked.filter(({ text }) => text.includes(`question ${n}.`)).map(({ agent }) => agent)]);
  assert.deepEqual(answeredBy, rows.map((row) => [row.where, [row.agent]]));
  await waitFor('the sessions', async () => (await sessions(world)).length >= rows.length);
  const keys = await sessions(world);
  for (const { where, agent, key } of rows) assert.ok(keys.includes(`agent:${agent}:${key}`), `${where}: ${keys.join('\n')}`);
  assert.equal(keys.length, rows.length, keys.join('\n'));
  // The answer goes out by the account that was written to.
  const all = await waitFor('the answers', async () => {
    const shown = await parts.telegram.control('/messages?by=bot');
    return shown.length === 7 && shown;
  });
  const byBot = (n) => all.filter((m) => m.text.includes(`question ${n}.`)).map((m) => m.chat_id);
  assert.deepEqual([byBot(5), byBot(6)], [[1001], [kWorkGroup]]);
  const calls = (await parts.telegram.calls('sendMessage')).filter((c) => c.ok);
  assert.deepEqual(calls.filter((c) => c.bot === 7000002).map((c) => Number(c.params.chat_id)).sort(), [kWorkGroup, 1001].sort());
  assert.equal((await world.stopGateway()).code, 0);
}));

async function sessions(world) {
  const { json } = await world.cli(['sessions', '--all-agents', '--json']);
  return json().sessions.map((s) => s.key);
}

// One person on two channels and another one: who shares a conversation with whom.
const kScopes = [
  ['main', '', { ada: 'agent:main:main', adaOnDiscord: 'agent:main:main', other: 'agent:main:main' }],
  ['per-peer', 'identityLinks = { ada = ["telegram:1001", "discord:PERSON"] }',
    { ada: 'agent:main:direct:ada', adaOnDiscord: 'agent:main:direct:ada', other: 'agent:main:direct:2002' }],
  ['per-channel-peer', 'identityLinks = { ada = ["telegram:1001", "discord:PERSON"] }',
    { ada: 'agent:main:telegram:direct:ada', adaOnDiscord: 'agent:main:discord:direct:ada', other: 'agent:main:telegram:direct:2002' }],
];
for (const [scope, links, keys] of kScopes) {
  test(`session.dmScope = "${scope}"`, () => inWorld(async (world) => {
    await world.startModel();
    const telegram = await world.startTelegram();
    const discord = await world.startDiscord();
    telegram.allowFrom.push(telegram.stranger);
    world.configure();
    const text = readFileSync(world.configFile, 'utf8');
    world.writeConfig(`${text}[session]\ndmScope = "${scope}"\n${links.replace('PERSON', discord.person)}\n`);
    await world.startGateway();
    await discord.connected();
    await telegram.write('from ada');
    await discord.write('from ada elsewhere');
    await telegram.write('from another', telegram.stranger);
    await world.model.wait(3);
    await waitFor('three answers', async () =>
      (await telegram.shown()).length + (await telegram.shown(telegram.stranger)).length + (await discord.shown()).length === 3);
    const wanted = [...new Set(Object.values(keys))].sort();
    assert.deepEqual((await sessions(world)).sort(), wanted);
    assert.deepEqual([await telegram.shown(), await discord.shown(), await telegram.shown(telegram.stranger)].map((t) => t.length), [1, 1, 1]);
  }));
}
