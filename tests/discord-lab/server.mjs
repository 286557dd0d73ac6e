#!/usr/bin/env node
// Local stand-in for Discord (REST v10, Gateway v10, attachment CDN) for tests of bot clients. Binds to loopback only.
//   node server.mjs [--port 8091] [--control-port 8092] [--resume-port 0] [--token ...] [--config file.json] [--end-with-stdin yes]
// The first line on stdout is JSON: {"api", "gateway", "resume", "control", "token", "bot_id"}. Port 0 picks a free port.
import http from 'node:http';
import crypto from 'node:crypto';
import zlib from 'node:zlib';
import fs from 'node:fs';
import { pathToFileURL } from 'node:url';
import { WebSocketServer } from './websocket.mjs';

const HOST = '127.0.0.1';
export const DEFAULT_TOKEN = 'OTAwMDAwMDAwMDAwMDAwMDAx.LabTok.discord-lab-token-0123456789abcdef';
export const DEFAULTS = {
  heartbeatMs: 41250, heartbeatGrace: 1.5, missedHeartbeatClose: 4000, resumeWindowMs: 180000, replayMax: 2000,
  identifyWindowMs: 5000, maxConcurrency: 1, identifyTotal: 1000, shards: 1, requireShards: 0, gatewayCommands: 120, gatewayCommandWindowMs: 60000,
  privileged: { messageContent: true, members: false, presences: false },
  contentMax: 2000, lengthUnit: 'utf16', attachmentMax: 10 << 20, requestMax: 25 << 20, attachmentCount: 10,
  nonceWindowMs: 5 * 60 * 1000, interactionDeadlineMs: 3000, interactionTokenMs: 15 * 60 * 1000, cdnTtlSec: 86400, threadRenameLimit: 2,
  limits: { enabled: true, global: 50, globalWindowMs: 1000, invalid: 10000, invalidWindowMs: 600000, banMs: 600000,
    buckets: {
      'POST /channels/:id/messages': [5, 5000], 'PATCH /channels/:id/messages/:id': [5, 5000], 'DELETE /channels/:id/messages/:id': [5, 1000],
      'PUT /channels/:id/messages/:id/reactions/:emoji/@me': [1, 250], 'DELETE /channels/:id/messages/:id/reactions/:emoji/@me': [1, 250],
      'POST /channels/:id/typing': [5, 5000], 'POST /users/@me/channels': [10, 10000], 'PATCH /channels/:id': [2, 600000], default: [50, 1000] } },
  zlibSplitBytes: 0, logMax: 50000, requireUserAgent: true, selfMessages: true,
};
const INTENTS = { GUILDS: 1 << 0, GUILD_MEMBERS: 1 << 1, GUILD_PRESENCES: 1 << 8, GUILD_MESSAGES: 1 << 9, GUILD_MESSAGE_REACTIONS: 1 << 10,
  GUILD_MESSAGE_TYPING: 1 << 11, DIRECT_MESSAGES: 1 << 12, DIRECT_MESSAGE_REACTIONS: 1 << 13, DIRECT_MESSAGE_TYPING: 1 << 14, MESSAGE_CONTENT: 1 << 15 };
const VALID_INTENTS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 21, 24, 25].reduce((a, b) => a | (1 << b), 0);
const CLOSE = { 4000: 'Unknown error.', 4001: 'Unknown opcode.', 4002: 'Error while decoding payload.', 4003: 'Not authenticated.', 4004: 'Authentication failed.',
  4005: 'Already authenticated.', 4007: 'Invalid seq.', 4008: 'Rate limited.', 4009: 'Session timed out.', 4010: 'Invalid shard.', 4011: 'Sharding required.',
  4012: 'Invalid API version.', 4013: 'Invalid intent(s).', 4014: 'Disallowed intent(s).' };
const PERMS = { ADD_REACTIONS: 1n << 6n, VIEW_CHANNEL: 1n << 10n, SEND_MESSAGES: 1n << 11n, MANAGE_MESSAGES: 1n << 13n, EMBED_LINKS: 1n << 14n, ATTACH_FILES: 1n << 15n,
  READ_MESSAGE_HISTORY: 1n << 16n, MENTION_EVERYONE: 1n << 17n, MANAGE_CHANNELS: 1n << 4n, MANAGE_THREADS: 1n << 34n, CREATE_PUBLIC_THREADS: 1n << 35n,
  CREATE_PRIVATE_THREADS: 1n << 36n, SEND_MESSAGES_IN_THREADS: 1n << 38n };
const sleep = ms => new Promise(r => setTimeout(r, ms));
const merge = (a, b) => { for (const [k, v] of Object.entries(b ?? {})) a[k] = v && typeof v === 'object' && !Array.isArray(v) && a[k] && typeof a[k] === 'object' ? merge(a[k], v) : v; return a; };
const clone = x => structuredClone(x);
const iso = (t = Date.now()) => new Date(t).toISOString().replace('Z', '000+00:00');
const isSnowflake = s => /^\d{15,21}$/.test(String(s));
const hardReset = s => { if (s.resetAndDestroy) s.resetAndDestroy(); else s.destroy(); };

class HttpFail extends Error { constructor(status, code, message, extra) { super(message); this.status = status; this.code = code; this.extra = extra; } }
const fail = (status, code, message, extra) => { throw new HttpFail(status, code, message, extra); };
function formError(path, code, message) {
  const errors = {};
  let o = errors;
  for (const k of String(path).split('.').filter(Boolean)) o = o[k] = {};
  o._errors = [{ code, message }];
  throw new HttpFail(400, 50035, 'Invalid Form Body', { errors });
}
const unknown = { channel: () => fail(404, 10003, 'Unknown Channel'), message: () => fail(404, 10008, 'Unknown Message'), guild: () => fail(404, 10004, 'Unknown Guild'),
  user: () => fail(404, 10013, 'Unknown User'), member: () => fail(404, 10007, 'Unknown Member'), emoji: () => fail(400, 10014, 'Unknown Emoji'),
  interaction: () => fail(404, 10062, 'Unknown interaction'), webhook: () => fail(404, 10015, 'Unknown Webhook'), command: () => fail(404, 10063, 'Unknown application command') };

function parseMultipart(buf, contentType) {
  const m = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const fields = {}, files = [];
  if (!m) return { fields, files };
  const mark = Buffer.from('--' + (m[1] ?? m[2])), sep = Buffer.concat([Buffer.from('\r\n'), mark]);
  let pos = buf.indexOf(mark);
  while (pos >= 0) {
    let start = pos + mark.length;
    if (buf[start] === 45 && buf[start + 1] === 45) break;
    start += 2;
    const headEnd = buf.indexOf('\r\n\r\n', start), next = buf.indexOf(sep, headEnd);
    if (headEnd < 0 || next < 0) break;
    const head = buf.subarray(start, headEnd).toString('utf8'), data = Buffer.from(buf.subarray(headEnd + 4, next));
    const name = /[;\s]name="((?:[^"\\]|\\.)*)"/i.exec(head)?.[1] ?? /[;\s]name=([^;\r\n]+)/i.exec(head)?.[1];
    const filename = /filename="((?:[^"\\]|\\.)*)"/i.exec(head)?.[1] ?? /filename=([^;\r\n]+)/i.exec(head)?.[1];
    if (filename !== undefined) files.push({ name, filename, type: /content-type:\s*([^\r\n]+)/i.exec(head)?.[1], data });
    else if (name !== undefined) fields[name] = data.toString('utf8');
    pos = next + 2;
  }
  return { fields, files };
}

export class DiscordLab {
  constructor(config = {}) {
    this.config = merge(clone(DEFAULTS), clone(config));
    this.token = config.token ?? DEFAULT_TOKEN;
    this.tokens = new Set([this.token]);
    this.connections = new Set();
    this.sockets = new Set();
    this.waiters = new Set();
    this.flakeCounter = 0n;
    this.reset();
  }
  snowflake(t = Date.now()) { return String((BigInt(t - 1420070400000) << 22n) | (this.flakeCounter++ & 0x3fffffn)); }

  reset() {
    for (const c of this.connections ?? []) { c.killed = true; c.ws.terminate(); }
    this.sessions = new Map();
    this.tokens = new Set([this.token]);
    this.faults = [];
    this.calls = [];
    this.gatewayLog = [];
    this.typing = [];
    this.injected = [];
    this.buckets = new Map();
    this.bucketNames = new Map();
    this.globalHits = [];
    this.invalidHits = [];
    this.bannedUntil = 0;
    this.identifies = [];
    this.identifyRemaining = this.config.identifyTotal;
    this.nonces = new Map();
    this.interactions = new Map();
    this.cdn = new Map();
    this.cdnLog = [];
    this.commands = { global: [], guild: new Map() };
    this.seq = 0;
    this.gw = { stopAck: false, duplicate: 0, drop: 0, delayMs: 0, refuse: 0, refuseStatus: 503, stall: false, silentHello: 0, invalidOnResume: 0, closeOnResume: 0, invalidOnIdentify: 0, readyDelayMs: 0 };
    this.users = new Map();
    this.guilds = new Map();
    this.channels = new Map();
    this.botId = '900000000000000001';
    this.appId = '900000000000000001';
    this.users.set(this.botId, { id: this.botId, username: 'lab-bot', discriminator: '0', global_name: null, avatar: null, bot: true });
    this.user({ id: '910000000000000001', username: 'ann', global_name: 'Ann' });
    this.user({ id: '910000000000000002', username: 'bob', global_name: 'Bob' });
    this.guild({ id: '920000000000000001', name: 'Lab Guild', owner_id: '910000000000000001', channels: [
      { id: '930000000000000001', name: 'general', type: 0 }, { id: '930000000000000002', name: 'ops', type: 0 }, { id: '930000000000000003', name: 'help-forum', type: 15 },
      { id: '930000000000000004', name: 'readonly', type: 0, deny: ['SEND_MESSAGES'] }, { id: '930000000000000005', name: 'hidden', type: 0, deny: ['VIEW_CHANNEL'] }],
    members: ['910000000000000001', '910000000000000002'] });
  }

