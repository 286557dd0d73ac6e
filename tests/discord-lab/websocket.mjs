// The server's side of WebSocket (RFC 6455) on node's own sockets, as far as a stub needs it: no extensions, no
// fragments sent, closing handshakes answered.
import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';

const OP = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };
const accept = (key) => createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

function frame(op, payload) {
  const n = payload.length;
  const head = n < 126 ? Buffer.from([0x80 | op, n])
    : n < 65536 ? Buffer.from([0x80 | op, 126, n >> 8, n & 255])
      : Buffer.concat([Buffer.from([0x80 | op, 127]), (() => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); return b; })()]);
  return Buffer.concat([head, payload]);
}

class Connection extends EventEmitter {
  constructor(socket, maxPayload) {
    super();
    Object.assign(this, { socket, maxPayload, readyState: 1, got: Buffer.alloc(0), parts: [], binary: false, code: 1006, closeSent: false });
    socket.setNoDelay(true);
    socket.on('data', (d) => { this.got = Buffer.concat([this.got, d]); this.read(); });
    socket.on('error', () => {});
    socket.on('end', () => socket.destroy());
    socket.on('close', () => { this.readyState = 3; this.emit('close', this.code); });
  }

  read() {
    for (;;) {
      const b = this.got;
      if (b.length < 2) return;
      let n = b[1] & 127, at = 2;
      if (n === 126) { if (b.length < 4) return; n = b.readUInt16BE(2); at = 4; }
      else if (n === 127) { if (b.length < 10) return; n = Number(b.readBigUInt64BE(2)); at = 10; }
      if (n > this.maxPayload) return this.close(1009);
      if (!(b[1] & 128)) return this.close(1002); // clients mask what they send
      if (b.length < at + 4 + n) return;
      const mask = b.subarray(at, at + 4), payload = Buffer.from(b.subarray(at + 4, at + 4 + n));
      for (let i = 0; i < n; i++) payload[i] ^= mask[i & 3];
      this.got = b.subarray(at + 4 + n);
      this.take(b[0] & 15, (b[0] & 128) !== 0, payload);
    }
  }

  take(op, last, payload) {
    if (op === OP.ping) return this.write(frame(OP.pong, payload));
    if (op === OP.pong) return undefined;
    if (op === OP.close) {
      this.code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      if (!this.closeSent) this.write(frame(OP.close, payload.subarray(0, 2)));
      this.readyState = 2;
      return this.socket.end();
    }
    if (op !== OP.more) { this.parts = []; this.binary = op === OP.binary; }
    this.parts.push(payload);
    if (last) this.emit('message', Buffer.concat(this.parts), this.binary);
    return undefined;
  }

  write(bytes) { if (!this.socket.destroyed) this.socket.write(bytes); }
  send(data) {
    if (this.readyState !== 1) return;
    this.write(typeof data === 'string' ? frame(OP.text, Buffer.from(data)) : frame(OP.binary, data));
  }
  close(code = 1000, reason = '') {
    if (this.closeSent || this.readyState !== 1) return;
    const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
    payload.writeUInt16BE(code, 0);
    payload.write(reason, 2);
    this.closeSent = true;
    this.write(frame(OP.close, payload));
    setTimeout(() => this.socket.destroy(), 2000).unref(); // a peer that does not answer
  }
  terminate() { this.socket.destroy(); }
}

export class WebSocketServer {
  constructor({ maxPayload = 1 << 20 } = {}) { this.maxPayload = maxPayload; }
  handleUpgrade(request, socket, head, done) {
    const key = request.headers['sec-websocket-key'];
    if (!key) return socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept(key)}\r\n\r\n`);
    const connection = new Connection(socket, this.maxPayload);
    done(connection);
    if (head.length) socket.emit('data', head);
    return undefined;
  }
}
