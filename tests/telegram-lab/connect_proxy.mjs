// A CONNECT proxy for tests, on loopback only. Every name leads to 127.0.0.1, so that what it reaches by name was reached
// through it. GET /log: the names that were asked for.
//
//     node connect_proxy.mjs [--end-with-stdin yes]
//
// The first line of output is JSON with `address` (host:port).
import http from 'node:http';
import net from 'node:net';

const asked = [];
const server = http.createServer((req, res) => {
  if (req.method === 'GET' && req.url === '/log') return res.end(JSON.stringify(asked));
  asked.push({ plain: req.url });
  res.statusCode = 405;
  res.end();
});
server.on('connect', (req, client, head) => {
  const credentials = req.headers['proxy-authorization'];
  asked.push({ host: req.url, ...(credentials ? { user: Buffer.from(credentials.slice(6), 'base64').toString().split(':')[0] } : {}) });
  const upstream = net.connect(Number(req.url.slice(req.url.lastIndexOf(':') + 1)), '127.0.0.1', () => {
    client.write('HTTP/1.1 200 Connection established\r\nx-from: proxy\r\n\r\n');
    upstream.write(head);
    upstream.pipe(client).pipe(upstream);
  });
  for (const socket of [client, upstream]) socket.on('error', () => { client.destroy(); upstream.destroy(); });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ address: `127.0.0.1:${server.address().port}` })));
if (process.argv.includes('--end-with-stdin')) process.stdin.on('end', () => process.exit()).resume();