  // ---------------------------------------------------------------- world
  user(spec) {
    if (typeof spec !== 'object' || spec === null) spec = { id: spec ?? '910000000000000001' };
    const id = String(spec.id ?? this.snowflake());
    const u = Object.assign(this.users.get(id) ?? { id, username: 'user' + id.slice(-4), discriminator: '0', global_name: null, avatar: null }, spec, { id });
    this.users.set(id, u);
    return u;
  }
  userJson(u) { const { dm_closed, dm_id, ...rest } = u; return { avatar_decoration_data: null, public_flags: 0, ...rest }; }
  guild(spec) {
    const id = String(spec.id ?? this.snowflake());
    const g = this.guilds.get(id) ?? { id, name: spec.name ?? 'Guild', owner_id: spec.owner_id ?? '910000000000000001', channels: new Set(), members: new Map(), available: true,
      roles: [{ id, name: '@everyone', color: 0, colors: { primary_color: 0, secondary_color: null, tertiary_color: null }, hoist: false, position: 0, permissions: '2248473465835073', managed: false, mentionable: false, flags: 0, icon: null, unicode_emoji: null }] };
    this.guilds.set(id, g);
    for (const m of [this.botId, ...(spec.members ?? [])]) { const u = this.user(m); if (!g.members.has(u.id)) g.members.set(u.id, { nick: null, roles: [], joined_at: iso(), deaf: false, mute: false, flags: 0, pending: false, avatar: null, premium_since: null, communication_disabled_until: null }); }
    for (const [user, roles] of Object.entries(spec.member_roles ?? {})) g.members.get(user).roles = roles;
    for (const r of spec.roles ?? []) g.roles.push({ color: 0, hoist: false, position: g.roles.length, permissions: '0', managed: false, mentionable: true, flags: 0, icon: null, unicode_emoji: null, ...r });
    for (const c of spec.channels ?? []) this.channel({ ...c, guild_id: id });
    return g;
  }
  channel(spec) {
    const id = String(spec.id ?? this.snowflake());
    const c = this.channels.get(id) ?? { id, type: spec.type ?? 0, guild_id: spec.guild_id, name: spec.name ?? 'channel', parent_id: spec.parent_id ?? null, messages: new Map(), deny: [], lastId: null };
    Object.assign(c, spec, { id });
    this.channels.set(id, c);
    if (c.guild_id) this.guilds.get(c.guild_id)?.channels.add(id);
    return c;
  }
  dm(userId) {
    const u = this.user(String(userId));
    if (!u.dm_id) { u.dm_id = this.snowflake(); this.channel({ id: u.dm_id, type: 1, name: undefined, recipients: [u.id] }); }
    return this.channels.get(u.dm_id);
  }
  isThread(c) { return c.type === 10 || c.type === 11 || c.type === 12; }
  channelJson(c) {
    const base = { id: c.id, type: c.type, last_message_id: c.lastId, flags: c.flags ?? 0 };
    if (c.type === 1) return { ...base, recipients: c.recipients.map(r => this.userJson(this.users.get(r))) };
    const g = { ...base, guild_id: c.guild_id, name: c.name, parent_id: c.parent_id, rate_limit_per_user: c.rate_limit_per_user ?? 0 };
    if (this.isThread(c)) return { ...g, owner_id: c.owner_id, message_count: c.messages.size, member_count: 2, total_message_sent: c.messages.size, applied_tags: c.applied_tags ?? [],
      thread_metadata: { archived: !!c.archived, auto_archive_duration: c.auto_archive_duration ?? 1440, archive_timestamp: iso(), locked: !!c.locked, create_timestamp: c.created },
      ...(c.joined ? { member: { id: c.id, user_id: this.botId, join_timestamp: iso(), flags: 0 } } : {}) };
    return { ...g, position: 0, permission_overwrites: [], topic: c.topic ?? null, nsfw: false, ...(c.type === 15 ? { available_tags: [], default_reaction_emoji: null, default_sort_order: null, default_forum_layout: 0 } : {}) };
  }
  memberJson(g, id, withUser = true) { const m = g.members.get(id); return m && { ...m, ...(withUser ? { user: this.userJson(this.users.get(id)) } : {}) }; }
  threadsOf(g) { return [...g.channels].map(id => this.channels.get(id)).filter(c => c && this.isThread(c) && !c.archived); }
  guildJson(g, full) {
    const base = { id: g.id, name: g.name, icon: null, splash: null, discovery_splash: null, owner_id: g.owner_id, afk_channel_id: null, afk_timeout: 300, verification_level: 0, default_message_notifications: 0,
      explicit_content_filter: 0, roles: g.roles, emojis: [], stickers: [], features: [], mfa_level: 0, application_id: null, system_channel_id: null, system_channel_flags: 0, rules_channel_id: null,
      max_members: 500000, vanity_url_code: null, description: null, banner: null, premium_tier: 0, premium_subscription_count: 0, preferred_locale: 'en-US', public_updates_channel_id: null, nsfw_level: 0,
      premium_progress_bar_enabled: false, safety_alerts_channel_id: null, incidents_data: null };
    if (!full) return { ...base, approximate_member_count: g.members.size, approximate_presence_count: 1 };
    const chans = [...g.channels].map(id => this.channels.get(id)).filter(Boolean);
    return { ...base, joined_at: iso(), large: false, unavailable: false, member_count: g.members.size, voice_states: [], members: [this.memberJson(g, this.botId)], presences: [],
      channels: chans.filter(c => !this.isThread(c)).map(c => this.channelJson(c)), threads: this.threadsOf(g).map(c => this.channelJson(c)), stage_instances: [], guild_scheduled_events: [], soundboard_sounds: [] };
  }
  mentionsIn(content, g) {
    const users = [...new Set([...content.matchAll(/<@!?(\d{15,21})>/g)].map(m => m[1]))].filter(id => this.users.has(id));
    const roles = g ? [...new Set([...content.matchAll(/<@&(\d{15,21})>/g)].map(m => m[1]))].filter(id => g.roles.some(r => r.id === id)) : [];
    return { users, roles, everyone: /@(everyone|here)\b/.test(content) };
  }
  messageJson(c, m, { deep = true } = {}) {
    const g = c.guild_id ? this.guilds.get(c.guild_id) : undefined;
    const refC = m.message_reference ? this.channels.get(m.message_reference.channel_id) : undefined;
    const ref = refC?.messages.get(m.message_reference?.message_id);
    const o = { id: m.id, channel_id: c.id, type: m.type ?? (m.message_reference && m.message_reference.type !== 1 ? 19 : 0), content: m.content, author: this.userJson(this.users.get(m.author)), attachments: m.attachments.map(a => this.attachmentJson(a)), embeds: m.embeds ?? [],
      mentions: (m.mentions?.users ?? []).map(id => this.userJson(this.users.get(id))), mention_roles: m.mentions?.roles ?? [], mention_everyone: !!m.mentions?.everyone, pinned: false, tts: false,
      timestamp: m.timestamp, edited_timestamp: m.edited ?? null, flags: m.flags ?? 0, components: m.components ?? [] };
    if (m.nonce !== undefined) o.nonce = m.nonce;
    if (m.sticker_items) o.sticker_items = m.sticker_items;
    if (m.snapshots) o.message_snapshots = m.snapshots.map(s => ({ message: { type: 0, content: s.content, flags: s.flags, embeds: [], mentions: [], mention_roles: [], timestamp: m.timestamp, edited_timestamp: null, attachments: s.attachments.map(a => this.attachmentJson(a)) } }));
    if (m.webhook_id) { o.webhook_id = m.webhook_id; o.application_id = this.appId; }
    if (m.interaction_metadata) o.interaction_metadata = m.interaction_metadata;
    if (m.message_reference) { o.message_reference = m.message_reference; if (deep && o.type === 19) o.referenced_message = ref && !ref.deleted ? this.messageJson(refC, ref, { deep: false }) : null; }
    if (m.reactions?.size) o.reactions = [...m.reactions].map(([e, who]) => ({ emoji: this.emoji(e), count: who.size, count_details: { burst: 0, normal: who.size }, me: who.has(this.botId), me_burst: false, burst_colors: [] }));
    if (m.thread_id) o.thread = this.channelJson(this.channels.get(m.thread_id));
    if (g && this.isThread(c)) o.position = m.position ?? 0;
    return clone(o);
  }
  emoji(e) { const m = /^(\w+):(\d+)$/.exec(e); return m ? { id: m[2], name: m[1] } : { id: null, name: e }; }
  attachmentJson(a) {
    const ex = Math.floor(Date.now() / 1000 + this.config.cdnTtlSec).toString(16), is = Math.floor(Date.now() / 1000).toString(16);
    const hm = this.sign(a.path, ex, is);
    const url = `${this.apiUrl}${a.path}?ex=${ex}&is=${is}&hm=${hm}&`;
    return { id: a.id, filename: a.filename, size: a.size, url, proxy_url: url, ...(a.content_type ? { content_type: a.content_type } : {}), ...(a.description ? { description: a.description } : {}), ...(a.ephemeral ? { ephemeral: true } : {}),
      ...(a.content_type?.startsWith('image/') ? { width: 100, height: 100, placeholder_version: 1 } : {}), ...(a.duration_secs ? { duration_secs: a.duration_secs, waveform: a.waveform } : {}), content_scan_version: 0 };
  }
  sign(path, ex, is) { return crypto.createHmac('sha256', 'lab-cdn').update(path + ex + is).digest('hex'); }
  addAttachment(channelId, f, extra = {}) {
    const id = this.snowflake(), name = (f.filename || 'file').replace(/[^\w.\-]+/g, '_');
    const a = { id, filename: name, size: f.data ? f.data.length : f.size ?? 0, data: f.data, content_type: f.type, path: `/attachments/${channelId}/${id}/${encodeURIComponent(name)}`, sha256: f.data ? crypto.createHash('sha256').update(f.data).digest('hex') : undefined, ...extra };
    this.cdn.set(a.path, a);
    return a;
  }
  visible(c, m) {
    return { id: m.id, channel_id: c.id, guild_id: c.guild_id, author: m.author, by: m.author === this.botId ? 'bot' : 'user', type: m.type ?? (m.message_reference ? 19 : 0), content: m.content, embeds: m.embeds, components: m.components, nonce: m.nonce, reply_to: m.message_reference?.message_id,
      attachments: m.attachments.map(a => ({ filename: a.filename, size: a.size, content_type: a.content_type, sha256: a.sha256, description: a.description })), flags: m.flags ?? 0, pings: m.pings, ephemeral_for: m.ephemeral_for, edits: m.history.length, history: m.history,
      reactions: Object.fromEntries([...(m.reactions ?? [])].map(([e, w]) => [e, [...w]])), deleted: !!m.deleted, timestamp: m.timestamp, via: m.via };
  }

  // ---------------------------------------------------------------- gateway: dispatching
  shardFor(s, guildId) { return !s.shard || (guildId ? Number((BigInt(guildId) >> 22n) % BigInt(s.shard[1])) === s.shard[0] : s.shard[0] === 0); }
  dispatch(t, d, { guildId, intent, content, only } = {}) {
    for (const s of this.sessions.values()) {
      if (s.dead || (only && s !== only) || !this.shardFor(s, guildId)) continue;
      if (intent && !(s.intents & intent)) continue;
      let data = clone(d);
      if (content && !(s.intents & INTENTS.MESSAGE_CONTENT && this.config.privileged.messageContent)) data = this.stripContent(data);
      this.sendDispatch(s, t, data);
    }
    this.notify();
  }
  stripContent(d) {
    const dm = !d.guild_id, own = d.author?.id === this.botId, mentioned = d.mentions?.some(u => u.id === this.botId);
    if (dm || own || mentioned) return d;
    const x = { ...d, content: '', attachments: [], embeds: [], components: [] };
    delete x.poll;
    if (x.referenced_message) x.referenced_message = this.stripContent({ ...x.referenced_message, guild_id: d.guild_id });
    return x;
  }
  sendDispatch(s, t, d) {
    const p = { t, s: ++s.seq, op: 0, d };
    s.buffer.push(p);
    if (s.buffer.length > this.config.replayMax) s.buffer.shift();
    if (!s.conn) return;
    if (this.gw.drop > 0 && t !== 'READY') { this.gw.drop--; return; }
    this.sendTo(s.conn, p);
    if (this.gw.duplicate > 0 && t !== 'READY' && t !== 'GUILD_CREATE') { this.gw.duplicate--; this.sendTo(s.conn, p); }
  }
  sendTo(c, p) {
    if (this.gw.stall) return;
    const json = JSON.stringify(p);
    this.glog({ dir: 'out', conn: c.id, op: p.op, t: p.t, s: p.s });
    c.chain = c.chain.then(async () => {
      if (this.gw.delayMs) await sleep(this.gw.delayMs);
      if (c.ws.readyState !== 1) return;
      if (c.deflate) {
        const chunks = [];
        const on = b => chunks.push(b);
        c.deflate.on('data', on);
        await new Promise(r => { c.deflate.write(json, () => c.deflate.flush(zlib.constants.Z_SYNC_FLUSH, r)); });
        c.deflate.off('data', on);
        const buf = Buffer.concat(chunks), n = this.config.zlibSplitBytes;
        if (!n) c.ws.send(buf);
        else for (let i = 0; i < buf.length;) { const end = buf.length - i - n < 4 ? buf.length : i + n; c.ws.send(buf.subarray(i, end)); i = end; }
      } else if (c.payloadCompression && json.length > 512) c.ws.send(zlib.deflateSync(json));
      else c.ws.send(json);
    }).catch(() => {});
  }
  closeConn(c, code, reason = CLOSE[code] ?? '') {
    this.glog({ dir: 'close', conn: c.id, code });
    c.closing = code;
    c.chain = c.chain.then(() => { if (code === 'reset') hardReset(c.socket); else if (code === undefined) c.ws.terminate(); else c.ws.close(code, reason); }).catch(() => {});
  }
  glog(e) { e.time = Date.now(); this.gatewayLog.push(e); if (this.gatewayLog.length > this.config.logMax) this.gatewayLog.shift(); this.notify(); }

