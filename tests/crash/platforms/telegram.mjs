// Telegram for crash runs: the lab's Bot API server, one private chat for each person.
//
// What a platform is to a run, so that another is one file in this folder:
//   name, channel    its name in the last line, and in channels.db before the slash of `instance`
//   duplicates       "flagged": a copy may be seen when its outbox row says so; "never"
//   start(world, chats)   starts the stub
//   config()         the lines of openclaw.toml
//   connected()      waits until what is written now will come to the bot
//   write(chat, text)     a person writes; answers the id of the message
//   chatOf(id)       the chat of a conversation id
//   seen()           what the chats show in the end: [{chat, messageId, text, replyTo}], oldest first in each chat
//   pending()        events that the gateway has not taken yet
//   otherAccount(n)  lines of openclaw.toml: another account of this channel, which differs with each n
//   disturbances()   what an account that was left alone shows of the others' changes, in words
export class Telegram {
  name = 'telegram';
  channel = 'telegram';
  duplicates = 'flagged';

  async start(world, chats) {
    this.people = Array.from({ length: chats }, (_, i) => 1001 + i);
    await world.startTelegram();
    this.lab = world.telegram;
    for (const id of this.people) await this.lab.control('/user', { id, first_name: `P${id}`, started: true });
    this.other = (await this.lab.control('/bot', { token: `7000002:${'o'.repeat(35)}`, username: 'other_bot' })).token;
  }

  config() {
    return ['[channels.telegram]', `botToken = ${JSON.stringify(this.lab.token)}`, `apiRoot = ${JSON.stringify(this.lab.api)}`,
      'dmPolicy = "allowlist"', `allowFrom = ${JSON.stringify(this.people.map(String))}`, 'replyToMode = "all"'];
  }

  async connected() {} // what nobody has asked for is kept

  async write(chat, text) {
    const answer = await this.lab.write(text, this.people[chat]);
    return String(answer.message_id ?? answer.message?.message_id);
  }

  chatOf(conversation) {
    return this.people.indexOf(Number(conversation));
  }

  async seen() {
    const all = await this.lab.control('/messages?by=bot');
    return all.map((m) => ({ chat: this.chatOf(m.chat_id), messageId: m.message_id, text: m.text,
      replyTo: m.reply_to === undefined ? undefined : String(m.reply_to) }))
      .sort((a, b) => a.chat - b.chat || a.messageId - b.messageId);
  }

  otherAccount(n) {
    return `[channels.telegram.accounts.other]\nbotToken = ${JSON.stringify(this.other)}\ntextChunkLimit = ${1000 + n}`;
  }

  // A poll that is begun while another is open would be refused.
  async disturbances() {
    const bot = Number(this.lab.token.split(':')[0]);
    const calls = (await this.lab.control('/calls')).filter((call) => call.bot === bot);
    return [...calls.filter((call) => call.status === 409).map((call) => `Telegram: ${call.method} met another reader`),
      ...calls.filter((call) => call.method.toLowerCase() === 'getme').slice(1).map(() => 'Telegram: the account was started again')];
  }

  async pending() {
    return (await this.lab.control('/updates')).pending.length;
  }
}

export default Telegram;
