import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { postWebhook, type WebhookMessage, webhookUrl } from './webhook.ts';

interface Got {
  method: string;
  path: string;
  type: string;
  body: unknown;
}

let server: Server;
let got: Got[];
/** Status and location of the answers, one after the other; the last one stays. */
let answers: [status: number, location?: string][];

beforeEach(async () => {
  got = [];
  answers = [[200]];
  server = createServer((request, response) => {
    void read(request).then((body) => {
      got.push({
        method: request.method ?? '',
        path: request.url ?? '',
        type: String(request.headers['content-type']),
        body,
      });
      const [status, location] = answers.length > 1 ? answers.shift()! : answers[0]!;
      if (status === 0) return;
      response.writeHead(status, location === undefined ? {} : { location }).end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function read(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const part of request) text += part;
  return JSON.parse(text);
}

const address = (path = '/hook'): URL =>
  new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);

const MESSAGE: WebhookMessage = {
  version: 1,
  event: 'trip',
  text: 'Claude Code is paused: cost $5.02 passed your limit of $5.00.',
  agent: 'Claude Code',
  project: 'payments-api',
  rule: 'budget',
  action: 'pause',
  detail: 'cost $5.02 is over $5.00',
  line: 'prevent',
  at: '2026-11-26T04:00:00.000Z',
};
const QUICK = { waitsMs: [1, 1], timeoutMs: 400 };

describe('the message', () => {
  test('arrives as JSON, with a text', async () => {
    expect(await postWebhook(address(), MESSAGE, QUICK)).toBeUndefined();
    expect(got).toEqual([
      {
        method: 'POST',
        path: '/hook',
        type: 'application/json; charset=utf-8',
        body: MESSAGE,
      },
    ]);
  });

  test('is sent again where the other side fails, thrice at most', async () => {
    answers = [[503], [429], [200]];
    expect(await postWebhook(address(), MESSAGE, QUICK)).toBeUndefined();
    expect(got).toHaveLength(3);
    got = [];
    answers = [[500]];
    expect(await postWebhook(address(), MESSAGE, QUICK)).toMatch(/answered 500$/);
    expect(got).toHaveLength(3);
  });

  test('is not sent again where it is refused', async () => {
    answers = [[404]];
    expect(await postWebhook(address(), MESSAGE, QUICK)).toMatch(/answered 404$/);
    expect(got).toHaveLength(1);
  });

  test('follows no redirect', async () => {
    answers = [[307, address('/elsewhere').href], [200]];
    expect(await postWebhook(address(), MESSAGE, QUICK)).toMatch(/answered 307$/);
    expect(got.map(({ path }) => path)).toEqual(['/hook']);
  });

  test('waits for nobody for ever, and does not tell the address', async () => {
    answers = [[0]];
    const problem = await postWebhook(address('/secret-token'), MESSAGE, QUICK);
    expect(problem).toMatch(/could not be reached \(TimeoutError\)$/);
    expect(problem).not.toContain('secret-token');
    expect(got).toHaveLength(3);
  });
});

test.each([
  ['https://hooks.example.com/x', true],
  ['http://localhost:8080/x', true],
  ['http://127.0.0.1/x', true],
  ['http://example.com/x', false],
  ['http://127.0.0.1.example.com/x', false],
  ['file:///etc/passwd', false],
  ['hooks.example.com', false],
])('%s', (text, good) => {
  expect('url' in webhookUrl(text)).toBe(good);
});
