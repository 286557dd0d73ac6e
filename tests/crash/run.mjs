// A crash run: see run.sh for its options and README.md for what it shows.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { World, binary, waitFor } from '../end_to_end/harness.mjs';
import { check } from './history.mjs';
import { Model, textOf } from './model.mjs';

const folder = path.dirname(fileURLToPath(import.meta.url));
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const kReadyMs = 20000;   // a gateway that needs longer to start is broken
const kExitMs = 10000;    // what a SIGTERM may take
const kDrainMs = 180000;  // from the last kill to the last reply

function options() {
  const { values } = parseArgs({ options: {
    kills: { type: 'string', default: '0' }, term: { type: 'string', default: '0' }, reloads: { type: 'string', default: '0' },
    messages: { type: 'string' },
    seed: { type: 'string' }, chats: { type: 'string', default: '50' }, rate: { type: 'string', default: '20' },
    every: { type: 'string', default: '2-10' }, json: { type: 'boolean', default: false } } });
  const [least, most] = values.every.split('-').map(Number);
  const given = { kills: Number(values.kills), terms: Number(values.term), reloads: Number(values.reloads), messages: Number(values.messages),
    chats: Number(values.chats), rate: Number(values.rate), least: least * 1000, most: (most ?? least) * 1000,
    seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)), json: values.json };
  const wrong = Object.entries(given).find(([, v]) => typeof v === 'number' && !(v >= 0));
  if (wrong || !given.messages || !given.chats || !given.rate || given.least > given.most
      || [given.kills, given.terms, given.reloads].filter((n) => n > 0).length !== 1) {
    console.error('usage: tests/crash/run.sh --kills N | --term N | --reloads N, --messages N [--seed S] [--json] (see --help)');
    process.exit(2);
  }
  return given;
}

// A stream of numbers in [0, 1) that a seed repeats.
function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

async function platforms() {
  const files = readdirSync(path.join(folder, 'platforms')).filter((f) => f.endsWith('.mjs')).sort();
  return Promise.all(files.map(async (f) => new (await import(`./platforms/${f}`)).default()));
}

class CrashRun {
  constructor(given) {
    this.given = given;
    this.world = new World();
    this.toolLog = path.join(this.world.dir, 'tools.log');
    writeFileSync(this.toolLog, '');
    this.messages = [];
    this.life = 0;
    this.kills = 0;
    this.reloads = 0;
    this.exits = []; // of SIGTERM: ms
    this.faults = [];
  }

  say(text) {
    if (!this.given.json) console.log(`[${((Date.now() - this.began) / 1000).toFixed(0).padStart(4)}s] ${text}`);
  }

  async prepare() {
    this.began = Date.now();
    const { chats, seed } = this.given;
    this.model = new Model({ random: (id) => numbers(seed * 31 + id)(), toolLog: this.toolLog, life: () => this.life });
    await this.model.start();
    this.platforms = await platforms();
    for (const platform of this.platforms) await platform.start(this.world, chats);
    this.world.writeConfig(this.config());
    await this.world.startGateway();
    // What is written before a bot is first connected is nobody's to deliver.
    for (const platform of this.platforms) await platform.connected();
    this.life = 1;
    this.say(`${binary}, seed ${seed}, ${this.world.dir}`);
  }

  config() {
    return ['[gateway]', 'mode = "local"', '[gateway.auth]', `token = "${this.world.token}"`, '[session]',
      'dmScope = "per-channel-peer"', '[agents.defaults]', 'model = "mock/mock-1"', 'maxConcurrent = 16',
      '[agents.defaults.sandbox]', 'mode = "off"', '[messages.queue]', 'mode = "followup"', 'debounceMs = 0', 'cap = 1000',
      '[models]', 'mode = "replace"', '[models.providers.mock]',
      `baseUrl = "http://127.0.0.1:${this.model.port}/v1"`, 'api = "openai-completions"', 'apiKey = "key-of-the-mock"',
      '[[models.providers.mock.models]]', 'id = "mock-1"', 'contextWindow = 32000',
      ...this.platforms.flatMap((p) => p.config()), ''].join('\n');
  }