  onGateway(ws, req) {
    const url = new URL(req.url, 'http://lab');
    const c = { id: ++this.seq, ws, socket: req.socket, chain: Promise.resolve(), session: null, commands: [], lastBeat: Date.now(), url: req.url, resumeUrl: req.socket.localPort === this.resumePort };
    this.connections.add(c);
    this.glog({ dir: 'connect', conn: c.id, url: req.url, via_resume_url: c.resumeUrl });
    const v = url.searchParams.get('v') ?? '10', encoding = url.searchParams.get('encoding') ?? 'json', compress = url.searchParams.get('compress');
    ws.on('error', () => {});
    ws.on('close', (code) => {
      this.connections.delete(c);
      clearInterval(c.timer);
      const s = c.session;
      this.glog({ dir: 'closed', conn: c.id, code });
      if (s && s.conn === c) {
        s.conn = null;
        s.lostAt = Date.now();
        if (!c.closing && !c.killed && (code === 1000 || code === 1001)) { s.dead = true; this.sessions.delete(s.id); }
      }
      this.notify();
    });
    if (!['10', '9'].includes(v)) return this.closeConn(c, 4012);
    if (encoding !== 'json') return this.closeConn(c, 4002, 'Only the json encoding is served here.');
    if (compress && compress !== 'zlib-stream') return this.closeConn(c, 4002, 'Only zlib-stream compression is served here.');
    if (compress) { c.deflate = zlib.createDeflate({ chunkSize: 65536 }); }
    if (this.gw.silentHello > 0) { this.gw.silentHello--; return; }
    this.sendTo(c, { t: null, s: null, op: 10, d: { heartbeat_interval: this.config.heartbeatMs, _trace: ['["lab-gateway"]'] } });
    c.timer = setInterval(() => { if (Date.now() - c.lastBeat > this.config.heartbeatMs * this.config.heartbeatGrace + 500) this.closeConn(c, this.config.missedHeartbeatClose, 'Heartbeat missed.'); }, Math.max(100, this.config.heartbeatMs / 4));
    ws.on('message', (data, binary) => this.onPacket(c, data, binary));
  }
  onPacket(c, data) {
    if (c.closing) return;
    if (data.length > 4096) { this.glog({ dir: 'in', conn: c.id, size: data.length }); return this.closeConn(c, 4002); }
    let p;
    try { p = JSON.parse(data.toString('utf8')); } catch { return this.closeConn(c, 4002); }
    if (!p || typeof p !== 'object' || !Number.isInteger(p.op)) return this.closeConn(c, 4001);
    this.glog({ dir: 'in', conn: c.id, op: p.op, d: p.op === 2 || p.op === 6 ? { ...p.d, token: p.d?.token === this.token ? '(right)' : '(wrong)' } : p.d });
    const t = Date.now();
    c.commands = c.commands.filter(x => x > t - this.config.gatewayCommandWindowMs);
    c.commands.push(t);
    if (c.commands.length > this.config.gatewayCommands) return this.closeConn(c, 4008);
    switch (p.op) {
      case 1:
        c.lastBeat = t;
        if (c.session && Number.isInteger(p.d)) c.session.acked = p.d;
        if (!this.gw.stopAck) this.sendTo(c, { t: null, s: null, op: 11, d: null });
        return;
      case 2: return this.identify(c, p.d);
      case 6: return this.resume(c, p.d);
      case 3: case 4: case 8: case 31: case 43:
        if (!c.session) return this.closeConn(c, 4003);
        if (p.op === 3) c.session.presence = p.d;
        if (p.op === 8) this.memberChunk(c.session, p.d);
        return;
      default: return this.closeConn(c, 4001);
    }
  }
  async identify(c, d) {
    if (c.session) return this.closeConn(c, 4005);
    if (!d || typeof d !== 'object' || typeof d.token !== 'string') return this.closeConn(c, 4002);
    if (!this.tokens.has(d.token.replace(/^Bot /, ''))) return this.closeConn(c, 4004);
    if (!Number.isInteger(d.intents) || d.intents < 0 || (d.intents & ~VALID_INTENTS) || d.intents > 2 ** 31) return this.closeConn(c, 4013);
    const P = this.config.privileged;
    if ((d.intents & INTENTS.MESSAGE_CONTENT && !P.messageContent) || (d.intents & INTENTS.GUILD_MEMBERS && !P.members) || (d.intents & INTENTS.GUILD_PRESENCES && !P.presences)) return this.closeConn(c, 4014);
    if (d.shard !== undefined && (!Array.isArray(d.shard) || d.shard.length !== 2 || !Number.isInteger(d.shard[0]) || d.shard[0] < 0 || d.shard[0] >= d.shard[1])) return this.closeConn(c, 4010);
    if (this.config.requireShards > (d.shard?.[1] ?? 1)) return this.closeConn(c, 4011);
    const t = Date.now(), key = (d.shard?.[0] ?? 0) % this.config.maxConcurrency;
    this.identifies = this.identifies.filter(x => x.t > t - this.config.identifyWindowMs);
    const invalid = resumable => this.sendTo(c, { t: null, s: null, op: 9, d: resumable });
    if (this.gw.invalidOnIdentify > 0) { this.gw.invalidOnIdentify--; return invalid(false); }
    if (this.identifies.some(x => x.key === key) || this.identifyRemaining <= 0) return invalid(false);
    this.identifies.push({ t, key });
    this.identifyRemaining--;
    const s = { id: crypto.randomBytes(16).toString('hex'), token: d.token, intents: d.intents, shard: d.shard, seq: 0, buffer: [], conn: c, created: t, presence: d.presence, properties: d.properties };
    this.sessions.set(s.id, s);
    c.session = s;
    c.payloadCompression = !!d.compress && !c.deflate;
    if (this.gw.readyDelayMs) await sleep(this.gw.readyDelayMs);
    const guilds = [...this.guilds.values()].filter(g => this.shardFor(s, g.id));
    this.sendDispatch(s, 'READY', { v: 10, user: { ...this.userJson(this.users.get(this.botId)), verified: true, mfa_enabled: true, email: null, flags: 0 }, guilds: guilds.map(g => ({ id: g.id, unavailable: true })), session_id: s.id, session_type: 'normal',
      resume_gateway_url: this.resumeUrl, application: { id: this.appId, flags: this.appFlags() }, ...(d.shard ? { shard: d.shard } : {}), user_settings: {}, relationships: [], private_channels: [], presences: [], guild_join_requests: [], geo_ordered_rtc_regions: [], _trace: [] });
    if (s.intents & INTENTS.GUILDS) for (const g of guilds) this.sendDispatch(s, 'GUILD_CREATE', this.guildJson(g, true));
    this.notify();
  }
  appFlags() { const P = this.config.privileged; return (P.messageContent ? 1 << 19 : 0) | (P.members ? 1 << 15 : 0) | (P.presences ? 1 << 13 : 0) | (1 << 23); }
  resume(c, d) {
    if (c.session) return this.closeConn(c, 4005);
    if (!d || typeof d !== 'object') return this.closeConn(c, 4002);
    if (!this.tokens.has(String(d.token).replace(/^Bot /, ''))) return this.closeConn(c, 4004);
    if (this.gw.closeOnResume) { const code = this.gw.closeOnResume; this.gw.closeOnResume = 0; return this.closeConn(c, code); }
    if (this.gw.invalidOnResume > 0) { this.gw.invalidOnResume--; return this.sendTo(c, { t: null, s: null, op: 9, d: false }); }
    const s = this.sessions.get(d.session_id);
    if (!s || s.dead || (s.lostAt && Date.now() - s.lostAt > this.config.resumeWindowMs)) { if (s) this.sessions.delete(s.id); return this.sendTo(c, { t: null, s: null, op: 9, d: false }); }
    if (!Number.isInteger(d.seq) || d.seq < 0 || d.seq > s.seq) return this.closeConn(c, 4007);
    if (s.buffer.length && s.buffer[0].s > d.seq + 1) return this.sendTo(c, { t: null, s: null, op: 9, d: false });
    if (s.conn && s.conn !== c) { s.conn.session = null; this.closeConn(s.conn, 4009); }
    s.conn = c;
    s.lostAt = 0;
    c.session = s;
    for (const p of s.buffer) if (p.s > d.seq) this.sendTo(c, p);
    s.resumed = (s.resumed ?? 0) + 1;
    this.sendDispatch(s, 'RESUMED', { _trace: [] });
    this.notify();
  }
  memberChunk(s, d) {
    const g = this.guilds.get(String(d?.guild_id));
    if (!g) return;
    const ids = d.user_ids ? [].concat(d.user_ids) : [...g.members.keys()].filter(id => this.users.get(id).username.startsWith(d.query ?? '')).slice(0, d.limit || 1000);
    this.sendDispatch(s, 'GUILD_MEMBERS_CHUNK', { guild_id: g.id, members: ids.filter(i => g.members.has(i)).map(i => this.memberJson(g, i)), chunk_index: 0, chunk_count: 1, not_found: ids.filter(i => !g.members.has(i)), ...(d.nonce ? { nonce: d.nonce } : {}) });
  }
  announceMessage(t, c, m) {
    const d = this.messageJson(c, m);
    if (c.guild_id) { d.guild_id = c.guild_id; const g = this.guilds.get(c.guild_id); if (!m.webhook_id) d.member = this.memberJson(g, m.author, false); }
    d.channel_type = c.type;
    if (c.type !== 1 && c.deny?.includes('VIEW_CHANNEL')) return;
    this.dispatch(t, d, { guildId: c.guild_id, intent: c.guild_id ? INTENTS.GUILD_MESSAGES : INTENTS.DIRECT_MESSAGES, content: true });
  }

  // ---------------------------------------------------------------- REST: limits
  routeOf(method, parts) {
    const out = [];
    let major = '';
    for (let i = 0; i < parts.length; i++) {
      const p = parts[i], prev = parts[i - 1];
      if (isSnowflake(p)) { if (['channels', 'guilds', 'webhooks'].includes(prev) && !major) major = p; out.push(':id'); }
      else if (prev === 'reactions') out.push(':emoji');
      else if (parts[0] === 'webhooks' && i === 2) { out.push(':token'); major += p; }
      else if (parts[0] === 'interactions' && i === 2) out.push(':token');
      else out.push(p);
    }
    return { route: `${method} /${out.join('/')}`, major };
  }
  rateLimit(route, major, interaction) {
    const L = this.config.limits, t = Date.now();
    const [limit, windowMs] = L.buckets[route] ?? L.buckets.default;
    const id = crypto.createHash('md5').update(route).digest('hex');
    const key = `${id}:${major}`;
    let b = this.buckets.get(key);
    if (!b || t >= b.reset) { b = { used: 0, reset: t + windowMs }; this.buckets.set(key, b); }
    const headers = () => ({ 'x-ratelimit-limit': String(limit), 'x-ratelimit-remaining': String(Math.max(0, limit - b.used)), 'x-ratelimit-reset': (b.reset / 1000).toFixed(3), 'x-ratelimit-reset-after': Math.max(0, (b.reset - Date.now()) / 1000).toFixed(3), 'x-ratelimit-bucket': id });
    if (!L.enabled) { b.used = 0; return { headers: headers() }; }
    if (!interaction) {
      this.globalHits = this.globalHits.filter(x => x > t - L.globalWindowMs);
      if (this.globalHits.length >= L.global) {
        const after = (this.globalHits[0] + L.globalWindowMs - t) / 1000;
        return { limited: { headers: { 'retry-after': String(Math.ceil(after)), 'x-ratelimit-global': 'true', 'x-ratelimit-scope': 'global' }, body: { message: 'You are being rate limited.', retry_after: after, global: true } } };
      }
      this.globalHits.push(t);
    }
    if (b.used >= limit) {
      const after = (b.reset - t) / 1000;
      return { limited: { headers: { ...headers(), 'retry-after': String(Math.ceil(after)), 'x-ratelimit-scope': 'user' }, body: { message: 'You are being rate limited.', retry_after: after, global: false } } };
    }
    b.used++;
    return { headers: headers() };
  }

