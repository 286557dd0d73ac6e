// Discord for crash runs: the lab's gateway and REST API, one direct-message channel for each person. See telegram.mjs
// for what a platform exports.
export class Discord {
  name = 'discord';
  channel = 'discord';
  duplicates = 'never'; // nonces are enforced, and what is older is compared with what the channel shows

  async start(world, chats) {
    this.people = Array.from({ length: chats }, (_, i) => String(910000000000001000n + BigInt(i)));
    await world.startDiscord();
    this.lab = world.discord;
    // Acknowledged sequences tell what the gateway still has to take; the service's own 41 s would make a run wait.
    await this.lab.control('/config', { heartbeatMs: 5000 });
    this.rooms = [];
    for (const id of this.people) this.rooms.push((await this.lab.control('/dm', { user_id: id })).id);
  }

  config() {
    const { token, api, gateways } = this.lab;
    return ['[channels.discord]', `token = ${JSON.stringify(token)}`, `apiRoot = ${JSON.stringify(api)}`,
      `gatewayRoots = ${JSON.stringify(gateways)}`, 'dmPolicy = "allowlist"', `allowFrom = ${JSON.stringify(this.people)}`,
      'replyToMode = "all"'];
  }

  connected() {
    return this.lab.connected();
  }

  async write(chat, text) {
    const answer = await this.lab.control('/inject/message', { user_id: this.people[chat], content: text, dm: true });
    return String(answer.message_id ?? answer.id);
  }

  chatOf(conversation) {
    return this.rooms.indexOf(String(conversation));
  }

  async seen() {
    const all = await this.lab.control('/messages?by=bot');
    return all.map((m) => ({ chat: this.chatOf(m.channel_id), messageId: m.id, text: m.content, replyTo: m.reply_to ?? undefined }))
      .sort((a, b) => a.chat - b.chat || (BigInt(a.messageId) < BigInt(b.messageId) ? -1 : 1));
  }

  otherAccount(n) {
    return `[channels.discord.accounts.other]\ntoken = "of-no-bot"\ntextChunkLimit = ${1000 + n}`;
  }

  async disturbances() {
    const connections = await this.lab.control('/gateway/log?dir=connect');
    return connections.slice(1).map(() => 'Discord: the account connected anew');
  }

  async pending() {
    const session = (await this.lab.control('/gateway/sessions')).find((s) => s.connected);
    return session ? session.seq - session.acked : 1;
  }
}

export default Discord;
