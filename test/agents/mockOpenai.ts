import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import * as zlib from 'node:zlib';

/** What the model answers with. */
export type OpenaiBlock =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | { type: 'call'; name: string; namespace?: string; input: Record<string, unknown> }
  /** A tool that takes a text instead of JSON. */
  | { type: 'custom'; name: string; input: string };

/** Tokens of one answer, by the field names of the Responses API. */
export interface OpenaiUsage {
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
}

/** One answer of the model. */
export interface OpenaiStep {
  blocks: OpenaiBlock[];
  /** What differs from {@link defaultOpenaiUsage}. */
  usage?: Partial<OpenaiUsage>;
  /** ms before the answer begins. */
  delay?: number;
  /** The answer does not begin before this settles. */
  gate?: () => Promise<unknown>;
  /** Answers with this HTTP error instead of the blocks. */
  error?: { status: number; message: string };
}

/**
 * The model's answers, by script: `main` for a prompt without a marker, any other where the prompt says
 * `SCENARIO:name`. After the last step the model says `done`.
 */
export type OpenaiScenario = Record<string, (OpenaiStep | OpenaiBlock[])[]>;

/** An answer that was given. */
export interface OpenaiAnswer {
  model: string;
  scenario: string;
  step: number;
  responseId: string;
  callIds: string[];
  usage: OpenaiUsage;
}

interface Item {
  type?: string;
  role?: string;
  content?: string | { text?: string }[];
}

export const says = (text: string): OpenaiBlock => ({ type: 'text', text });
export const thinks = (text: string): OpenaiBlock => ({ type: 'reasoning', text });
export const calls = (name: string, input: Record<string, unknown>): OpenaiBlock => ({
  type: 'call',
  name,
  input,
});
export const custom = (name: string, input: string): OpenaiBlock => ({
  type: 'custom',
  name,
  input,
});

export const defaultOpenaiUsage = (step: number): OpenaiUsage => ({
  input_tokens: 2000 + 100 * step,
  cached_tokens: 1000 * Math.min(step, 1),
  output_tokens: 50 + step,
  reasoning_tokens: 5,
});

/** The OpenAI Responses API (`POST …/responses`, streamed) on loopback, answering from a script. */
export class MockOpenai {
  readonly answers: OpenaiAnswer[] = [];
  /** The bodies of all requests for an answer, as they were sent. */
  readonly bodies: string[] = [];
  readonly url: string;
  /** Replace it to change what comes next. */
  scenario: OpenaiScenario;
  readonly #server: Server;
  #count = 0;

  private constructor(server: Server, scenario: OpenaiScenario) {
    this.#server = server;
    this.scenario = scenario;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Starts on a free port. */
  static async start(scenario: OpenaiScenario = {}): Promise<MockOpenai> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const mock = new MockOpenai(server, scenario);
    server.on('request', (request, response) => {
      mock.#answer(request, response).catch((error) => response.destroy(error));
    });
    return mock;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const path = (request.url ?? '').split('?')[0] ?? '';
    if (path.endsWith('/models')) return sendJson(response, 200, { object: 'list', data: [] });
    if (request.method !== 'POST' || !path.endsWith('/responses')) {
      return sendJson(response, 404, { error: { message: 'not here' } });
    }
    const sent = unpacked(Buffer.concat(chunks), request);
    this.bodies.push(sent);
    const body = JSON.parse(sent) as {
      model?: string;
      input?: Item[] | string;
    };
    const { name, index, step } = this.#pick(body.input);
    if (step.delay) await sleep(step.delay);
    await step.gate?.();
    if (step.error) {
      return sendJson(response, step.error.status, { error: { message: step.error.message } });
    }
    const nth = ++this.#count;
    const usage = { ...defaultOpenaiUsage(Math.max(index, 0)), ...step.usage };
    const items = step.blocks.map((block, at) => itemOf(block, `${nth}_${at}`));
    const answer: OpenaiAnswer = {
      model: body.model ?? '',
      scenario: name,
      step: index,
      responseId: `resp_mock${nth}`,
      callIds: items.flatMap((item) => ('call_id' in item ? [String(item.call_id)] : [])),
      usage,
    };
    this.answers.push(answer);
    stream(response, answer, items);
  }

  /** The script is the one named last; the step is how often the model has answered since. */
  #pick(input: Item[] | string = []): { name: string; index: number; step: OpenaiStep } {
    const items = typeof input === 'string' ? [{ role: 'user', content: input }] : input;
    let name = 'main';
    let start = 0;
    items.forEach(({ role, content }, at) => {
      const marker = role === 'user' && [...textOf(content).matchAll(/SCENARIO:([\w-]+)/g)].at(-1);
      if (!marker) return;
      name = marker[1] ?? name;
      start = at;
    });
    // One answer is a run of what the model said and asked for.
    let index = 0;
    let answering = false;
    for (const { role, type = '' } of items.slice(start)) {
      const models = role === 'assistant' || /_call$/.test(type) || type === 'reasoning';
      if (models && !answering) index += 1;
      answering = models;
    }
    const step = this.scenario[name]?.[index] ?? [says('done')];
    return { name, index, step: Array.isArray(step) ? { blocks: step } : step };
  }
}

const textOf = (content: Item['content'] = ''): string =>
  typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('\n');

function unpacked(bytes: Buffer, request: IncomingMessage): string {
  const coding = request.headers['content-encoding'];
  if (coding === 'gzip') return zlib.gunzipSync(bytes).toString();
  if (coding === 'zstd') return zlib.zstdDecompressSync(bytes).toString();
  return bytes.toString();
}

function itemOf(block: OpenaiBlock, id: string): Record<string, unknown> {
  switch (block.type) {
    case 'text':
      return {
        type: 'message',
        id: `msg_${id}`,
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: block.text, annotations: [] }],
      };
    case 'reasoning':
      return {
        type: 'reasoning',
        id: `rs_${id}`,
        summary: [{ type: 'summary_text', text: block.text }],
        content: null,
        encrypted_content: null,
      };
    case 'custom':
      return {
        type: 'custom_tool_call',
        id: `ctc_${id}`,
        call_id: `call_${id}`,
        name: block.name,
        input: block.input,
        status: 'completed',
      };
    case 'call':
      return {
        type: 'function_call',
        id: `fc_${id}`,
        call_id: `call_${id}`,
        name: block.name,
        ...(block.namespace !== undefined && { namespace: block.namespace }),
        arguments: JSON.stringify(block.input),
        status: 'completed',
      };
  }
}

function stream(
  response: ServerResponse,
  { responseId: id, model, usage }: OpenaiAnswer,
  items: Record<string, unknown>[],
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let nth = 0;
  const send = (type: string, data: object) =>
    response.write(
      `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: nth++, ...data })}\n\n`,
    );
  const about = { id, object: 'response', model };
  send('response.created', { response: { ...about, status: 'in_progress', output: [] } });
  items.forEach((item, at) => {
    send('response.output_item.added', { output_index: at, item });
    send('response.output_item.done', { output_index: at, item });
  });
  send('response.completed', {
    response: {
      ...about,
      status: 'completed',
      output: items,
      usage: {
        input_tokens: usage.input_tokens,
        input_tokens_details: { cached_tokens: usage.cached_tokens },
        output_tokens: usage.output_tokens,
        output_tokens_details: { reasoning_tokens: usage.reasoning_tokens },
        total_tokens: usage.input_tokens + usage.output_tokens,
      },
    },
  });
  response.end();
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
