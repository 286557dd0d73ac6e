#!/usr/bin/env node
// How fast a message of a chat becomes a run, and what two connected channels cost. Usage:
//   bench/channels.mjs [--seconds N]        (of each rate; 20 unless said)
// Starts the release build's gateway with the chat labs of tests/ and an instant model on loopback; takes OPENCLAW_BINARY.
// The last line is one JSON object:
//   rate_20, rate_200   from the moment a person's message is given to the lab to the moment the model is asked, over 50
//                       chats of Telegram and 50 of Discord; the message is on disk in between. `lab_ms` is what the same
//                       way costs without the gateway: one request to the lab. `gateway`: the part of it that is the
//                       gateway's own, of its last 200 messages of each channel: from the plugin's hands to the disk
//                       (stored_ms) and to the start of the turn (turn_ms).
//   rss_mib, pss_mib    after a restart, both channels connected, 1,000 sessions on disk
//   idle_cpu_percent    of one core, while nobody writes
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '20' }, help: { type: 'boolean', short: 'h', default: false } } });
if (values.help) {
  console.log(readFileSync(new URL(import.meta.url), 'utf8').split('\n').slice(1, 15).map((line) => line.replace(/^\/\/ ?/, '')).join('\n'));
  process.exit(0);
}
process.env.OPENCLAW_BINARY ??= new URL('../build/release/bin/openclaw', import.meta.url).pathname;
if (!existsSync(process.env.OPENCLAW_BINARY)) {
  console.error(`There is no program at ${process.env.OPENCLAW_BINARY}; build it with: cmake --preset release && cmake --build --preset release`);
  process.exit(2);
}
const { World, waitFor } = await import('../tests/end_to_end/harness.mjs');

const kChats = 50, kSessions = 1000, kIdleMs = 10000;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const say = (text) => process.stderr.write(`${text}\n`);
const person = (n) => 100001 + n;
const member = (n) => String(910000000000001000n + BigInt(n));
const quantile = (list, share) => Number([...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))].toFixed(2));

const asked = new Map(); // mark: when the model was asked about it
async function instantModel() {
  const server = http.createServer((request, response) => {
    const at = performance.now();
    let body = '';
    request.on('data', (piece) => (body += piece));
    request.on('end', () => {
      if (request.method === 'GET') return response.end(JSON.stringify({ data: [{ id: 'instant' }] }));
      const mark = body.match(/mark-\d+-/g)?.at(-1);
      if (!asked.has(mark)) asked.set(mark, at);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`);
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

function config(world, model) {
  const { telegram, discord } = world;
  return ['[gateway]', 'mode = "local"', '[gateway.auth]', `token = "${world.token}"`, '[session]', 'dmScope = "per-channel-peer"',
    '[agents.defaults]', 'model = "mock/instant"', 'maxConcurrent = 16', '[agents.defaults.sandbox]', 'mode = "off"',
    '[messages.queue]', 'mode = "followup"', 'debounceMs = 0', '[models]', 'mode = "replace"',
    '[models.providers.mock]', `baseUrl = "http://127.0.0.1:${model.address().port}/v1"`, 'api = "openai-completions"', 'apiKey = "key"',
    '[[models.providers.mock.models]]', 'id = "instant"', '[channels.telegram]', `botToken = "${telegram.token}"`, `apiRoot = "${telegram.api}"`,
    'dmPolicy = "open"', 'allowFrom = ["*"]', '[channels.discord]', `token = "${discord.token}"`, `apiRoot = "${discord.api}"`,
    `gatewayRoots = ${JSON.stringify(discord.gateways)}`, 'dmPolicy = "open"', 'allowFrom = ["*"]', ''].join('\n');
}

let number = 0;
const write = ({ telegram, discord }, chat, mark) => (number % 2 === 0
  ? telegram.control('/inject/message', { user_id: person(chat), text: mark })
  : discord.control('/inject/message', { user_id: member(chat), dm: true, content: mark }));

// Writes `count` messages at `rate` a second and answers how long each took, in ms.
async function measure(world, rate, count, chatOf = (n) => Math.floor(n / 2) % kChats) {
  const sent = [], lab = [];
  const begun = performance.now();
  for (let n = 0; n < count; ++n) {
    const early = begun + (n * 1000) / rate - performance.now();
    if (early > 1) await sleep(early);
    const mark = `mark-${++number}-`;
    const at = performance.now();
    sent.push([mark, at]);
    write(world, chatOf(n), mark).then(() => lab.push(performance.now() - at));
  }
  await waitFor('every run', () => sent.every(([mark]) => asked.has(mark)), 60000);
  const took = sent.map(([mark, at]) => asked.get(mark) - at);
  return { p50_ms: quantile(took, 0.5), p99_ms: quantile(took, 0.99), lab_ms: { p50: quantile(lab, 0.5), p99: quantile(lab, 0.99) }, messages: count };
}

async function startTimes(world) {
  const answer = await world.cli(['channels', 'status', '--json']);
  const { channelAccounts } = answer.json();
  return Object.fromEntries(Object.entries(channelAccounts).map(([channel, [{ startTimes }]]) =>
    [channel, { messages: startTimes.messages, stored_ms: startTimes.storedMs, turn_ms: startTimes.turnMs }]));
}

const cpuMs = (pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13).reduce((sum, ticks) => sum + Number(ticks) * 10, 0);
const kib = (pid, file, key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))[1]);

const world = new World();
const model = await instantModel();
try {
  await world.startTelegram();
  await world.startDiscord();
  // The services' own limits are not what is measured here.
  await world.telegram.control('/config', { limits: { enabled: false } });
  await world.discord.control('/config', { limits: { enabled: false } });
  world.writeConfig(config(world, model));
  await world.startGateway();
  await world.discord.connected();
  const result = {};
  await measure(world, 50, 200); // every chat has its session
  for (const rate of [20, 200]) {
    result[`rate_${rate}`] = await measure(world, rate, rate * Number(values.seconds));
    result[`rate_${rate}`].gateway = await startTimes(world);
    say(`${rate} messages a second: ${JSON.stringify(result[`rate_${rate}`])}`);
  }
  await measure(world, 100, kSessions, (n) => kChats + n);
  await waitFor('every reply', async () => (await world.query('SELECT count(*) AS open FROM outbox WHERE state<2'))[0].open === 0, 120000);
  await world.stopGateway();
  await world.startGateway();
  await world.discord.connected();
  await sleep(3000);
  const { pid } = world.gateway.child;
  const before = cpuMs(pid);
  await sleep(kIdleMs);
  result.idle_cpu_percent = Number((((cpuMs(pid) - before) / kIdleMs) * 100).toFixed(2));
  result.rss_mib = Number((kib(pid, 'status', 'VmRSS') / 1024).toFixed(1));
  result.pss_mib = Number((kib(pid, 'smaps_rollup', 'Pss') / 1024).toFixed(1));
  result.sessions = kSessions;
  console.log(JSON.stringify(result));
} finally {
  model.closeAllConnections();
  model.close();
  await world.close({ hasContainers: false });
}