  // People write, each chat in its order, as evenly as the machine allows.
  async write() {
    const { messages, chats, rate, kills, terms, least, most, seed } = this.given;
    const whole = Math.max(messages / rate, (kills + terms) * (least + most) / 2000);
    const pause = (whole * 1000) / messages;
    const random = numbers(seed + 1);
    const begun = Date.now();
    for (let id = 1; id <= messages && this.faults.length === 0; ++id) {
      const late = begun + id * pause - Date.now();
      if (late > 0) await sleep(late);
      const platform = this.platforms[id % this.platforms.length];
      const chat = Math.floor(random() * chats);
      const messageId = await platform.write(chat, textOf(id));
      this.messages.push({ id, platform: platform.name, chat, messageId, at: Date.now() });
    }
    this.written = true;
  }

  async endAll() {
    const { kills, terms, least, most, seed } = this.given;
    const random = numbers(seed);
    const signal = kills > 0 ? 'SIGKILL' : 'SIGTERM';
    for (let n = 1; n <= kills + terms; ++n) {
      await sleep(least + random() * (most - least));
      const { gateway } = this.world;
      if (gateway.exited) return this.gone(gateway);
      const ended = await this.world.stopGateway(signal);
      if (signal === 'SIGTERM') this.noteExit(n, ended);
      ++this.kills;
      // The killed one's entry holds its output and nothing else.
      this.world.children = this.world.children.filter((c) => c !== gateway);
      ++this.life;
      this.world.gateway = this.world.spawn('gateway', binary, ['gateway', 'run'], this.world.env());
      if (n % 10 === 0) this.say(`${n} times ${signal}, ${this.messages.length} messages written`);
    }
  }

  // Changes the configuration again and again, each second time to one that is not valid. What changes belongs to no
  // account that people write to, so those must not notice.
  async reloadAll() {
    const { gateway } = this.world;
    const before = this.config();
    const wrong = ['[channels', '[gateway]\nport = "many"\n', '[agents.defaults]\nmodell = "x"\n'];
    const pause = this.given.messages * 1000 / this.given.rate / this.given.reloads;
    for (let n = 1, seen = 0; n <= this.given.reloads; ++n) {
      const begun = Date.now();
      const valid = n % 2 === 1;
      this.world.writeConfig(before + (valid ? this.platforms.map((p) => p.otherAccount(n)).join('\n') : wrong[n / 2 % wrong.length]));
      const said = valid ? 'configuration reloaded from' : 'configuration not reloaded';
      await waitFor(`"${said}" (reload ${n})`, () => gateway.exited || gateway.err.indexOf(said, seen) >= 0, kReadyMs);
      if (gateway.exited) return this.gone(gateway);
      seen = gateway.err.length;
      ++this.reloads;
      if (n % 500 === 0) this.say(`${n} reloads, ${this.messages.length} messages written`);
      await sleep(Math.max(0, pause - (Date.now() - begun)));
    }
    this.world.writeConfig(before);
    for (const platform of this.platforms) this.faults.push(...await platform.disturbances());
  }

  noteExit(n, { code, ms, err }) {
    this.exits.push(ms);
    if (code !== 0 || ms > kExitMs) this.faults.push(`exit ${n}: code ${code} after ${ms} ms: ${err.slice(-300)}`);
  }

  gone(gateway) {
    this.faults.push(`the gateway of life ${this.life} ended by itself (${JSON.stringify(gateway.exited)}): ${gateway.err.slice(-1000)}`);
  }

  // Waits until nothing is under way any more.
  async drain() {
    await waitFor('the gateway to be ready', async () => (await fetch(`${this.world.url}/readyz`)).status === 200, kReadyMs);
    const open = async () => {
      let pending = 0;
      for (const platform of this.platforms) pending += await platform.pending();
      const [row] = await this.world.query('SELECT (SELECT count(*) FROM inbox WHERE state<2) + (SELECT count(*) FROM outbox WHERE state<2) AS open');
      return pending + row.open;
    };
    for (const end = Date.now() + kDrainMs; ; await sleep(500)) {
      const left = await open();
      if (left === 0) return;
      if (this.world.gateway.exited) return this.gone(this.world.gateway);
      if (Date.now() > end) return this.faults.push(`${left} entries are still open ${kDrainMs / 1000} s after the last kill`);
    }
  }

