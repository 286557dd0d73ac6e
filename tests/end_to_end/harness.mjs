// Starts the real parts of an end-to-end test: the gateway binary, the Telegram lab, the scripted model server.
// Everything lives in one temporary directory and dies with the test. Nothing here knows what is being tested.
import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync, mkdirSync, chmodSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
export const binary = process.env.OPENCLAW_BINARY;
if (!binary) throw new Error('OPENCLAW_BINARY must name the openclaw program (ctest sets it)');

// Waits until `probe` answers something truthy; the last value or error is in the message when it does not.
export async function waitFor(what, probe, timeoutMs = 20000) {
  const end = Date.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (e) {
      last = e;
    }
    if (Date.now() > end) throw new Error(`timed out waiting for ${what}; last: ${last?.stack ?? JSON.stringify(last)}`);
    await new Promise((r) => setTimeout(r, 25));
  }
}

export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((r) => server.once('listening', r));
  const { port } = server.address();
  await new Promise((r) => server.close(r));
  return port;
}

// One test's world. `close()` stops everything, newest first.
export class World {
  constructor() {
    this.dir = mkdtempSync(path.join(tmpdir(), 'openclaw-e2e-'));
    chmodSync(this.dir, 0o755); // sandboxes bind-mount folders below it
    this.state = path.join(this.dir, 'state');
    mkdirSync(this.state, { mode: 0o700 });
    this.children = [];
    this.token = randomBytes(32).toString('base64url');
  }

  spawn(name, command, args, env = {}) {
    const child = spawn(command, args, { env: { PATH: process.env.PATH, HOME: this.dir, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const entry = { name, child, out: '', err: '', exited: null };
    child.stdout.on('data', (d) => (entry.out += d));
    child.stderr.on('data', (d) => (entry.err += d));
    entry.done = new Promise((r) => child.on('exit', (code, signal) => r((entry.exited = { code, signal }))));
    this.children.push(entry);
    return entry;
  }

  env() {
    return { OPENCLAW_STATE_DIR: this.state, OPENCLAW_GATEWAY_PORT: String(this.port ?? 18789), ...this.extraEnv };
  }

  async stub(name, script, args = []) {
    const entry = this.spawn(name, process.execPath, [path.join(here, '..', script), ...args]);
    const line = await waitFor(`${name} to start`, () => (entry.out.includes('\n') ? entry.out.split('\n')[0] : ''));
    return JSON.parse(line);
  }

  writeConfig(text) {
    writeFileSync(path.join(this.state, 'openclaw.toml'), text, { mode: 0o600 });
  }

  async startGateway(args = []) {
    this.port ??= await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    this.gateway = this.spawn('gateway', binary, ['gateway', 'run', '--allow-unconfigured', ...args], this.env());
    await waitFor('the gateway', async () => {
      if (this.gateway.exited) throw new Error(`gateway exited: ${JSON.stringify(this.gateway.exited)} ${this.gateway.err}`);
      return (await fetch(`${this.url}/readyz`)).status === 200;
    });
  }

  // Runs the CLI to its end.
  async cli(args, env = {}) {
    const entry = this.spawn('cli', binary, args, { ...this.env(), ...env });
    const { code } = await entry.done;
    this.children = this.children.filter((c) => c !== entry);
    return { code, out: entry.out, err: entry.err, json: () => JSON.parse(entry.out) };
  }

  async post(pathname, body, headers = {}) {
    const response = await fetch(this.url + pathname, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.token}`, ...headers },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      /* streams and plain text stay text */
    }
    return { status: response.status, text, json };
  }

  async close() {
    for (const entry of this.children.reverse()) {
      if (!entry.exited) entry.child.kill('SIGTERM');
    }
    for (const entry of this.children) {
      const timer = setTimeout(() => entry.child.kill('SIGKILL'), 12000);
      await entry.done;
      clearTimeout(timer);
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export async function json(url, body) {
  const response = await fetch(url, body === undefined ? {} : {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

// A protocol v3 client of our own: its own device key, its own WebSocket framing (Node 18 has none).
export class WsClient {
  constructor(port, token) {
    this.port = port;
    this.token = token;
    this.events = [];
    this.pending = new Map();
    this.buffer = Buffer.alloc(0);
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.key = privateKey;
    this.rawPublic = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
    this.deviceId = createHash('sha256').update(this.rawPublic).digest('hex');
  }

  async open(scopes = ['operator.admin', 'operator.read', 'operator.write']) {
    this.socket = net.connect(this.port, '127.0.0.1');
    await new Promise((r, j) => this.socket.once('connect', r).once('error', j));
    this.socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${this.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`);
    let upgraded = false;
    this.socket.on('data', (d) => {
      this.buffer = Buffer.concat([this.buffer, d]);
      if (!upgraded) {
        const end = this.buffer.indexOf('\r\n\r\n');
        if (end < 0) return;
        this.buffer = this.buffer.subarray(end + 4);
        upgraded = true;
      }
      this.#frames();
    });
    const challenge = await waitFor('the challenge', () => this.events.find((e) => e.event === 'connect.challenge'));
    const signedAt = Date.now();
    const payload = ['v3', this.deviceId, 'cli', 'cli', 'operator', scopes.join(','), signedAt, this.token,
      challenge.payload.nonce, 'linux', ''].join('|');
    return this.call('connect', {
      minProtocol: 3, maxProtocol: 3, client: { id: 'cli', version: 'test', platform: 'linux', mode: 'cli' },
      role: 'operator', scopes, caps: ['tool-events'], auth: { token: this.token },
      device: { id: this.deviceId, publicKey: this.rawPublic.toString('base64url'), signedAt,
        nonce: challenge.payload.nonce, signature: sign(null, Buffer.from(payload), this.key).toString('base64url') },
    });
  }

  #frames() {
    for (;;) {
      if (this.buffer.length < 2) return;
      let size = this.buffer[1] & 0x7f, head = 2;
      if (size === 126) { if (this.buffer.length < 4) return; size = this.buffer.readUInt16BE(2); head = 4; }
      else if (size === 127) { if (this.buffer.length < 10) return; size = Number(this.buffer.readBigUInt64BE(2)); head = 10; }
      if (this.buffer.length < head + size) return;
      const opcode = this.buffer[0] & 0xf;
      const body = this.buffer.subarray(head, head + size);
      this.buffer = this.buffer.subarray(head + size);
      if (opcode !== 1) continue;
      const frame = JSON.parse(body.toString());
      if (frame.type === 'event') this.events.push(frame);
      else this.pending.get(frame.id)?.(frame);
    }
  }

  send(object) {
    const body = Buffer.from(JSON.stringify(object));
    const mask = randomBytes(4);
    const head = body.length < 126 ? Buffer.from([0x81, 0x80 | body.length])
      : Buffer.from([0x81, 0xfe, body.length >> 8, body.length & 0xff]);
    for (let i = 0; i < body.length; i++) body[i] ^= mask[i & 3];
    this.socket.write(Buffer.concat([head, mask, body]));
  }

  // Answers the response frame: {ok, payload, error}.
  async call(method, params) {
    const id = randomUUID();
    const answer = new Promise((r) => this.pending.set(id, r));
    this.send({ type: 'req', id, method, params });
    const timer = new Promise((_, j) => setTimeout(() => j(new Error(`${method}: no answer`)), 30000).unref());
    return Promise.race([answer, timer]);
  }

  close() {
    this.socket?.destroy();
  }
}
