// A backend on the npm package `ocpp-rpc` in strict mode: every message of either side is held against its schemas.
//
// node ocpp_rpc_backend.mjs FOLDER IDENTITY PASSWORD
//
// FOLDER holds node_modules. It listens on a free port of 127.0.0.1 and says what happens on stdout, one JSON object a
// line: {port}, {connected}, {closed}, {frame, direction, connection}, {complaint}, {answer, result | error}.
// It is told what to ask on stdin: {ask, action, payload}; the end of stdin is the end of it.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [folder, identity, password] = process.argv.slice(2);
const { RPCServer } = createRequire(`${folder}/`)('ocpp-rpc');

const PING_MS = 2000;
const FIRST_TRANSACTION_ID = 7000;

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const complain = (kind, error) => say({ complaint: `${kind}: ${error?.message ?? error}` });
const accepted = () => ({ idTagInfo: { status: 'Accepted' } });

let station = null;
let connections = 0;
let transactions = FIRST_TRANSACTION_ID;
const started = new Map();

const transactionId = (messageId) => {
  if (!started.has(messageId)) started.set(messageId, transactions++);
  return started.get(messageId);
};

const ANSWERS = {
  BootNotification: () => ({ status: 'Accepted', currentTime: new Date().toISOString(), interval: 300 }),
  Heartbeat: () => ({ currentTime: new Date().toISOString() }),
  StatusNotification: () => ({}),
  Authorize: accepted,
  StartTransaction: ({ messageId }) => ({ transactionId: transactionId(messageId), ...accepted() }),
  MeterValues: () => ({}),
  StopTransaction: accepted,
  DataTransfer: () => ({ status: 'UnknownVendorId' }),
  SecurityEventNotification: () => ({}),
};

const server = new RPCServer({ protocols: ['ocpp1.6'], strictMode: true, pingIntervalMs: PING_MS });

server.auth((accept, reject, { identity: name, password: given }) => {
  if (name === identity && given?.toString() === password) return accept();
  complain('handshake', `${name} with ${given === undefined ? 'no password' : 'a wrong password'}`);
  return reject(401);
});

server.on('upgradeAborted', ({ error }) => complain('upgradeAborted', error));

server.on('client', (client) => {
  const connection = ++connections;
  station = client;
  say({ connected: connection });
  client.on('message', ({ message, outbound }) =>
    say({ frame: String(message), direction: outbound ? 'out' : 'in', connection }));
  client.on('strictValidationFailure', ({ method, outbound, isCall, error }) =>
    complain('strictValidationFailure', `${outbound ? 'our' : 'their'} ${method} ${isCall ? 'request' : 'answer'}: ${error.message}`));
  client.on('badMessage', ({ error }) => complain('badMessage', error));
  client.on('callError', ({ method, error }) => complain(`callError ${method}`, error));
  client.on('socketError', (error) => complain('socketError', error));
  client.on('close', () => {
    if (station === client) station = null;
    say({ closed: connection });
  });
  for (const [action, answer] of Object.entries(ANSWERS)) client.handle(action, answer);
});

const ask = async ({ ask: number, action, payload }) => {
  try {
    if (station === null) throw new Error('no station is connected');
    say({ answer: number, result: await station.call(action, payload) });
  } catch (error) {
    say({ answer: number, error: error.rpcErrorCode ?? error.message });
  }
};

const http = await server.listen(0, '127.0.0.1');
say({ port: http.address().port });

const orders = createInterface({ input: process.stdin });
orders.on('line', (line) => ask(JSON.parse(line)));
orders.on('close', async () => {
  await server.close({ force: true });
  process.exit(0);
});