  // ---------------------------------------------------------------- REST: entry
  takeFault(method, path, body) {
    for (const f of this.faults) {
      if (f.count <= 0) continue;
      if (f.method && f.method.toUpperCase() !== method) continue;
      if (f.path && !new RegExp(f.path).test(path)) continue;
      if (f.contains && !JSON.stringify(body ?? {}).includes(f.contains)) continue;
      if (f.skip > 0) { f.skip--; continue; }
      f.count--;
      f.hits = (f.hits ?? 0) + 1;
      return f;
    }
    return null;
  }
  async onHttp(req, res) {
    const url = new URL(req.url, 'http://lab');
    const send = (status, body, headers = {}) => {
      if (res.destroyed || res.writableEnded) return;
      const buf = body === undefined ? Buffer.alloc(0) : Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      res.writeHead(status, { ...(body === undefined ? {} : { 'content-type': 'application/json' }), 'content-length': buf.length, via: '1.1 google', ...headers });
      res.end(buf);
    };
    if (url.pathname.startsWith('/attachments/')) return this.onCdn(req, url, send);
    const m = /^\/api(?:\/v(\d+))?(\/.*)$/.exec(url.pathname);
    if (!m) return send(404, { message: '404: Not Found', code: 0 });
    const path = m[2].replace(/\/$/, ''), parts = path.split('/').filter(Boolean).map(p => { try { return decodeURIComponent(p); } catch { return p; } });
    const method = req.method;
    const { route, major } = this.routeOf(method, parts);
    const entry = { n: ++this.seq, t: Date.now(), method, path, route, version: m[1] ?? null, ua: req.headers['user-agent'] };
    this.calls.push(entry);
    if (this.calls.length > this.config.logMax) this.calls.shift();
    const finish = (status, body, headers) => {
      Object.assign(entry, { status, ms: Date.now() - entry.t, ...(status >= 400 ? { error: body?.message ?? 'page', code: body?.code } : { result: body?.id }) });
      this.notify();
      if ([401, 403, 429].includes(status) && headers?.['x-ratelimit-scope'] !== 'shared') {
        this.invalidHits = this.invalidHits.filter(x => x > Date.now() - this.config.limits.invalidWindowMs);
        this.invalidHits.push(Date.now());
        if (this.invalidHits.length >= this.config.limits.invalid) { this.bannedUntil = Date.now() + this.config.limits.banMs; this.invalidHits = []; }
      }
      send(status, body, headers);
    };
    if (Date.now() < this.bannedUntil) {
      req.resume();
      entry.note = 'banned';
      entry.status = 429;
      return send(429, '<!DOCTYPE html><html><head><title>Access denied | Error 1015</title></head><body>You are being rate limited</body></html>', { 'content-type': 'text/html', 'retry-after': String(Math.ceil((this.bannedUntil - Date.now()) / 1000)), server: 'cloudflare' });
    }
    const chunks = [];
    let size = 0;
    for await (const c of req) { size += c.length; if (size <= this.config.requestMax + 65536) chunks.push(c); }
    if (size > this.config.requestMax) return finish(413, { message: 'Request entity too large', code: 40005 });
    const rawBody = Buffer.concat(chunks), ct = String(req.headers['content-type'] ?? '');
    let body, files = [], badJson = false;
    if (rawBody.length) {
      if (ct.includes('multipart/form-data')) {
        const p = parseMultipart(rawBody, ct);
        files = p.files;
        if (p.fields.payload_json !== undefined) { try { body = JSON.parse(p.fields.payload_json); } catch { badJson = true; } } else body = { ...p.fields };
      } else if (ct.includes('application/json')) { try { body = JSON.parse(rawBody.toString('utf8')); } catch { badJson = true; } } else if (ct.includes('urlencoded')) body = Object.fromEntries(new URLSearchParams(rawBody.toString()));
      else badJson = 'type';
    }
    entry.body = body;
    if (files.length) entry.files = files.map(f => ({ name: f.name, filename: f.filename, size: f.data.length, type: f.type }));
    const fault = this.takeFault(method, path, body);
    if (fault) {
      const kind = fault.action ?? 'error';
      entry.fault = kind;
      if (fault.delay_ms) await sleep(fault.delay_ms);
      if (kind === 'reset') { entry.status = 0; return hardReset(req.socket); }
      if (kind === 'hang') return;
      if (kind === 'error') return finish(fault.status ?? 500, fault.body ?? { message: `${fault.status ?? 500}: ${http.STATUS_CODES[fault.status ?? 500]}`, code: fault.code ?? 0 }, fault.headers);
      if (kind === 'html') return finish(fault.status ?? 502, `<html><head><title>${fault.status ?? 502} Bad Gateway</title></head><body>cloudflare</body></html>`, { 'content-type': 'text/html' });
      if (kind === 'rate_limit') {
        const after = fault.retry_after ?? 1, scope = fault.global ? 'global' : fault.scope ?? 'user';
        return finish(429, { message: scope === 'shared' ? 'The resource is being rate limited.' : 'You are being rate limited.', retry_after: after, global: !!fault.global, ...(fault.code ? { code: fault.code } : {}) },
          { 'retry-after': String(Math.ceil(after)), 'x-ratelimit-scope': scope, ...(fault.global ? { 'x-ratelimit-global': 'true' } : { 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset-after': String(after), 'x-ratelimit-reset': String(Date.now() / 1000 + after), 'x-ratelimit-bucket': crypto.createHash('md5').update(route).digest('hex') }) });
      }
    }
    if (this.config.requireUserAgent && !req.headers['user-agent']) return finish(403, { message: 'internal network error', code: 40333 });
    if (m[1] && !['9', '10'].includes(m[1])) return finish(400, { message: 'Invalid API version', code: 50041 });
    const open = path === '/gateway' || parts[0] === 'interactions' || (parts[0] === 'webhooks' && parts.length >= 3);
    const auth = String(req.headers.authorization ?? '');
    if (!open && !(auth.startsWith('Bot ') && this.tokens.has(auth.slice(4)))) return finish(401, { message: '401: Unauthorized', code: 0 });
    const limit = this.rateLimit(route, major, parts[0] === 'interactions' || parts[0] === 'webhooks');
    if (limit.limited) return finish(429, limit.limited.body, limit.limited.headers);
    let status, out;
    try {
      if (badJson === true) fail(400, 50109, 'The request body contains invalid JSON.');
      if (badJson === 'type') fail(400, 50035, 'Invalid Form Body', { errors: { _errors: [{ code: 'CONTENT_TYPE_INVALID', message: 'Expected "Content-Type" header to be one of {\'application/json\'}.' }] } });
      const r = await this.route(method, parts, body ?? {}, files, url.searchParams, entry);
      status = r === undefined ? 204 : r?.__status ?? 200;
      out = r?.__status ? r.body : r;
    } catch (e) {
      if (!(e instanceof HttpFail)) { process.stderr.write(`lab error: ${e.stack}\n`); return finish(500, { message: '500: Internal Server Error', code: 0 }); }
      return finish(e.status, { message: e.message, code: e.code, ...(e.extra ?? {}) }, limit.headers);
    }
    if (fault?.action === 'drop_after') { entry.note = 'processed, answer dropped'; entry.status = status; this.notify(); return hardReset(req.socket); }
    if (fault?.action === 'error_after') { entry.note = 'processed, answered with an error'; return finish(fault.status ?? 502, { message: `${fault.status ?? 502}: Bad Gateway`, code: 0 }); }
    if (fault?.action === 'truncate') {
      const full = Buffer.from(JSON.stringify(out ?? {}));
      res.writeHead(status, { 'content-type': 'application/json', 'content-length': full.length + 10 });
      res.write(full.subarray(0, full.length >> 1));
      setTimeout(() => hardReset(req.socket), 20);
      return;
    }
    if (fault?.delay_after_ms) await sleep(fault.delay_after_ms);
    finish(status, out, limit.headers);
  }
  onCdn(req, url, send) {
    const a = this.cdn.get(url.pathname), q = url.searchParams;
    this.cdnLog.push({ t: Date.now(), path: url.pathname, found: !!a, leaked_authorization: req.headers.authorization !== undefined });
    req.resume();
    const fault = this.takeFault('GET', url.pathname, null);
    if (fault) {
      if (fault.action === 'reset') return hardReset(req.socket);
      if (fault.action === 'error' || !fault.action) return send(fault.status ?? 500, 'error', { 'content-type': 'text/plain' });
    }
    if (!a || q.get('hm') !== this.sign(url.pathname, q.get('ex'), q.get('is')) || parseInt(q.get('ex'), 16) < Date.now() / 1000) return send(404, 'This content is no longer available.', { 'content-type': 'text/plain' });
    send(200, a.data ?? Buffer.alloc(a.size), { 'content-type': a.content_type ?? 'application/octet-stream', 'content-disposition': `attachment; filename="${a.filename}"` });
  }

  // ---------------------------------------------------------------- REST: routes
  need(c, perm) { if (c.deny?.includes('VIEW_CHANNEL')) fail(403, 50001, 'Missing Access'); if (perm && c.deny?.includes(perm)) fail(403, 50013, 'Missing Permissions'); }
  getChannel(id, perm) {
    if (!isSnowflake(id)) formError('channel_id', 'NUMBER_TYPE_COERCE', `Value "${id}" is not snowflake.`);
    const c = this.channels.get(id);
    if (!c || c.gone) unknown.channel();
    if (c.guild_id && !this.guilds.get(c.guild_id)?.members.has(this.botId)) fail(403, 50001, 'Missing Access');
    this.need(c, perm);
    if (this.isThread(c)) { const p = this.channels.get(c.parent_id); if (p) this.need(p, perm === 'SEND_MESSAGES' ? 'SEND_MESSAGES_IN_THREADS' : perm); }
    return c;
  }
  getMessage(c, id) { const m = c.messages.get(id); if (!m || m.deleted || m.ephemeral_for) unknown.message(); return m; }
  len(s) { return this.config.lengthUnit === 'utf16' ? s.length : [...s].length; }
  validateBody(b, files, { edit = false } = {}) {
    if (typeof b !== 'object' || b === null || Array.isArray(b)) fail(400, 50035, 'Invalid Form Body', { errors: { _errors: [{ code: 'DICT_TYPE_CONVERT', message: 'Only dictionaries may be used in a DictType' }] } });
    if (b.content !== undefined && b.content !== null) {
      if (typeof b.content !== 'string' && typeof b.content !== 'number') formError('content', 'STRING_TYPE_CONVERT', `Could not interpret "${JSON.stringify(b.content)}" as string.`);
      if (this.len(String(b.content)) > this.config.contentMax) formError('content', 'BASE_TYPE_MAX_LENGTH', `Must be ${this.config.contentMax} or fewer in length.`);
    }
    if (b.nonce !== undefined && b.nonce !== null && !(Number.isInteger(b.nonce) || (typeof b.nonce === 'string' && b.nonce.length <= 25))) formError('nonce', typeof b.nonce === 'string' ? 'NONCE_TYPE_TOO_LONG' : 'NONCE_TYPE', 'Nonce must be an integer or a string of at most 25 characters.');
    if (b.embeds?.length > 10) formError('embeds', 'BASE_TYPE_MAX_LENGTH', 'Must be 10 or fewer in length.');
    let total = 0;
    (b.embeds ?? []).forEach((e, i) => {
      if ((e.title ?? '').length > 256) formError(`embeds.${i}.title`, 'BASE_TYPE_MAX_LENGTH', 'Must be 256 or fewer in length.');
      if ((e.description ?? '').length > 4096) formError(`embeds.${i}.description`, 'BASE_TYPE_MAX_LENGTH', 'Must be 4096 or fewer in length.');
      if ((e.fields ?? []).length > 25) formError(`embeds.${i}.fields`, 'BASE_TYPE_MAX_LENGTH', 'Must be 25 or fewer in length.');
      total += (e.title ?? '').length + (e.description ?? '').length + (e.footer?.text ?? '').length + (e.author?.name ?? '').length + (e.fields ?? []).reduce((a, f) => a + (f.name ?? '').length + (f.value ?? '').length, 0);
    });
    if (total > 6000) formError('embeds', 'MAX_EMBED_SIZE_EXCEEDED', 'Embed size exceeds maximum size of 6000');
    (b.components ?? []).forEach((row, i) => {
      if (row.type === 1) {
        if (!Array.isArray(row.components) || !row.components.length || row.components.length > 5) formError(`components.${i}.components`, 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 5 in length.');
        row.components.forEach((x, j) => {
          if (x.custom_id !== undefined && (!x.custom_id || x.custom_id.length > 100)) formError(`components.${i}.components.${j}.custom_id`, 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 100 in length.');
          if (x.type === 2 && (x.label ?? '').length > 80) formError(`components.${i}.components.${j}.label`, 'BASE_TYPE_MAX_LENGTH', 'Must be 80 or fewer in length.');
        });
      } else if (row.type === 2) formError(`components.${i}.type`, 'UNION_TYPE_CHOICES', 'Value of field "type" must be one of (1, 9, 10, 12, 13, 14, 17).');
    });
    if (b.components?.length > 5 && !((b.flags ?? 0) & (1 << 15))) formError('components', 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 5 in length.');
    if (files.length > this.config.attachmentCount) formError('files', 'BASE_TYPE_MAX_LENGTH', `Must be ${this.config.attachmentCount} or fewer in length.`);
    for (const f of files) if (f.data.length > this.config.attachmentMax) fail(413, 40005, 'Request entity too large');
    const hasBody = (typeof b.content === 'string' && b.content.trim() !== '') || typeof b.content === 'number' || b.embeds?.length || files.length || b.sticker_ids?.length || b.components?.length || b.poll || b.attachments?.length || b.message_reference?.type === 1;
    if (!edit && !hasBody) fail(400, 50006, 'Cannot send an empty message');
  }
  pingsOf(b, g) {
    const found = this.mentionsIn(String(b.content ?? ''), g), am = b.allowed_mentions;
    if (!am) return { everyone: found.everyone, users: found.users, roles: found.roles, replied: !!b.message_reference };
    const parse = am.parse ?? [];
    return { everyone: found.everyone && parse.includes('everyone'), users: found.users.filter(u => parse.includes('users') || (am.users ?? []).includes(u)), roles: found.roles.filter(r => parse.includes('roles') || (am.roles ?? []).includes(r)), replied: !!b.message_reference && am.replied_user !== false && am.replied_user !== undefined };
  }
  buildAttachments(c, b, files, keep = []) {
    const meta = new Map((b.attachments ?? []).map(a => [String(a.id), a]));
    const out = keep.filter(a => b.attachments === undefined || meta.has(a.id));
    for (const f of files) {
      const n = /^files\[(\d+)\]$/.exec(f.name ?? '')?.[1] ?? String(files.indexOf(f));
      const a = meta.get(n) ?? {};
      out.push(this.addAttachment(c.id, { ...f, filename: a.filename ?? f.filename }, { description: a.description, duration_secs: a.duration_secs, waveform: a.waveform }));
    }
    for (const a of b.attachments ?? []) if (/^\d{1,3}$/.test(String(a.id)) && !files.some(f => f.name === `files[${a.id}]`)) formError(`attachments.0`, 'ATTACHMENT_NOT_FOUND', `Uploaded file for attachment ${a.id} was not found.`);
    return out;
  }
  addMessage(c, author, b, extra = {}) {
    const g = c.guild_id ? this.guilds.get(c.guild_id) : undefined;
    const m = { id: this.snowflake(), author, content: String(b.content ?? '').trim(), embeds: (b.embeds ?? []).map(e => ({ type: 'rich', ...e })), components: this.stamp(b.components ?? []), flags: (b.flags ?? 0) & (4 | 64 | 4096 | 8192 | 32768), timestamp: iso(), history: [], reactions: new Map(), attachments: [], ...extra };
    m.mentions = this.mentionsIn(m.content, g);
    if (m.message_reference) {
      const r = this.channels.get(m.message_reference.channel_id)?.messages.get(m.message_reference.message_id);
      if (r && m.message_reference.type !== 1 && !m.mentions.users.includes(r.author) && (m.pings?.replied ?? true)) m.mentions.users.push(r.author);
    }
    c.messages.set(m.id, m);
    c.lastId = m.id;
    if (this.isThread(c)) { c.archived = false; m.position = c.messages.size; }
    this.notify();
    return m;
  }
  stamp(components) { let n = 0; const walk = x => ({ id: ++n, ...x, ...(x.components ? { components: x.components.map(walk) } : {}) }); return components.map(walk); }
  createMessage(c, b, files) {
    if (c.type === 15) fail(400, 40058, 'Cannot send a message in a forum channel');
    if (c.type === 4 || c.type === 13) fail(400, 50008, 'Cannot send messages in a non-text channel');
    if (this.isThread(c) && c.locked && c.archived) fail(400, 50083, 'Thread is archived');
    if (c.type === 1) { const u = this.users.get(c.recipients[0]); if (u.dm_closed) fail(403, 50007, 'Cannot send messages to this user'); }
    this.validateBody(b, files);
    const nonceKey = b.nonce !== undefined && b.nonce !== null ? `${c.id}|${typeof b.nonce}|${b.nonce}` : null;
    if (nonceKey && b.enforce_nonce) {
      const hit = this.nonces.get(nonceKey);
      if (hit && Date.now() - hit.t < this.config.nonceWindowMs && hit.m && !hit.m.deleted) { hit.times = (hit.times ?? 0) + 1; return this.messageJson(c, hit.m); }
    }
    if (files.length) this.need(c, 'ATTACH_FILES');
    let ref;
    if (b.message_reference) {
      const rc = this.channels.get(String(b.message_reference.channel_id ?? c.id)), rm = rc?.messages.get(String(b.message_reference.message_id));
      if (!rm || rm.deleted) {
        if (b.message_reference.fail_if_not_exists !== false) formError('message_reference', b.message_reference.type === 1 ? 'MESSAGE_REFERENCE_UNKNOWN_MESSAGE' : 'REPLIES_UNKNOWN_MESSAGE', 'Unknown message');
      } else ref = { type: b.message_reference.type ?? 0, message_id: rm.id, channel_id: rc.id, ...(rc.guild_id ? { guild_id: rc.guild_id } : {}) };
    }
    const attachments = this.buildAttachments(c, b, files);
    const g = c.guild_id ? this.guilds.get(c.guild_id) : undefined;
    const m = this.addMessage(c, this.botId, b, { attachments, pings: this.pingsOf(b, g), ...(ref ? { message_reference: ref } : {}), ...(b.nonce !== undefined && b.nonce !== null ? { nonce: b.nonce } : {}) });
    if (nonceKey) this.nonces.set(nonceKey, { t: Date.now(), m });
    if (this.config.selfMessages) this.announceMessage('MESSAGE_CREATE', c, m);
    return this.messageJson(c, m);
  }
  editMessage(c, m, b, files) {
    if (m.author !== this.botId && (b.content !== undefined || b.embeds || b.components)) fail(403, 50005, 'Cannot edit a message authored by another user');
    if (this.isThread(c) && c.archived) fail(400, 50083, 'Thread is archived');
    this.validateBody(b, files, { edit: true });
    m.history.push({ t: Date.now(), content: m.content });
    if (b.content !== undefined) m.content = String(b.content ?? '').trim();
    if (b.embeds !== undefined) m.embeds = (b.embeds ?? []).map(e => ({ type: 'rich', ...e }));
    if (b.components !== undefined) m.components = this.stamp(b.components ?? []);
    if (files.length || b.attachments !== undefined) m.attachments = this.buildAttachments(c, b, files, m.attachments);
    if (b.flags !== undefined) m.flags = ((m.flags ?? 0) & ~(4 | 128)) | (b.flags & 4); else m.flags = (m.flags ?? 0) & ~128;
    if (!m.content && !m.embeds.length && !m.attachments.length && !m.components.length) { const h = m.history.pop(); m.content = h.content; fail(400, 50006, 'Cannot send an empty message'); }
    m.mentions = this.mentionsIn(m.content, c.guild_id ? this.guilds.get(c.guild_id) : undefined);
    m.edited = iso();
    if (!m.ephemeral_for) this.announceMessage('MESSAGE_UPDATE', c, m);
    this.notify();
    return this.messageJson(c, m);
  }
  deleteMessage(c, m) {
    m.deleted = true;
    this.dispatch('MESSAGE_DELETE', { id: m.id, channel_id: c.id, ...(c.guild_id ? { guild_id: c.guild_id } : {}) }, { guildId: c.guild_id, intent: c.guild_id ? INTENTS.GUILD_MESSAGES : INTENTS.DIRECT_MESSAGES });
  }
  createThread(c, { name, type, auto_archive_duration, owner, id }) {
    if (!name || String(name).length > 100) formError('name', 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 100 in length.');
    const th = this.channel({ id: id ?? this.snowflake(), type: type ?? 11, guild_id: c.guild_id, parent_id: c.id, name: String(name), owner_id: owner, auto_archive_duration: auto_archive_duration ?? 1440, created: iso(), joined: true });
    this.dispatch('THREAD_CREATE', { ...this.channelJson(th), newly_created: true }, { guildId: c.guild_id, intent: INTENTS.GUILDS });
    return th;
  }
  reaction(t, c, m, userId, e) {
    const d = { user_id: userId, channel_id: c.id, message_id: m.id, emoji: this.emoji(e), burst: false, type: 0, message_author_id: m.author };
    if (c.guild_id) { d.guild_id = c.guild_id; if (t === 'MESSAGE_REACTION_ADD') d.member = this.memberJson(this.guilds.get(c.guild_id), userId); }
    this.dispatch(t, d, { guildId: c.guild_id, intent: c.guild_id ? INTENTS.GUILD_MESSAGE_REACTIONS : INTENTS.DIRECT_MESSAGE_REACTIONS });
  }
  application() {
    return { id: this.appId, name: 'Lab Bot', icon: null, description: '', bot: this.userJson(this.users.get(this.botId)), bot_public: false, bot_require_code_grant: false, summary: '', verify_key: '0'.repeat(64), flags: this.appFlags(), owner: this.userJson(this.users.get('910000000000000001')), team: null,
      integration_types_config: { 0: {} }, approximate_guild_count: this.guilds.size, approximate_user_install_count: 0, redirect_uris: [], interactions_endpoint_url: null, role_connections_verification_url: null, event_webhooks_status: 1 };
  }
  commandList(guildId) { if (!guildId) return this.commands.global; if (!this.commands.guild.has(guildId)) this.commands.guild.set(guildId, []); return this.commands.guild.get(guildId); }
  makeCommand(b, guildId, i) {
    const at = i === undefined ? '' : `${i}.`;
    const type = b.type ?? 1;
    if (!b.name || b.name.length > 32) formError(`${at}name`, b.name ? 'BASE_TYPE_BAD_LENGTH' : 'BASE_TYPE_REQUIRED', b.name ? 'Must be between 1 and 32 in length.' : 'This field is required');
    if (type === 1 && (!/^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u.test(b.name) || b.name !== b.name.toLowerCase())) formError(`${at}name`, 'APPLICATION_COMMAND_INVALID_NAME', 'Command name is invalid');
    if (type === 1 && (!b.description || b.description.length > 100)) formError(`${at}description`, b.description ? 'BASE_TYPE_BAD_LENGTH' : 'BASE_TYPE_REQUIRED', b.description ? 'Must be between 1 and 100 in length.' : 'This field is required');
    if ((b.options ?? []).length > 25) formError(`${at}options`, 'BASE_TYPE_MAX_LENGTH', 'Must be 25 or fewer in length.');
    return { id: this.snowflake(), application_id: this.appId, version: this.snowflake(), default_member_permissions: null, type, name: b.name, name_localizations: null, description: b.description ?? '', description_localizations: null, dm_permission: b.dm_permission ?? true, contexts: b.contexts ?? null, integration_types: b.integration_types ?? [0], nsfw: false, ...(b.options ? { options: b.options } : {}), ...(guildId ? { guild_id: guildId } : {}) };
  }
  interactionMessage(it, b, files, extra = {}) {
    const c = this.channels.get(it.channel_id), eph = ((b.flags ?? 0) & 64) !== 0;
    this.validateBody(b, files, { edit: !!extra.loading });
    const m = this.addMessage(c, this.botId, b, { attachments: this.buildAttachments(c, b, files), webhook_id: this.appId, via: 'interaction', pings: this.pingsOf(b, this.guilds.get(c.guild_id)), ...(eph ? { ephemeral_for: it.user_id } : {}), type: extra.type ?? (it.type === 2 ? 20 : 19), interaction_metadata: { id: it.id, type: it.type, user: this.userJson(this.users.get(it.user_id)), authorizing_integration_owners: {} } });
    if (extra.loading) m.flags |= 128;
    if (!eph) this.announceMessage('MESSAGE_CREATE', c, m);
    return m;
  }

  async route(method, p, b, files, q, entry) {
    const is = (m, ...pattern) => m === method && pattern.length === p.length && pattern.every((x, i) => x === '*' || x === p[i]);
    if (is('GET', 'gateway')) return { url: this.gatewayUrl };
    if (is('GET', 'gateway', 'bot')) return { url: this.gatewayUrl, shards: this.config.shards, session_start_limit: { total: this.config.identifyTotal, remaining: this.identifyRemaining, reset_after: 14400000, max_concurrency: this.config.maxConcurrency } };
    if (is('GET', 'applications', '@me') || is('GET', 'oauth2', 'applications', '@me') || is('PATCH', 'applications', '@me')) return this.application();
    if (is('GET', 'users', '@me')) return { ...this.userJson(this.users.get(this.botId)), verified: true, mfa_enabled: true, flags: 0, locale: 'en-US', email: null };
    if (is('PATCH', 'users', '@me')) { const u = this.users.get(this.botId); if (b.username) u.username = b.username; return this.userJson(u); }
    if (is('GET', 'users', '@me', 'guilds')) return [...this.guilds.values()].map(g => ({ id: g.id, name: g.name, icon: null, banner: null, owner: false, permissions: '2248473465835073', features: [] }));
    if (is('POST', 'users', '@me', 'channels')) {
      if (!isSnowflake(b.recipient_id)) formError('recipient_id', 'NUMBER_TYPE_COERCE', `Value "${b.recipient_id}" is not snowflake.`);
      if (!this.users.has(String(b.recipient_id))) fail(400, 50033, 'Invalid Recipient(s)');
      if (this.users.get(String(b.recipient_id)).bot) fail(403, 50007, 'Cannot send messages to this user');
      return this.channelJson(this.dm(b.recipient_id));
    }
    if (is('GET', 'users', '*')) { const u = this.users.get(p[1]); if (!u) unknown.user(); return this.userJson(u); }

    if (p[0] === 'channels' && p.length >= 2) {
      if (is('GET', 'channels', '*')) return this.channelJson(this.getChannel(p[1]));
      if (is('PATCH', 'channels', '*')) {
        const c = this.getChannel(p[1]);
        if (c.type === 1) fail(403, 50003, 'Cannot execute action on a DM channel');
        for (const k of ['name', 'archived', 'locked', 'auto_archive_duration', 'topic', 'rate_limit_per_user']) if (b[k] !== undefined) c[k] = b[k];
        this.dispatch(this.isThread(c) ? 'THREAD_UPDATE' : 'CHANNEL_UPDATE', this.channelJson(c), { guildId: c.guild_id, intent: INTENTS.GUILDS });
        return this.channelJson(c);
      }
      if (is('DELETE', 'channels', '*')) {
        const c = this.getChannel(p[1]);
        if (c.type !== 1) c.gone = true;
        if (c.guild_id) { this.guilds.get(c.guild_id).channels.delete(c.id); this.dispatch(this.isThread(c) ? 'THREAD_DELETE' : 'CHANNEL_DELETE', { id: c.id, guild_id: c.guild_id, parent_id: c.parent_id, type: c.type }, { guildId: c.guild_id, intent: INTENTS.GUILDS }); }
        return this.channelJson(c);
      }
      if (is('GET', 'channels', '*', 'messages')) {
        const c = this.getChannel(p[1], 'READ_MESSAGE_HISTORY');
        const n = Number(q.get('limit') ?? 50);
        if (!(n >= 1 && n <= 100)) formError('limit', 'NUMBER_TYPE_MAX', 'int value should be less than or equal to 100.');
        let list = [...c.messages.values()].filter(m => !m.deleted && !m.ephemeral_for).sort((x, y) => (BigInt(x.id) < BigInt(y.id) ? 1 : -1));
        if (q.get('before')) list = list.filter(m => BigInt(m.id) < BigInt(q.get('before')));
        if (q.get('after')) list = list.filter(m => BigInt(m.id) > BigInt(q.get('after'))).slice(-n);
        if (q.get('around')) { const i = list.findIndex(m => BigInt(m.id) <= BigInt(q.get('around'))); list = list.slice(Math.max(0, i - (n >> 1)), i + (n >> 1) + 1); }
        return list.slice(0, n).map(m => this.restMessage(c, m));
      }
      if (is('POST', 'channels', '*', 'messages')) return this.createMessage(this.getChannel(p[1], 'SEND_MESSAGES'), b, files);
      if (is('POST', 'channels', '*', 'messages', 'bulk-delete')) {
        const c = this.getChannel(p[1], 'MANAGE_MESSAGES');
        if (!Array.isArray(b.messages) || b.messages.length < 2 || b.messages.length > 100) fail(400, 50016, 'Provided too few or too many messages to delete. Must provide at least 2 and fewer than 100 messages to delete.');
        for (const id of b.messages) { const m = c.messages.get(id); if (m) this.deleteMessage(c, m); }
        return undefined;
      }
      if (is('GET', 'channels', '*', 'messages', '*')) { const c = this.getChannel(p[1], 'READ_MESSAGE_HISTORY'); return this.restMessage(c, this.getMessage(c, p[3])); }
      if (is('PATCH', 'channels', '*', 'messages', '*')) { const c = this.getChannel(p[1]); return this.editMessage(c, this.getMessage(c, p[3]), b, files); }
      if (is('DELETE', 'channels', '*', 'messages', '*')) {
        const c = this.getChannel(p[1]), m = this.getMessage(c, p[3]);
        if (m.author !== this.botId) { if (c.type === 1) fail(403, 50003, 'Cannot execute action on a DM channel'); if (!c.can_manage) fail(403, 50013, 'Missing Permissions'); }
        this.deleteMessage(c, m);
        return undefined;
      }
      if (p[2] === 'messages' && p[4] === 'reactions') {
        const c = this.getChannel(p[1], method === 'PUT' ? 'ADD_REACTIONS' : undefined), m = this.getMessage(c, p[3]);
        if (method === 'DELETE' && p.length === 5) { m.reactions.clear(); return undefined; }
        const e = p[5];
        if (!/^\w+:\d{15,21}$/.test(e) && !/\p{Extended_Pictographic}|\p{Regional_Indicator}|[0-9#*]\ufe0f?\u20e3/u.test(e)) unknown.emoji();
        if (method === 'PUT') {
          if (!m.reactions.has(e) && m.reactions.size >= 20) fail(400, 30010, 'Maximum number of reactions reached (20)');
          const who = m.reactions.get(e) ?? new Set();
          m.reactions.set(e, who);
          if (!who.has(this.botId)) { who.add(this.botId); this.reaction('MESSAGE_REACTION_ADD', c, m, this.botId, e); }
          return undefined;
        }
        if (method === 'DELETE') { const u = p[6] === '@me' ? this.botId : p[6]; const who = m.reactions.get(e); if (who?.delete(u)) { if (!who.size) m.reactions.delete(e); this.reaction('MESSAGE_REACTION_REMOVE', c, m, u, e); } return undefined; }
        if (method === 'GET') return [...(m.reactions.get(e) ?? [])].map(u => this.userJson(this.users.get(u)));
      }
      if (is('POST', 'channels', '*', 'typing')) { const c = this.getChannel(p[1], 'SEND_MESSAGES'); this.typing.push({ t: Date.now(), channel_id: c.id }); this.notify(); return undefined; }
      if (is('POST', 'channels', '*', 'messages', '*', 'threads')) {
        const c = this.getChannel(p[1], 'CREATE_PUBLIC_THREADS'), m = this.getMessage(c, p[3]);
        if (this.isThread(c) || c.type === 1) fail(400, 50024, 'Cannot execute action on this channel type');
        if (m.thread_id) fail(400, 160004, 'A thread has already been created for this message');
        const th = this.createThread(c, { ...b, owner: this.botId, id: m.id, type: 11 });
        m.thread_id = th.id;
        return { __status: 201, body: this.channelJson(th) };
      }
      if (is('POST', 'channels', '*', 'threads')) {
        const c = this.getChannel(p[1], 'CREATE_PUBLIC_THREADS');
        if (this.isThread(c) || c.type === 1) fail(400, 50024, 'Cannot execute action on this channel type');
        if (c.type === 15) {
          if (!b.message) formError('message', 'BASE_TYPE_REQUIRED', 'This field is required');
          const th = this.createThread(c, { ...b, owner: this.botId, type: 11 });
          const m = this.createMessage(th, b.message, files);
          return { __status: 201, body: { ...this.channelJson(th), message: m } };
        }
        return { __status: 201, body: this.channelJson(this.createThread(c, { ...b, owner: this.botId, type: b.type ?? 12 })) };
      }
      if (p[2] === 'thread-members') {
        const c = this.getChannel(p[1]);
        if (method === 'PUT') { if (c.archived) fail(400, 50083, 'Thread is archived'); c.joined = true; return undefined; }
        if (method === 'DELETE') { c.joined = false; return undefined; }
        return [{ id: c.id, user_id: this.botId, join_timestamp: iso(), flags: 0 }];
      }
      if (p[2] === 'pins' || (p[2] === 'messages' && p[3] === 'pins')) { this.getChannel(p[1]); return method === 'GET' ? [] : undefined; }
    }
    if (p[0] === 'guilds' && p.length >= 2) {
      const g = this.guilds.get(p[1]);
      if (!g) unknown.guild();
      if (is('GET', 'guilds', '*')) return this.guildJson(g);
      if (is('GET', 'guilds', '*', 'channels')) return [...g.channels].map(id => this.channels.get(id)).filter(c => c && !this.isThread(c)).map(c => this.channelJson(c));
      if (is('GET', 'guilds', '*', 'roles')) return g.roles;
      if (is('GET', 'guilds', '*', 'threads', 'active')) return { threads: this.threadsOf(g).map(c => this.channelJson(c)), members: [], has_more: false };
      if (is('GET', 'guilds', '*', 'members')) { if (!this.config.privileged.members) fail(403, 50001, 'Missing Access'); return [...g.members.keys()].slice(0, Number(q.get('limit') ?? 1)).map(id => this.memberJson(g, id)); }
      if (is('GET', 'guilds', '*', 'members', 'search')) return [...g.members.keys()].filter(id => this.users.get(id).username.startsWith(q.get('query') ?? '')).slice(0, Number(q.get('limit') ?? 1)).map(id => this.memberJson(g, id));
      if (is('GET', 'guilds', '*', 'members', '*')) { const id = p[3] === '@me' ? this.botId : p[3]; return this.memberJson(g, id) ?? unknown.member(); }
    }
    if (p[0] === 'applications' && p.includes('commands')) {
      if (p[1] !== this.appId) fail(403, 20012, 'You are not authorized to perform this action on this application');
      const guildId = p[2] === 'guilds' ? p[3] : undefined;
      if (guildId && !this.guilds.has(guildId)) fail(403, 50001, 'Missing Access');
      const list = this.commandList(guildId), rest = p.slice(p.indexOf('commands') + 1);
      if (!rest.length && method === 'GET') return list;
      if (!rest.length && method === 'PUT') {
        if (!Array.isArray(b)) fail(400, 50035, 'Invalid Form Body', { errors: { _errors: [{ code: 'LIST_TYPE_CONVERT', message: 'Only iterables may be used in a ListType' }] } });
        if (b.length > 100) fail(400, 30032, 'Maximum number of application commands reached (100).');
        const names = b.map(x => `${x.type ?? 1}:${x.name}`), dup = names.findIndex((x, i) => names.indexOf(x) !== i);
        if (dup >= 0) formError(`${dup}.name`, 'APPLICATION_COMMANDS_DUPLICATE_NAME', 'Application command names must be unique');
        const next = b.map((x, i) => { const old = list.find(o => o.name === x.name && o.type === (x.type ?? 1)); const made = this.makeCommand(x, guildId, i); return old ? { ...made, id: old.id } : made; });
        list.splice(0, list.length, ...next);
        return list;
      }
      if (!rest.length && method === 'POST') { const i = list.findIndex(x => x.name === b.name); const made = this.makeCommand(b, guildId); if (i >= 0) { list[i] = { ...made, id: list[i].id }; return list[i]; } list.push(made); return { __status: 201, body: made }; }
      const i = list.findIndex(x => x.id === rest[0]);
      if (i < 0) unknown.command();
      if (method === 'GET') return list[i];
      if (method === 'PATCH') { Object.assign(list[i], b); return list[i]; }
      if (method === 'DELETE') { list.splice(i, 1); return undefined; }
    }
    if (is('POST', 'interactions', '*', '*', 'callback')) {
      const it = this.interactions.get(p[1]);
      if (!it || it.token !== p[2]) unknown.interaction();
      if (it.acked) fail(400, 40060, 'Interaction has already been acknowledged.');
      if (Date.now() - it.t > this.config.interactionDeadlineMs) { it.expired = true; unknown.interaction(); }
      const type = b.type, data = b.data ?? {};
      if (![4, 5, 6, 7, 8, 9].includes(type)) formError('type', 'BASE_TYPE_CHOICES', 'Value must be one of {4, 5, 6, 7, 8, 9, 10, 12}.');
      if ((type === 6 || type === 7) && it.type !== 3) formError('type', 'INTERACTION_CALLBACK_TYPE_INVALID', 'Only component interactions can be answered so.');
      let m;
      if (type === 4) m = this.interactionMessage(it, data, files);
      if (type === 5) m = this.interactionMessage(it, { content: '', flags: data.flags }, [], { loading: true });
      const c = this.channels.get(it.channel_id);
      if (type === 7) m = c.messages.get(it.message_id) && (this.editMessage(c, c.messages.get(it.message_id), data, files), c.messages.get(it.message_id));
      if (type === 6) m = c.messages.get(it.message_id);
      it.acked = Date.now();
      it.ackType = type;
      it.original = m?.id;
      if (type === 8) it.choices = data.choices;
      if (type === 9) it.modal = data;
      this.notify();
      if (q.get('with_response') !== 'true') return undefined;
      return { interaction: { id: it.id, type: it.type, ...(m ? { response_message_id: m.id, response_message_loading: type === 5, response_message_ephemeral: !!m.ephemeral_for } : {}) }, ...(m ? { resource: { type, message: this.messageJson(c, m) } } : {}) };
    }
    if (p[0] === 'webhooks' && p.length >= 3) {
      const it = [...this.interactions.values()].find(x => x.token === p[2]);
      if (p[1] !== this.appId || !it) unknown.webhook();
      if (Date.now() - it.t > this.config.interactionTokenMs) fail(401, 50027, 'Invalid Webhook Token');
      if (!it.acked) unknown.webhook();
      const c = this.channels.get(it.channel_id);
      if (is('POST', 'webhooks', '*', '*')) {
        const first = it.ackType === 5 && c.messages.get(it.original);
        if (first && first.flags & 128) { this.validateBody(b, files); return this.editMessage(c, first, b, files); }
        return this.messageJson(c, this.interactionMessage(it, b, files, { type: 19 }));
      }
      if (p[3] === 'messages') {
        const m = c.messages.get(p[4] === '@original' ? it.original : p[4]);
        if (!m || m.deleted) unknown.message();
        if (method === 'GET') return this.messageJson(c, m);
        if (method === 'PATCH') return this.editMessage(c, m, b, files);
        if (method === 'DELETE') { if (m.ephemeral_for) { m.deleted = true; this.notify(); } else this.deleteMessage(c, m); return undefined; }
      }
    }
    if (is('GET', 'voice', 'regions') || is('GET', 'sticker-packs')) return [];
    entry.note = 'route not served';
    fail(404, 0, '404: Not Found');
  }
  restMessage(c, m) { const d = this.messageJson(c, m); return this.config.privileged.messageContent ? d : (() => { const x = this.stripContent({ ...d, guild_id: c.guild_id }); delete x.guild_id; return x; })(); }

  // ---------------------------------------------------------------- injection: what users do
  place(p) {
    const u = this.user(p.user ?? p.user_id ?? '910000000000000001');
    const c = p.dm ? this.dm(u.id) : this.channels.get(String(p.channel_id ?? '930000000000000001'));
    if (!c) throw new Error('no such channel');
    if (c.guild_id) { const g = this.guilds.get(c.guild_id); if (!g.members.has(u.id)) this.guild({ id: g.id, members: [u.id] }); }
    return { u, c };
  }
  inject(kind, p) {
    const note = r => { this.injected.push({ t: Date.now(), kind, params: p, ...r }); this.notify(); return r; };
    if (kind === 'raw') { this.dispatch(p.t, p.d, { guildId: p.guild_id }); return note({ ok: true }); }
    if (kind === 'message') {
      const { u, c } = this.place(p);
      const attachments = (p.attachments ?? []).map(a => this.addAttachment(c.id, { filename: a.filename ?? 'file.bin', type: a.content_type, size: a.size, data: a.base64 !== undefined ? Buffer.from(a.base64, 'base64') : a.text !== undefined ? Buffer.from(a.text) : a.size ? undefined : crypto.randomBytes(32) }, { duration_secs: a.duration_secs, waveform: a.waveform }));
      const m = this.addMessage(c, u.id, p, { attachments, ...(p.forward ? { message_reference: { type: 1, channel_id: c.id, message_id: this.snowflake() }, snapshots: [{ content: p.forward.content ?? '', flags: 0, attachments: (p.forward.attachments ?? []).map(a => this.addAttachment(c.id, { filename: a.filename ?? 'file.bin', type: a.content_type, data: Buffer.from(a.text ?? '') })) }] } : {}), ...(p.sticker ? { sticker_items: [{ id: this.snowflake(), name: p.sticker, format_type: 1 }] } : {}), ...(p.reply_to ? { message_reference: { type: 0, message_id: String(p.reply_to), channel_id: c.id, ...(c.guild_id ? { guild_id: c.guild_id } : {}) } } : {}), ...(p.flags ? { flags: p.flags } : {}), ...(p.type ? { type: p.type } : {}), ...(p.webhook ? { webhook_id: this.snowflake() } : {}) });
      if (p.nonce) m.nonce = p.nonce;
      this.announceMessage('MESSAGE_CREATE', c, m);
      return note({ channel_id: c.id, message_id: m.id, attachments: m.attachments.map(a => ({ ...this.attachmentJson(a), sha256: a.sha256 })) });
    }
    const find = () => { const c = this.channels.get(String(p.channel_id)), m = c?.messages.get(String(p.message_id)); if (!m) throw new Error('no such message'); return { c, m }; };
    if (kind === 'edit') { const { c, m } = find(); m.history.push({ t: Date.now(), content: m.content }); m.content = String(p.content); m.mentions = this.mentionsIn(m.content, this.guilds.get(c.guild_id)); m.edited = iso(); this.announceMessage('MESSAGE_UPDATE', c, m); return note({ ok: true }); }
    if (kind === 'delete') { const { c, m } = find(); this.deleteMessage(c, m); return note({ ok: true }); }
    if (kind === 'reaction') {
      const { c, m } = find(), u = this.user(p.user ?? p.user_id), e = p.emoji ?? '👍', who = m.reactions.get(e) ?? new Set();
      m.reactions.set(e, who);
      // What changes nothing is no event.
      if (p.remove ? who.delete(u.id) : !who.has(u.id) && who.add(u.id)) this.reaction(p.remove ? 'MESSAGE_REACTION_REMOVE' : 'MESSAGE_REACTION_ADD', c, m, u.id, e);
      return note({ ok: true });
    }
    if (kind === 'typing') {
      const { u, c } = this.place(p);
      this.dispatch('TYPING_START', { channel_id: c.id, user_id: u.id, timestamp: Math.floor(Date.now() / 1000), ...(c.guild_id ? { guild_id: c.guild_id, member: this.memberJson(this.guilds.get(c.guild_id), u.id) } : {}) }, { guildId: c.guild_id, intent: c.guild_id ? INTENTS.GUILD_MESSAGE_TYPING : INTENTS.DIRECT_MESSAGE_TYPING });
      return note({ ok: true });
    }
    if (kind === 'thread') { const { u, c } = this.place(p); const th = this.createThread(c, { name: p.name ?? 'thread', owner: u.id, id: p.message_id }); if (p.message_id && c.messages.has(p.message_id)) c.messages.get(p.message_id).thread_id = th.id; return note({ thread_id: th.id }); }
    if (kind === 'interaction') {
      const { u, c } = this.place(p);
      const g = c.guild_id ? this.guilds.get(c.guild_id) : undefined;
      const id = this.snowflake(), token = crypto.randomBytes(60).toString('base64url');
      let type = 2, data, message;
      if (p.custom_id && p.modal) { type = 5; data = { custom_id: p.custom_id, components: (p.fields ?? []).map(f => ({ type: 1, components: [{ type: 4, custom_id: f.custom_id, value: f.value }] })) }; }
      else if (p.custom_id) {
        type = 3;
        message = c.messages.get(String(p.message_id));
        if (!message) throw new Error('no such message');
        const all = (message.components ?? []).flatMap(r => r.components ?? [r]);
        const comp = all.find(x => x.custom_id === p.custom_id);
        if (!comp && p.strict !== false) throw new Error(`the message shows no component "${p.custom_id}"`);
        data = { custom_id: p.custom_id, component_type: comp?.type ?? 2, ...(p.values ? { values: p.values } : {}) };
      } else {
        const cmd = [...(g ? this.commandList(g.id) : []), ...this.commands.global].find(x => x.name === p.command);
        if (!cmd && p.strict !== false) throw new Error(`no command "${p.command}" is registered`);
        type = p.autocomplete ? 4 : 2;
        data = { id: cmd?.id ?? this.snowflake(), name: p.command, type: cmd?.type ?? 1, ...(p.options ? { options: p.options } : {}), ...(g ? { guild_id: cmd?.guild_id } : {}), ...(p.resolved ? { resolved: p.resolved } : {}) };
      }
      const it = { id, token, type, t: Date.now(), channel_id: c.id, user_id: u.id, message_id: message?.id };
      this.interactions.set(id, it);
      const perms = String(Object.values(PERMS).reduce((a, x) => a | x, 0n));
      this.dispatch('INTERACTION_CREATE', { id, application_id: this.appId, type, token, version: 1, data, channel_id: c.id, channel: this.channelJson(c), app_permissions: perms, locale: 'en-US', entitlements: [], entitlement_sku_ids: [], authorizing_integration_owners: g ? { 0: g.id } : { 0: '0' }, context: g ? 0 : 1, attachment_size_limit: this.config.attachmentMax,
        ...(g ? { guild_id: g.id, guild_locale: 'en-US', guild: { id: g.id, locale: 'en-US', features: [] }, member: { ...this.memberJson(g, u.id), permissions: perms } } : { user: this.userJson(u) }), ...(message ? { message: this.messageJson(c, message) } : {}) }, { guildId: c.guild_id });
      return note({ interaction_id: id, token });
    }
    if (kind === 'guild') { const g = this.guild(p); this.dispatch('GUILD_CREATE', this.guildJson(g, true), { guildId: g.id, intent: INTENTS.GUILDS }); return note({ guild_id: g.id }); }
    if (kind === 'guild_delete') { const id = String(p.guild_id); this.dispatch('GUILD_DELETE', p.unavailable ? { id, unavailable: true } : { id }, { guildId: id, intent: INTENTS.GUILDS }); if (!p.unavailable) this.guilds.delete(id); return note({ ok: true }); }
    if (kind === 'member_add') { const g = this.guilds.get(String(p.guild_id ?? '920000000000000001')), u = this.user(p.user ?? p.user_id); this.guild({ id: g.id, members: [u.id] }); this.dispatch('GUILD_MEMBER_ADD', { ...this.memberJson(g, u.id), guild_id: g.id }, { guildId: g.id, intent: INTENTS.GUILD_MEMBERS }); return note({ user_id: u.id }); }
    throw new Error(`no injection named ${kind}`);
  }

  // ---------------------------------------------------------------- control
  notify() { for (const w of this.waiters) w(); }
  async waitFor(test, ms) {
    const end = Date.now() + ms;
    for (;;) {
      const v = test();
      if (v) return v;
      const left = end - Date.now();
      if (left <= 0) return null;
      await new Promise(r => { const w = () => { clearTimeout(t); this.waiters.delete(w); r(); }; const t = setTimeout(w, Math.min(left, 200)); this.waiters.add(w); });
    }
  }
  messagesOf(channelId, { by, deleted } = {}) {
    const list = channelId ? [this.channels.get(String(channelId))].filter(Boolean) : [...this.channels.values()];
    return list.flatMap(c => [...c.messages.values()].filter(m => deleted || !m.deleted).map(m => this.visible(c, m))).filter(m => !by || m.by === by);
  }
  once({ channel_id, texts, match = 'equal', allow_extra = true }) {
    const shown = this.messagesOf(channel_id, { by: 'bot' });
    const groups = new Map();
    for (const m of shown) { const k = `${m.channel_id}|${m.content}|${m.attachments.map(a => a.sha256).join()}`; groups.set(k, [...(groups.get(k) ?? []), m.id]); }
    const repeated = [...groups].filter(([, v]) => v.length > 1).map(([key, ids]) => ({ key, message_ids: ids }));
    if (!texts) return { ok: !repeated.length, repeated, total: shown.length };
    const hit = (m, t) => (match === 'contains' ? m.content.includes(t) : m.content === t);
    const rows = texts.map(t => ({ text: t, times: shown.filter(m => hit(m, t)).length }));
    const missing = rows.filter(r => !r.times).map(r => r.text), duplicated = rows.filter(r => r.times > 1), extra = shown.filter(m => !texts.some(t => hit(m, t))).map(m => m.content);
    return { ok: !missing.length && !duplicated.length && (allow_extra || !extra.length), missing, duplicated, extra, total: shown.length };
  }
  async onControl(req, res) {
    const url = new URL(req.url, 'http://lab');
    const send = (status, body) => { const b = Buffer.from(JSON.stringify(body, (k, v) => (v instanceof Set ? [...v] : v))); res.writeHead(status, { 'content-type': 'application/json', 'content-length': b.length }); res.end(b); };
    try {
      const chunks = [];
      for await (const c of req) chunks.push(c);
      const raw = Buffer.concat(chunks);
      send(200, await this.control(req.method, url.pathname, raw.length ? JSON.parse(raw.toString('utf8')) : {}, Object.fromEntries(url.searchParams)));
    } catch (e) { send(e.status ?? 400, { error: e.message }); }
  }
  live() { return [...this.connections].filter(c => c.session); }
  async control(verb, path, p, g) {
    const m = /^\/inject\/([a-z_]+)$/.exec(path);
    if (m) return this.inject(m[1], p);
    switch (path) {
      case '/': return { name: 'discord-lab', inject: ['message', 'edit', 'delete', 'reaction', 'typing', 'thread', 'interaction', 'guild', 'guild_delete', 'member_add', 'raw'],
        gateway: ['/gateway/op7', '/gateway/invalid', '/gateway/kill', '/gateway/close', '/gateway/heartbeat', '/gateway/set', '/gateway/log', '/gateway/sessions'],
        paths: ['/config', '/reset', '/world', '/user', '/channel', '/guild', '/token', '/faults', '/calls', '/messages', '/check/once', '/typing', '/interactions', '/commands', '/cdn', '/wait/messages', '/wait/calls', '/wait/gateway'] };
      case '/config': if (verb === 'POST') { merge(this.config, p); this.buckets.clear(); this.globalHits = []; if (p.identifyTotal !== undefined) this.identifyRemaining = p.identifyTotal; } return this.config;
      case '/reset': this.reset(); return { ok: true };
      case '/world': return { bot_id: this.botId, application_id: this.appId, users: [...this.users.values()], guilds: [...this.guilds.values()].map(x => ({ id: x.id, name: x.name, channels: [...x.channels], members: [...x.members.keys()] })), channels: [...this.channels.values()].map(c => ({ id: c.id, type: c.type, name: c.name, guild_id: c.guild_id, parent_id: c.parent_id, deny: c.deny })) };
      case '/user': return this.user(p);
      case '/dm': return this.channelJson(this.dm(p.user_id));
      case '/channel': { const c = this.channel(p); return { ...this.channelJson(c), deny: c.deny }; }
      case '/guild': { const x = this.guild(p); return { id: x.id }; }
      case '/token': if (p.revoke) { this.tokens.delete(p.revoke); for (const c of this.live()) this.closeConn(c, 4004); } if (p.add) this.tokens.add(p.add); return { tokens: this.tokens.size };
      case '/faults': if (verb === 'DELETE') this.faults = []; else if (verb === 'POST') this.faults.push(...[].concat(p).map(f => ({ count: 1, skip: 0, ...f }))); return this.faults;
      case '/calls': if (verb === 'DELETE') { this.calls = []; return []; } return this.calls.filter(c => (!g.method || c.method === g.method) && (!g.path || new RegExp(g.path).test(c.path)) && (!g.after || c.n > Number(g.after)));
      case '/messages': return this.messagesOf(g.channel_id, { by: g.by, deleted: g.deleted === 'true' });
      case '/check/once': return this.once(verb === 'POST' ? p : { channel_id: g.channel_id });
      case '/typing': return this.typing;
      case '/interactions': return [...this.interactions.values()].map(i => ({ ...i, ms: i.acked ? i.acked - i.t : undefined }));
      case '/commands': return { global: this.commands.global, guild: Object.fromEntries(this.commands.guild) };
      case '/cdn': return this.cdnLog;
      case '/injected': return this.injected;
      case '/limits': return { invalid: this.invalidHits.length, banned_ms: Math.max(0, this.bannedUntil - Date.now()), identify_remaining: this.identifyRemaining };
      case '/gateway/log': return this.gatewayLog.filter(e => (!g.dir || e.dir === g.dir) && (!g.op || e.op === Number(g.op)) && (!g.t || e.t === g.t));
      case '/gateway/sessions': return [...this.sessions.values()].map(s => ({ id: s.id, seq: s.seq, acked: s.acked, connected: !!s.conn, intents: s.intents, shard: s.shard, resumed: s.resumed ?? 0, presence: s.presence, properties: s.properties, via_resume_url: s.conn?.resumeUrl ?? null }));
      case '/gateway/set': merge(this.gw, p); return this.gw;
      case '/gateway/op7': for (const c of this.live()) { this.sendTo(c, { t: null, s: null, op: 7, d: null }); } return { sent: this.live().length };
      case '/gateway/invalid': { const l = this.live(); for (const c of l) { const s = c.session; if (!p.resumable) { this.sessions.delete(s.id); s.dead = true; } this.sendTo(c, { t: null, s: null, op: 9, d: !!p.resumable }); s.conn = null; s.lostAt = Date.now(); c.session = null; } return { sent: l.length }; }
      case '/gateway/kill': { const l = [...this.connections]; for (const c of l) { c.killed = true; this.closeConn(c, 'reset'); } return { killed: l.length }; }
      case '/gateway/close': { const l = [...this.connections]; for (const c of l) { if (p.drop_session && c.session) { c.session.dead = true; this.sessions.delete(c.session.id); } this.closeConn(c, p.code ?? 4000); } return { closed: l.length }; }
      case '/gateway/heartbeat': for (const c of this.live()) this.sendTo(c, { t: null, s: null, op: 1, d: null }); return { ok: true };
      case '/wait/messages': { const n = Number(g.count ?? 1); const r = await this.waitFor(() => { const l = this.messagesOf(g.channel_id, { by: 'bot' }).filter(x => !g.contains || x.content.includes(g.contains)); return l.length >= n ? l : null; }, Number(g.timeout_ms ?? 5000)); if (!r) throw Object.assign(new Error('timed out'), { status: 408 }); return r; }
      case '/wait/calls': { const n = Number(g.count ?? 1), re = new RegExp(g.path ?? '.'); const r = await this.waitFor(() => { const l = this.calls.filter(c => c.status !== undefined && (!g.method || c.method === g.method) && re.test(c.path) && c.n > Number(g.after ?? 0)); return l.length >= n ? l : null; }, Number(g.timeout_ms ?? 5000)); if (!r) throw Object.assign(new Error('timed out'), { status: 408 }); return r; }
      case '/wait/gateway': { const n = Number(g.count ?? 1); const r = await this.waitFor(() => { const l = this.gatewayLog.filter(e => (!g.dir || e.dir === g.dir) && (!g.op || e.op === Number(g.op)) && (!g.t || e.t === g.t)); return l.length >= n ? l : null; }, Number(g.timeout_ms ?? 5000)); if (!r) throw Object.assign(new Error('timed out'), { status: 408 }); return r; }
      default: throw Object.assign(new Error(`no control path ${path}`), { status: 404 });
    }
  }

  async start(port = 0, controlPort = 0, resumePort = 0) {
    const listen = (h, p) => new Promise((resolve, reject) => {
      const s = http.createServer((req, res) => { h.call(this, req, res).catch(e => { process.stderr.write(`lab error: ${e.stack}\n`); res.destroy(); }); });
      s.keepAliveTimeout = 60000;
      s.on('error', reject);
      s.listen(p, HOST, () => resolve(s));
    });
    this.api = await listen(async (q, s) => this.onHttp(q, s), port);
    this.ctl = await listen(this.onControl, controlPort);
    this.wss = new WebSocketServer({ noServer: true, maxPayload: 1 << 20 });
    this.resumeServer = await listen(async (q, r) => this.onHttp(q, r), resumePort);
    const upgrade = (req, socket, head) => {
      socket.on('error', () => {});
      if (this.gw.refuse > 0) {
        this.gw.refuse--;
        this.glog({ dir: 'refused' });
        if (this.gw.refuseStatus === 'reset') return hardReset(socket);
        if (this.gw.refuseStatus === 'hang') return undefined;
        return socket.end(`HTTP/1.1 ${this.gw.refuseStatus} ${http.STATUS_CODES[this.gw.refuseStatus] ?? 'Refused'}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      }
      return this.wss.handleUpgrade(req, socket, head, ws => this.onGateway(ws, req));
    };
    this.api.on('upgrade', upgrade);
    this.resumeServer.on('upgrade', upgrade);
    this.resumePort = this.resumeServer.address().port;
    this.resumeUrl = `ws://${HOST}:${this.resumePort}`;
    this.apiUrl = `http://${HOST}:${this.api.address().port}`;
    this.gatewayUrl = `ws://${HOST}:${this.api.address().port}`;
    this.controlUrl = `http://${HOST}:${this.ctl.address().port}`;
    return this;
  }
  async stop() {
    for (const c of this.connections) c.ws.terminate();
    const all = [this.api, this.ctl, this.resumeServer];
    await Promise.all(all.map(s => { s.closeAllConnections(); return new Promise(r => s.close(r)); }));
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  const opt = {};
  for (let i = 2; i < process.argv.length; i += 2) opt[process.argv[i].replace(/^--/, '')] = process.argv[i + 1];
  const config = opt.config ? JSON.parse(fs.readFileSync(opt.config, 'utf8')) : {};
  if (opt.token) config.token = opt.token;
  const lab = await new DiscordLab(config).start(Number(opt.port ?? 8091), Number(opt['control-port'] ?? 8092), Number(opt['resume-port'] ?? 0));
  process.stdout.write(JSON.stringify({ api: lab.apiUrl + '/api', gateway: lab.gatewayUrl, resume: lab.resumeUrl, control: lab.controlUrl, token: lab.token, bot_id: lab.botId }) + '\n');
  if (opt['end-with-stdin'] === 'yes') process.stdin.resume().on('end', () => process.exit(0)).on('error', () => process.exit(0));
  for (const s of ['SIGINT', 'SIGTERM']) process.on(s, () => lab.stop().then(() => process.exit(0)));
}
