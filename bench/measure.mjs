// bench/measure.mjs BUILD SECONDS: see run.sh. Ratios matter more than figures: they come from one machine in one run.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync, chmodSync, existsSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const [build, secondsText] = process.argv.slice(2);
const seconds = Number(secondsText);
const binary = path.resolve(build, 'bin/openclaw');
const dir = mkdtempSync(path.join(tmpdir(), 'openclaw-bench-'));
chmodSync(dir, 0o755);
const state = path.join(dir, 'state');
mkdirSync(state, { mode: 0o700 });
const token = 'bench-token-0123456789abcdef0123456789abcdef';
const say = (text) => process.stderr.write(`${text}\n`);
const quantile = (list, q) => list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * q))];
const round = (x, digits = 3) => Number(x.toFixed(digits));

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((r) => server.once('listening', r));
  const { port } = server.address();
  await new Promise((r) => server.close(r));
  return port;
}

// What Telegram says to a bot nobody writes to: its polls wait.
function quietTelegram(req, res) {
  if (req.url.includes('getUpdates')) return;
  const result = req.url.includes('getMe') ? { id: 1, is_bot: true, first_name: 'bench', username: 'bench_bot' }
    : req.url.includes('getWebhookInfo') ? { url: '' } : true;
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify({ ok: true, result }));
}

// An instant model: one SSE answer, written at once. With a message "tool:" it asks for one exec first.
function instantModel() {
  const server = http.createServer((req, res) => {
    let body = '';
    req.on('data', (d) => (body += d));
    req.on('end', () => {
      if (req.url.startsWith('/bot')) return quietTelegram(req, res);
      if (req.method === 'GET') return res.end(JSON.stringify({ data: [{ id: 'instant' }] }));
      const { messages } = JSON.parse(body);
      const last = messages[messages.length - 1];
      const text = typeof last.content === 'string' ? last.content : JSON.stringify(last.content);
      const delta = last.role === 'user' && text.includes('tool:')
        ? { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'exec', arguments: '{"command":"true"}' } }] }
        : { content: 'ok' };
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.end(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { role: 'assistant', ...delta } }] })}\n\n` +
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: delta.content ? 'stop' : 'tool_calls' }], usage: { prompt_tokens: 1, completion_tokens: 1 } })}\n\n` +
        'data: [DONE]\n\n');
    });
  });
  return new Promise((r) => server.listen(0, '127.0.0.1', () => r(server)));
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
function request(port, method, pathname, body) {
  const started = process.hrtime.bigint();
  return new Promise((resolve, reject) => {
    const text = body ? JSON.stringify(body) : undefined;
    const req = http.request({ port, host: '127.0.0.1', method, path: pathname, agent,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...(text ? { 'content-length': Buffer.byteLength(text) } : {}) } }, (res) => {
      let out = '';
      res.on('data', (d) => (out += d));
      res.on('end', () => resolve({ status: res.statusCode, out, ms: Number(process.hrtime.bigint() - started) / 1e6 }));
    });
    req.on('error', reject);
    req.end(text);
  });
}

async function waitReady(port, limitMs) {
  const end = Date.now() + limitMs;
  for (;;) {
    const ready = await new Promise((r) => {
      const req = http.request({ port, host: '127.0.0.1', path: '/readyz', agent: false }, (res) => { res.resume(); r(res.statusCode === 200); });
      req.on('error', () => r(false));
      req.end();
    });
    if (ready) return true;
    if (Date.now() > end) return false;
    await new Promise((r) => setTimeout(r, 0));
  }
}

const gateways = new Set();
function startGateway(port) {
  const child = spawn(binary, ['gateway', 'run', '--allow-unconfigured'], { stdio: 'ignore',
    env: { PATH: process.env.PATH, HOME: dir, OPENCLAW_STATE_DIR: state, OPENCLAW_GATEWAY_PORT: String(port) } });
  gateways.add(child);
  child.once('exit', () => gateways.delete(child));
  return child;
}
async function stopGateway(child) {
  const gone = new Promise((r) => child.once('exit', r));
  child.kill('SIGTERM');
  await gone;
}

function wrk(port, pathname, connections, script) {
  const args = ['-t2', `-c${connections}`, `-d${seconds}s`, '--latency'];
  if (script) args.push('-s', script);
  const out = execFileSync('wrk', [...args, `http://127.0.0.1:${port}${pathname}`], { encoding: 'utf8' });
  const ms = (text) => (text.endsWith('us') ? parseFloat(text) / 1000 : text.endsWith('ms') ? parseFloat(text) : parseFloat(text) * 1000);
  return { per_second: Math.round(Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1])), p50_ms: round(ms(/50%\s+(\S+)/.exec(out)[1])),
    p99_ms: round(ms(/99%\s+(\S+)/.exec(out)[1])), errors: Number(/Non-2xx or 3xx responses: (\d+)/.exec(out)?.[1] ?? 0) };
}

function cliMs(port, args) {
  const times = [];
  for (let i = 0; i < 30; i++) {
    const started = process.hrtime.bigint();
    const done = spawnSync(binary, args, { env: { PATH: process.env.PATH, HOME: dir, OPENCLAW_STATE_DIR: state, OPENCLAW_GATEWAY_PORT: String(port) } });
    times.push(Number(process.hrtime.bigint() - started) / 1e6);
    if (done.status !== 0) throw new Error(`${args.join(' ')}: ${done.stderr}`);
  }
  return { p50_ms: round(quantile(times, 0.5), 2), p99_ms: round(quantile(times, 0.99), 2) };
}

function memory(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kb = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)[1]);
  return { rss_mib: round(kb('Rss') / 1024, 1), pss_mib: round(kb('Pss') / 1024, 1) };
}