  async history() {
    const seen = {};
    for (const platform of this.platforms) seen[platform.name] = await platform.seen();
    const outbox = (await this.world.query('SELECT id,instance,state,ambiguous,attempts,message,created_ms,error FROM outbox')).map((row) => {
      const message = JSON.parse(row.message);
      const platform = this.platforms.find((p) => p.channel === row.instance.split('/')[0]);
      return { id: row.id, instance: `${platform.name}/`, state: row.state, ambiguous: row.ambiguous > 0, attempts: row.attempts,
        chat: platform.chatOf(message.conversation.id), text: message.text, replyTo: message.replyTo?.messageId,
        createdMs: row.created_ms, error: row.error };
    });
    const inbox = await this.world.query("SELECT id,state,event_id AS eventId,outcome,attempts,effects,received_ms AS receivedMs,ended_ms AS endedMs FROM inbox");
    const tools = readFileSync(this.toolLog, 'utf8').split('\n').filter(Boolean).map(Number);
    return { platforms: this.platforms.map(({ name, duplicates }) => ({ name, duplicates })), messages: this.messages, seen,
      requests: this.model.requests, tools, inbox, outbox };
  }

  async run() {
    await this.prepare();
    await Promise.all([this.write(), this.given.reloads > 0 ? this.reloadAll() : this.endAll()]);
    this.say(`${this.messages.length} messages written; waiting for the rest`);
    await this.drain();
    const history = await this.history();
    const verdict = check(history);
    this.faults.push(...verdict.faults);
    writeFileSync(path.join(this.world.dir, 'history.json'), JSON.stringify({ given: this.given, ...history, faults: this.faults }));
    return verdict;
  }

  // How long messages waited until the model was asked about them: the outages are in it, too.
  delays() {
    const asked = new Map();
    for (const r of this.model.requests) if (r.id !== undefined && !asked.has(r.id)) asked.set(r.id, r.at);
    const sorted = this.messages.map((m) => (asked.get(String(m.id)) ?? m.at) - m.at).sort((a, b) => a - b);
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    return `from message to model: half within ${at(0.5)} ms, 99 % within ${at(0.99)} ms, the slowest ${at(1)} ms`;
  }

  async close(failed) {
    this.model?.stop();
    await this.world.close({ keep: failed, hasContainers: false });
  }
}

const given = options();
const run = new CrashRun(given);
let verdict;
try {
  verdict = await run.run();
} catch (failure) {
  run.faults.push(`the run itself failed: ${failure.stack}`);
}
const failed = run.faults.length > 0;
await run.close(failed);
if (failed) {
  const log = given.json ? console.error : console.log;
  for (const fault of run.faults.slice(0, 40)) log(`FAULT: ${fault}`);
  if (run.faults.length > 40) log(`and ${run.faults.length - 40} more`);
  log(`Everything is kept in ${run.world.dir} (history.json, state/channels.db, state/logs); again: --seed ${given.seed}`);
}
if (verdict) {
  if (run.exits.length > 0) run.say(`exits: slowest ${Math.max(...run.exits)} ms`);
  run.say(run.delays());
  run.say(`${verdict.told} messages were told that a restart cut them`);
  console.log(JSON.stringify({ kills: run.kills, ...(given.reloads > 0 ? { reloads: run.reloads } : {}), messages: run.messages.length, lost: verdict.lost, run_twice: verdict.runTwice,
    discord_duplicates: verdict.duplicates.discord ?? null, telegram_ambiguous: verdict.ambiguous.telegram ?? 0,
    telegram_duplicates: verdict.duplicates.telegram, out_of_order: verdict.outOfOrder, seed: given.seed }));
}
process.exit(failed ? 1 : 0);
