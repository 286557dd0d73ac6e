// The scripted model of a crash run: an OpenAI-compatible server whose answer follows from the message alone, so that a
// run that is resumed gets the same one. It answers `re:<id>`; every third message first asks for a tool, every fifth is
// told in pieces, so that it is shown as a growing draft.
import http from 'node:http';

// The text of message `id`, and the id of a text (people's messages reach the model behind "[Mon 2026-11-23 06:34 UTC] ").
export const textOf = (id) => `msg-${id} please`;
export const idOf = (text) => /^(?:\[[^\]]*\] )?msg-(\d+) please/.exec(text)?.[1];
export const usesTool = (id) => id % 3 === 0;
export const isTold = (id) => id % 5 === 1;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function plain(message) {
  if (typeof message.content === 'string') return message.content;
  return (message.content ?? []).map((part) => part.text ?? '').join('');
}

// What a request is about: the person's last message, how often the conversation holds it, what tools answered since.
export function facts(body) {
  const messages = body.messages ?? [];
  const last = messages.findLastIndex((m) => m.role === 'user');
  const id = last < 0 ? undefined : idOf(plain(messages[last]));
  if (id === undefined) return {}; // a summary of an older part of the conversation
  const copies = messages.filter((m) => m.role === 'user' && idOf(plain(m)) === id).length;
  const toolResults = messages.slice(last + 1).filter((m) => m.role === 'tool').length;
  return { id, copies, toolResults };
}

export class Model {
  // `random(id)` is in [0, 1); `toolLog` is a file that gets a line from every tool that runs; `life()` numbers the
  // gateway's processes.
  constructor({ random, toolLog, life }) {
    Object.assign(this, { random, toolLog, life });
    this.requests = []; // {id, copies, toolResults, life, at}
  }

  async start() {
    this.server = http.createServer((request, response) => this.serve(request, response).catch(() => response.destroy()));
    this.server.keepAliveTimeout = 60000;
    this.server.listen(0, '127.0.0.1');
    await new Promise((r) => this.server.once('listening', r));
    this.port = this.server.address().port;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }

  async serve(request, response) {
    if (!request.url.endsWith('/chat/completions')) {
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.end(JSON.stringify({ object: 'list', data: [{ id: 'mock-1', object: 'model' }] }));
    }
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const about = facts(JSON.parse(Buffer.concat(pieces).toString('utf8')));
    this.requests.push({ ...about, life: this.life(), at: Date.now() });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const send = (delta, finish = null) => response.write('data: ' + JSON.stringify({
      id: 'c', object: 'chat.completion.chunk', created: 1, model: 'mock-1', choices: [{ index: 0, delta, finish_reason: finish }] }) + '\n\n');
    await this.answer(about, send, () => response.destroyed);
    response.end('data: [DONE]\n\n');
  }

  async answer({ id, toolResults }, send, isGone) {
    if (id === undefined) {
      send({ content: 'Earlier: small talk.' });
      return send({}, 'stop');
    }
    await sleep(5 + 195 * this.random(id));
    if (isGone()) return;
    if (usesTool(id) && toolResults === 0) {
      const command = `echo ${id} >> '${this.toolLog}'`;
      send({ tool_calls: [{ index: 0, id: `call_${id}`, type: 'function', function: { name: 'exec', arguments: JSON.stringify({ command }) } }] });
      return send({}, 'tool_calls');
    }
    send({ content: `re:${id}` });
    if (isTold(id)) {
      for (let i = 0; i < 4 && !isGone(); ++i) {
        send({ content: ` and here is one more piece of it` });
        await sleep(100);
      }
    }
    send({}, 'stop');
  }
}
