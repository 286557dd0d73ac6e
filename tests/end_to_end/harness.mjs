// Starts the real parts of an end-to-end test: the gateway binary, the chat labs, the scripted model server.
// Everything lives in one temporary directory and dies with the test. Nothing here knows what is being tested.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = path.dirname(fileURLToPath(import.meta.url));
export const binary = process.env.OPENCLAW_BINARY;
if (!binary) throw new Error('OPENCLAW_BINARY must name the openclaw program (ctest sets it)');

// Sanitized builds on a loaded machine are slow; a wait ends as soon as its event comes.
export const patience = 120000;

// Waits until `probe` answers something truthy; the last value or error is in the message when it does not.
export async function waitFor(what, probe, timeoutMs = patience) {
  const end = Date.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (e) {
      last = e;
      if (e?.final) throw e;
    }
    if (Date.now() > end) throw new Error(`timed out waiting for ${what}; last: ${last?.stack ?? JSON.stringify(last)}`);
    await new Promise((r) => setTimeout(r, 25));
  }
}

// Below the ports that the system gives to outgoing connections: a gateway that a test starts again and again must find
// its port free each time.
export async function freePort() {
  for (;;) {
    const server = net.createServer().listen(15000 + Math.floor(Math.random() * 15000), '127.0.0.1');
    const [{ port } = {}] = await new Promise((done) => {
      server.once('listening', () => done([server.address()]));
      server.once('error', () => done([]));
    });
    if (port === undefined) continue;
    await new Promise((done) => server.close(done));
    return port;
  }
}