const result = { machine: { cpus: (await import('node:os')).cpus().length } };
const model = await instantModel();
const modelPort = model.address().port;
const dockerUp = existsSync('/var/run/docker.sock') &&
  spawnSync('docker', ['image', 'inspect', 'openclaw-sandbox:bookworm-slim'], { stdio: 'ignore' }).status === 0;
const config = (sandbox) => `
[gateway]
mode = "local"
[gateway.auth]
mode = "token"
token = "${token}"
[gateway.http.endpoints.chatCompletions]
enabled = true
[agents.defaults]
model = "bench/instant"
[agents.defaults.sandbox]
mode = "${sandbox}"
[models.providers.bench]
api = "openai-completions"
baseUrl = "http://127.0.0.1:${modelPort}/v1"
apiKey = "bench"
models = [{ id = "instant", name = "instant", contextWindow = 100000 }]
[models.providers.other]
api = "anthropic-messages"
baseUrl = "http://127.0.0.1:${modelPort}"
apiKey = "bench"
models = [{ id = "other", name = "other" }]
[channels.telegram]
botToken = "1:bench"
apiRoot = "http://127.0.0.1:${modelPort}"
`;
try {
  const port = await freePort();
  writeFileSync(path.join(state, 'openclaw.toml'), config('off'), { mode: 0o600 });

  say('start to /readyz');
  const starts = [];
  for (let i = 0; i < 10; i++) {
    const started = process.hrtime.bigint();
    const child = startGateway(port);
    if (!(await waitReady(port, 5000))) throw new Error('the gateway did not become ready');
    starts.push(Number(process.hrtime.bigint() - started) / 1e6);
    await stopGateway(child);
  }
  result.start_to_readyz = { p50_ms: round(quantile(starts, 0.5), 2), max_ms: round(Math.max(...starts), 2) };

  const gateway = startGateway(port);
  await waitReady(port, 5000);
  const turn = (text, user = 'bench') => request(port, 'POST', '/v1/chat/completions', { model: 'openclaw', user, messages: [{ role: 'user', content: text }] });
  await turn('hello'); // loads the model plugin
  result.idle = memory(gateway.pid);

  say('CLI');
  result.cli_version = cliMs(port, ['--version']);
  result.cli_health = cliMs(port, ['health']);

  say('HTTP throughput');
  result.healthz_16 = wrk(port, '/healthz', 16);
  const script = path.join(dir, 'invoke.lua');
  writeFileSync(script, `wrk.method = "POST"\nwrk.headers["Authorization"] = "Bearer ${token}"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = '{"tool":"session_status","args":{}}'\n`);
  result.tools_invoke_16 = wrk(port, '/tools/invoke', 16, script);

  say('added latency of a turn');
  const direct = [], through = [];
  for (let i = 0; i < 200; i++) {
    direct.push((await request(modelPort, 'POST', '/v1/chat/completions', { stream: true, messages: [{ role: 'user', content: 'x' }] })).ms);
    const answer = await turn('x');
    if (answer.status !== 200) throw new Error(answer.out);
    through.push(answer.ms);
  }
  result.turn = { direct_p50_ms: round(quantile(direct, 0.5)), through_p50_ms: round(quantile(through, 0.5)),
    added_p50_ms: round(quantile(through, 0.5) - quantile(direct, 0.5)), through_p99_ms: round(quantile(through, 0.99)) };
  await stopGateway(gateway);

  if (dockerUp) {
    say('sandboxed exec');
    writeFileSync(path.join(state, 'openclaw.toml'), config('all'), { mode: 0o600 });
    const boxed = startGateway(port);
    await waitReady(port, 5000);
    // A conversation of its own: the one above has hundreds of messages by now, which every request carries.
    const first = (await turn('tool: first', 'boxed')).ms;
    const steps = [], plain = [];
    for (let i = 0; i < 20; i++) {
      steps.push((await turn('tool: again', 'boxed')).ms);
      plain.push((await turn('x', 'boxed')).ms);
    }
    const docker = [];
    const id = execFileSync('docker', ['ps', '-q', '--filter', 'label=openclaw.sandbox=1', '-n', '1'], { encoding: 'utf8' }).trim();
    for (let i = 0; i < 10; i++) {
      const started = process.hrtime.bigint();
      execFileSync('docker', ['exec', id, 'true']);
      docker.push(Number(process.hrtime.bigint() - started) / 1e6);
    }
    // What one sandboxed command adds to a turn: with the model's second answer, and without the time the model takes for it.
    const step = quantile(steps, 0.5) - quantile(plain, 0.5);
    result.sandbox_exec = { first_turn_ms: round(first, 1), step_p50_ms: round(step, 2), step_without_model_p50_ms: round(step - result.turn.direct_p50_ms, 2),
      docker_cli_exec_p50_ms: round(quantile(docker, 0.5), 2) };
    spawnSync(binary, ['sandbox', 'recreate', '--all', '--force'], { env: { PATH: process.env.PATH, HOME: dir, OPENCLAW_STATE_DIR: state, OPENCLAW_GATEWAY_PORT: String(port) } });
    await stopGateway(boxed);
  }
  const policy = path.resolve(build, 'bench/bench_policy');
  if (existsSync(policy)) Object.assign(result, JSON.parse(execFileSync(policy, { encoding: 'utf8' }).trim().split('\n').pop()));
} finally {
  for (const child of gateways) child.kill('SIGKILL');
  model.closeAllConnections();
  model.close();
  agent.destroy();
  rmSync(dir, { recursive: true, force: true });
}
console.log(JSON.stringify(result));
process.exit(0);
