// A protocol v3 client of our own: its own device key, its own WebSocket framing (Node 18 has none).
import { createHash, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import net from 'node:net';

import { patience, waitFor } from './harness.mjs';

export const allScopes = ['operator.admin', 'operator.approvals', 'operator.pairing', 'operator.read', 'operator.write'];

export class WsClient {
  constructor(world, token = world.token) {
    this.port = world.port;
    this.token = token;
    this.events = [];
    this.pending = new Map();
    this.buffer = Buffer.alloc(0);
    this.closed = null; // {code, reason} once the server closed
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.key = privateKey;
    this.rawPublic = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
    this.deviceId = createHash('sha256').update(this.rawPublic).digest('hex');
    world.clients.push(this);
  }

  // Answers the response frame of `connect`: hello-ok or the refusal.
  async open(scopes = allScopes) {
    this.socket = net.connect(this.port, '127.0.0.1');
    await new Promise((r, j) => this.socket.once('connect', r).once('error', j));
    this.socket.on('error', () => {});
    this.socket.on('close', () => this.#lost());
    this.socket.on('data', (d) => this.#received(d));
    this.socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${this.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`);
    const challenge = await this.event('connect.challenge', () => true);
    const signedAt = Date.now();
    const payload = ['v3', this.deviceId, 'cli', 'cli', 'operator', scopes.join(','), signedAt, this.token,
      challenge.nonce, 'linux', ''].join('|');
    return this.call('connect', {
      minProtocol: 3, maxProtocol: 3, client: { id: 'cli', version: 'test', platform: 'linux', mode: 'cli' },
      role: 'operator', scopes, caps: ['tool-events'], auth: { token: this.token },
      device: { id: this.deviceId, publicKey: this.rawPublic.toString('base64url'), signedAt,
        nonce: challenge.nonce, signature: sign(null, Buffer.from(payload), this.key).toString('base64url') },
    });
  }

  #received(data) {
    this.buffer = Buffer.concat([this.buffer, data]);
    if (!this.upgraded) {
      const end = this.buffer.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.buffer = this.buffer.subarray(end + 4);
      this.upgraded = true;
    }
    this.#frames();
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
      if (opcode === 8) this.closed = { code: body.length > 1 ? body.readUInt16BE(0) : 1005, reason: body.subarray(2).toString() };
      if (opcode !== 1) continue;
      const frame = JSON.parse(body.toString());
      if (frame.type === 'event') this.events.push(frame);
      else if (frame.payload?.status !== 'accepted') this.#answer(frame.id, frame);
    }
  }

  #answer(id, frame) {
    const waiter = this.pending.get(id);
    this.pending.delete(id);
    waiter?.(frame);
  }

  #lost() {
    this.closed ??= { code: 1006, reason: '' };
    for (const id of [...this.pending.keys()]) this.#answer(id, { ok: false, error: { code: 'CLOSED', message: JSON.stringify(this.closed) } });
  }

  #send(text) {
    const body = Buffer.from(text);
    const mask = randomBytes(4);
    const head = body.length < 126 ? Buffer.from([0x81, 0x80 | body.length])
      : Buffer.from([0x81, 0xfe, body.length >> 8, body.length & 0xff]);
    for (let i = 0; i < body.length; i++) body[i] ^= mask[i & 3];
    this.socket.write(Buffer.concat([head, mask, body]));
  }

  // Answers the (final) response frame: {ok, payload, error}.
  async call(method, params) {
    const id = randomUUID();
    let timer;
    const answer = new Promise((r) => this.pending.set(id, r));
    const late = new Promise((_, j) => { timer = setTimeout(() => j(new Error(`${method}: no answer`)), patience); });
    this.#send(JSON.stringify({ type: 'req', id, method, params }));
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }

  // The payload of the first event of that name that `fits`.
  event(name, fits) {
    return waitFor(`the event ${name}`, () => this.events.find((e) => e.event === name && fits(e.payload)))
      .then((e) => e.payload);
  }

  // Sends a chat message and answers the last chat event of its run, with its text.
  async chat(message, sessionKey = 'main') {
    const id = randomUUID();
    const started = await this.call('chat.send', { sessionKey, message, idempotencyKey: id });
    if (!started.ok) throw new Error(`chat.send: ${JSON.stringify(started.error)}`);
    const final = await this.event('chat', (p) => p.runId === id && p.state !== 'delta');
    return { ...final, text: (final.message?.content ?? []).map((c) => c.text).join('') };
  }

  close() {
    this.socket?.destroy();
  }
}