export async function json(url, body, method) {
  const response = await fetch(url, body === undefined ? { method: method ?? 'GET' } : {
    method: method ?? 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

// One call of the Docker Engine API.
function docker(method, pathname) {
  return new Promise((done, fail) => {
    const request = http.request({ socketPath: '/var/run/docker.sock', method, path: pathname }, (response) => {
      let text = '';
      response.on('data', (d) => (text += d));
      response.on('end', () => {
        if (response.statusCode >= 400 && response.statusCode !== 404) fail(new Error(`docker ${pathname}: ${text}`));
        else done(text ? JSON.parse(text) : undefined);
      });
    });
    request.on('error', fail);
    request.end();
  });
}

const quoted = (value) => JSON.stringify(value); // a JSON string or array of strings is one in TOML, too

// The configuration of a test's gateway.
// `queue`: of messages that come while a turn runs; each has a turn of its own here unless the test wants it otherwise.
export function toml({ token, model, sandbox = 'off', access, engine, deny, across, queue, telegram, discord }) {
  const lines = ['[gateway]', 'mode = "local"', '[gateway.auth]', `token = ${quoted(token)}`,
    '[gateway.http.endpoints.chatCompletions]', 'enabled = true', '[agents.defaults.sandbox]', `mode = "${sandbox}"`,
    'scope = "session"', ...(access ? [`workspaceAccess = "${access}"`] : []), '[tools]', `deny = ${quoted(deny ?? [])}`,
    '[messages.queue]', ...(queue ?? ['mode = "followup"', 'debounceMs = 0'])];
  if (model) {
    lines.push('[agents.defaults]', 'model = "mock/mock-1"', '[models]', 'mode = "replace"', '[models.providers.mock]',
      `baseUrl = "http://127.0.0.1:${model.port}/v1"`, 'api = "openai-completions"', 'apiKey = "key-of-the-mock"',
      '[[models.providers.mock.models]]', 'id = "mock-1"');
  }
  if (across) {
    lines.push('[tools.message.crossContext]', 'allowAcrossProviders = true', '[tools.sandbox.tools]', 'allow = ["exec", "message"]');
  }
  if (engine) lines.push('[plugins.entries.sandbox-docker.config]', `engine = ${quoted(engine)}`);
  if (telegram) {
    lines.push('[channels.telegram]', `botToken = ${quoted(telegram.token)}`, `apiRoot = ${quoted(telegram.api)}`,
      'dmPolicy = "allowlist"', `allowFrom = ${quoted(telegram.allowFrom.map(String))}`, ...(telegram.more ?? []));
  }
  if (discord) {
    lines.push('[channels.discord]', `token = ${quoted(discord.token)}`, `apiRoot = ${quoted(discord.api)}`,
      `gatewayRoots = ${quoted(discord.gateways)}`, 'dmPolicy = "allowlist"', `allowFrom = ${quoted([discord.person])}`,
      ...(discord.more ?? []));
  }
  return lines.join('\n') + '\n';
}

// One test's world. `close()` stops everything, newest first.
export class World {
  constructor() {
    this.dir = mkdtempSync(path.join(tmpdir(), 'openclaw-e2e-'));
    chmodSync(this.dir, 0o755); // sandboxes bind-mount folders below it
    this.state = path.join(this.dir, 'state');
    mkdirSync(this.state, { mode: 0o700 });
    this.children = [];
    this.clients = [];
    this.token = randomBytes(32).toString('base64url');
    // No model server that happens to run on this machine may answer.
    this.extraEnv = { OPENCLAW_LOCAL_MODEL_PORTS: '' };
  }

  spawn(name, command, args, env = {}) {
    const child = spawn(command, args, {
      env: { PATH: process.env.PATH, HOME: this.dir, ...passedOn(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const entry = { name, child, out: '', err: '', exited: null };
    child.stdout.on('data', (d) => (entry.out += d));
    child.stderr.on('data', (d) => (entry.err += d));
    entry.done = new Promise((r) => child.on('close', (code, signal) => r((entry.exited = { code, signal }))));
    this.children.push(entry);
    return entry;
  }

  env() {
    return { OPENCLAW_STATE_DIR: this.state, OPENCLAW_GATEWAY_PORT: String(this.port ?? 18789), ...this.extraEnv };
  }

  async stub(name, script, args = []) {
    const entry = this.spawn(name, process.execPath, [path.join(here, '..', script), ...args]);
    const line = await waitFor(`${name} to start`, () => {
      if (entry.exited) throw Object.assign(new Error(`${name}: ${entry.err}`), { final: true });
      return entry.out.includes('\n') && entry.out.split('\n')[0];
    });
    return { ...JSON.parse(line), entry };
  }

  async startModel() {
    const { port } = await this.stub('model server', 'model-server/server.mjs');
    const base = `http://127.0.0.1:${port}`;
    this.model = {
      port,
      script: (replies, fallback) => json(`${base}/script`, { replies, ...(fallback ? { default: fallback } : {}) }),
      requests: async () => (await json(`${base}/requests`)).map((r) => r.body),
      wait: (count) => waitFor(`${count} model calls`, async () => (await json(`${base}/wait?count=${count}`)).count >= count),
      release: () => json(`${base}/release`, {}),
      reset: () => json(`${base}/reset`, {}),
    };
    return this.model;
  }

  // `person` may write to the bot; `stranger` is on no list.
  async startTelegram({ person = 1001, stranger = 2002 } = {}) {
    const lab = await this.stub('Telegram', 'telegram-lab/server.mjs', ['--port', '0', '--control-port', '0']);
    const control = (pathname, body, method) => json(lab.control + pathname, body, method);
    for (const [id, name] of [[person, 'Ada'], [stranger, 'Mallory']]) await control('/user', { id, first_name: name, started: true });
    this.telegram = {
      api: lab.api, token: lab.token, allowFrom: [person], person, stranger, control,
      write: (text, from = person) => control('/inject/message', { user_id: from, text }),
      shown: async (chat = person) => (await control(`/messages?chat_id=${chat}&by=bot`)).map((m) => m.text),
      // Waits until the chat shows `texts`, each once, and nothing else.
      showsOnce: (texts, { chat = person, match = 'equal' } = {}) => waitFor(`${JSON.stringify(texts)}, each once`, async () => {
        const seen = await control('/check/once', { chat_id: chat, texts, match, allow_extra: false });
        if (!seen.ok) throw new Error(JSON.stringify(seen));
        return seen;
      }),
      calls: (method) => control(`/calls?method=${method}`),
    };
    return this.telegram;
  }

  // Ann may write to the bot; Bob is on no list.
  async startDiscord({ person = '910000000000000001', stranger = '910000000000000002', more } = {}) {
    const lab = await this.stub('Discord', 'discord-lab/server.mjs', ['--port', '0', '--control-port', '0']);
    const control = (pathname, body, method) => json(lab.control + pathname, body, method);
    await control('/config', { identifyWindowMs: 0 });
    const dm = (await control('/dm', { user_id: person })).id;
    this.discord = {
      api: lab.api, token: lab.token, botId: lab.bot_id, gateways: [lab.gateway, lab.resume], person, stranger, dm, more, control,
      guild: '920000000000000001', general: '930000000000000001', ops: '930000000000000002',
      write: (text, where = {}) => control('/inject/message', { user_id: person, content: text, ...(where.channel_id ? {} : { dm: true }), ...where }),
      shown: async (channel = dm) => (await control(`/messages?channel_id=${channel}&by=bot`)).map((m) => m.content),
      // Waits until the channel shows `texts`, each once, and nothing else.
      showsOnce: (texts, { channel = dm, match = 'equal' } = {}) => waitFor(`${JSON.stringify(texts)}, each once`, async () => {
        const seen = await control('/check/once', { channel_id: channel, texts, match, allow_extra: false });
        if (!seen.ok) throw new Error(JSON.stringify(seen));
        return seen;
      }),
      connected: () => waitFor('the bot to be online', async () => (await control('/gateway/sessions')).some((s) => s.connected)),
    };
    return this.discord;
  }

  // The configuration is replaced as editors do it, in one step.
  configure(settings = {}) {
    this.settings = { token: this.token, model: this.model, telegram: this.telegram, discord: this.discord, ...settings };
    this.writeConfig(toml(this.settings));
  }
  writeConfig(text) {
    this.configFile = path.join(this.state, 'openclaw.toml');
    writeFileSync(this.configFile + '.new', text, { mode: 0o600 });
    renameSync(this.configFile + '.new', this.configFile);
  }

  async startGateway(args = []) {
    this.port ??= await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    const gateway = this.spawn('gateway', binary, ['gateway', 'run', ...args], this.env());
    this.gateway = gateway;
    await waitFor('the gateway to be ready', async () => {
      if (gateway.exited) {
        throw Object.assign(new Error(`gateway exited: ${JSON.stringify(gateway.exited)} ${gateway.err}`), { final: true });
      }
      return (await fetch(`${this.url}/readyz`)).status === 200;
    });
    return gateway;
  }

  // Ends the gateway with a signal; answers {code, signal, ms, err}.
  async stopGateway(signal = 'SIGTERM') {
    const before = Date.now();
    this.gateway.child.kill(signal);
    const ended = await this.gateway.done;
    return { ...ended, ms: Date.now() - before, err: this.gateway.err };
  }

  log() {
    const folder = path.join(this.state, 'logs');
    try {
      return readdirSync(folder).sort().map((name) => readFileSync(path.join(folder, name), 'utf8')).join('');
    } catch {
      return '';
    }
  }

  // Rows of the gateway's store of messages, as they are on disk now.
  async query(sql) {
    const database = path.join(this.state, 'channels.db');
    const { stdout } = await promisify(execFile)('sqlite3', ['-json', '-cmd', '.timeout 5000', `file:${database}?mode=ro`, sql],
      { maxBuffer: 1 << 30 });
    return stdout.trim() ? JSON.parse(stdout) : [];
  }

  // Runs the CLI to its end.
  async cli(args, env = {}) {
    const entry = this.spawn('cli', binary, args, { ...this.env(), OPENCLAW_GATEWAY_TOKEN: this.token, ...env });
    const { code } = await entry.done;
    this.children = this.children.filter((c) => c !== entry);
    return { code, out: entry.out, err: entry.err, json: () => JSON.parse(entry.out) };
  }

  async request(method, pathname, { body, headers = {}, token = this.token } = {}) {
    const response = await fetch(this.url + pathname, {
      method, redirect: 'manual',
      headers: { ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    let parsed;
    try {
      parsed = JSON.parse(text);
    } catch {
      /* streams and plain text stay text */
    }
    return { status: response.status, text, json: parsed, type: response.headers.get('content-type') ?? '' };
  }

  post(pathname, body, headers = {}) {
    return this.request('POST', pathname, { body, headers });
  }

  // Containers whose workspace lies in this test's folder.
  async containers() {
    const filter = encodeURIComponent(JSON.stringify({ label: ['openclaw.sandbox=1'] }));
    const all = await docker('GET', `/containers/json?all=true&filters=${filter}`);
    return all.filter((c) => c.Mounts.some((m) => (m.Source ?? '').startsWith(this.dir + '/')));
  }

  // `keep`: the folder stays, for a person to look at.
  async close({ keep = false, hasContainers = true } = {}) {
    for (const client of this.clients) client.close();
    for (const entry of [...this.children].reverse()) {
      if (!entry.exited) entry.child.kill('SIGTERM');
    }
    for (const entry of this.children) {
      const timer = setTimeout(() => entry.child.kill('SIGKILL'), 30000);
      await entry.done;
      clearTimeout(timer);
    }
    for (const container of hasContainers ? await this.containers() : []) {
      await docker('DELETE', `/containers/${container.Id}?force=true&v=true`);
    }
    if (!keep) rmSync(this.dir, { recursive: true, force: true });
  }
}

// What the programs under test take over from the environment of the test.
function passedOn() {
  const wanted = /^(ASAN|LSAN|TSAN|UBSAN)_OPTIONS$|^OPENCLAW_BUNDLED_PLUGINS_DIR$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => wanted.test(name)));
}

// The data of server-sent events.
export function sseData(text) {
  return text.split('\n\n').filter(Boolean).map((event) => {
    if (!event.startsWith('data: ')) throw new Error(`not an event: ${event}`);
    return event.slice(6);
  });
}

// Runs `work` in a world of its own and closes it; what the gateway said is shown when it fails.
export async function inWorld(work) {
  const world = new World();
  try {
    await work(world);
  } catch (failure) {
    console.error(`--- gateway (${JSON.stringify(world.gateway?.exited)}) ---\n${world.gateway?.err.slice(-6000)}\n${world.log().slice(-6000)}`);
    throw failure;
  } finally {
    await world.close();
  }
}
