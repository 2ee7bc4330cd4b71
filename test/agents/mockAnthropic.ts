import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A content block that the model answers with. */
export type Block =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string }
  | { type: 'tool_use'; name: string; input: Record<string, unknown> };

/** Tokens of one answer, by the field names of the Messages API. */
export interface Usage {
  input_tokens: number;
  output_tokens: number;
  cache_read_input_tokens: number;
  /** Tokens written to the cache, by how long they live. */
  cache_creation: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number };
}

/** One answer of the model. */
export interface Step {
  blocks: Block[];
  /** What differs from {@link defaultUsage}. */
  usage?: Partial<Usage>;
  /** ms before the answer begins. */
  delay?: number;
  /** The answer does not begin before this settles. */
  gate?: () => Promise<unknown>;
  /** ms between the last block and the end of the stream. */
  hold?: number;
  /** Answers with this HTTP error instead of the blocks. */
  error?: { status: number; type?: string; message?: string };
  /** The end of the answer; `tool_use` or `end_turn` by what the blocks are. */
  stopReason?: string;
}

/**
 * The model's answers, by script: `main` for a prompt without a marker, any other where the prompt says
 * `SCENARIO:name` (a subagent's prompt must, or it would play `main` again). After the last step the model
 * says `done`.
 */
export type Scenario = Record<string, (Step | Block[])[]>;

/** A request that the mock has seen. */
export interface MockRequest {
  /** ms since the epoch */
  time: number;
  path: string;
  model: string;
  /** The script and step it was answered from; `side` for requests without tools. */
  scenario: string;
  step: number;
  /** Ids and tokens of the answer; absent for errors and token counts. */
  answer?: { messageId: string; requestId: string; toolUseIds: string[]; usage: Usage };
  body: MessagesRequest;
}

interface MessagesRequest {
  model?: string;
  stream?: boolean;
  tools?: unknown[];
  messages?: { role: string; content: string | { type: string; text?: string }[] }[];
}

type SentBlock = Block & { id?: string };

export const text = (text: string): Block => ({ type: 'text', text });
export const thinking = (thinking: string): Block => ({ type: 'thinking', thinking });
export const tool = (name: string, input: Record<string, unknown>): Block => ({
  type: 'tool_use',
  name,
  input,
});

/** The usage of a step that names none: it grows as a conversation's does. */
export function defaultUsage(step: number): Usage {
  return {
    input_tokens: 7 + step,
    output_tokens: 40 + 10 * step,
    cache_read_input_tokens: 15_000 * step,
    cache_creation: {
      ephemeral_5m_input_tokens: 1200 + 10 * step,
      ephemeral_1h_input_tokens: 0,
    },
  };
}

/** The Anthropic Messages API on loopback, answering from a script. */
export class MockAnthropic {
  readonly requests: MockRequest[] = [];
  readonly url: string;
  /** Replace it to change what comes next. */
  scenario: Scenario;
  private readonly server: Server;

  private constructor(server: Server, scenario: Scenario) {
    this.server = server;
    this.scenario = scenario;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Starts on a free port. */
  static async start(scenario: Scenario): Promise<MockAnthropic> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const mock = new MockAnthropic(server, scenario);
    server.on('request', (request, response) => {
      mock.answer(request, response).catch((error) => response.destroy(error));
    });
    return mock;
  }

  /** The answered model calls, side calls (titles and the like) included. */
  get answers(): NonNullable<MockRequest['answer']>[] {
    return this.requests.flatMap(({ answer }) => answer ?? []);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const path = (request.url ?? '').split('?')[0] ?? '';
    if (request.method !== 'POST' || !path.startsWith('/v1/messages')) {
      return sendError(response, { status: 404, type: 'not_found_error' });
    }
    const body = JSON.parse(Buffer.concat(chunks).toString()) as MessagesRequest;
    const { name, index, step } = this.pick(body);
    const seen: MockRequest = {
      time: Date.now(),
      path,
      model: body.model ?? '',
      scenario: name,
      step: index,
      body,
    };
    this.requests.push(seen);
    if (path.endsWith('/count_tokens')) return sendJson(response, 200, { input_tokens: 1234 });
    if (step.delay) await sleep(step.delay);
    await step.gate?.();
    if (step.error) return sendError(response, step.error);

    const blocks: SentBlock[] = step.blocks.map((block) =>
      block.type === 'tool_use' ? { ...block, id: newId('toolu') } : block,
    );
    const usage = { ...defaultUsage(Math.max(index, 0)), ...step.usage };
    const answer = {
      messageId: newId('msg'),
      requestId: newId('req'),
      toolUseIds: blocks.flatMap(({ id }) => id ?? []),
      usage,
    };
    seen.answer = answer;
    response.setHeader('request-id', answer.requestId);
    const stopReason = step.stopReason ?? (answer.toolUseIds.length ? 'tool_use' : 'end_turn');
    const { ephemeral_5m_input_tokens: short, ephemeral_1h_input_tokens: long } =
      usage.cache_creation;
    const message = {
      id: answer.messageId,
      type: 'message',
      role: 'assistant',
      model: body.model,
      stop_sequence: null,
      usage: { ...usage, cache_creation_input_tokens: short + long, service_tier: 'standard' },
    };
    if (body.stream) await stream(response, message, blocks, stopReason, step.hold);
    else {
      if (step.hold) await sleep(step.hold);
      sendJson(response, 200, { ...message, content: blocks, stop_reason: stopReason });
    }
  }

  /** The script is the one named last; the step is how often the model has answered since. */
  private pick({ messages = [], tools = [] }: MessagesRequest): {
    name: string;
    index: number;
    step: Step;
  } {
    if (tools.length === 0) return { name: 'side', index: -1, step: { blocks: [text('side')] } };
    let name = 'main';
    let start = 0;
    messages.forEach(({ role, content }, at) => {
      const marker = role === 'user' && [...textOf(content).matchAll(/SCENARIO:([\w-]+)/g)].at(-1);
      if (!marker) return;
      name = marker[1] ?? name;
      start = at;
    });
    const index = messages.slice(start).filter(({ role }) => role === 'assistant').length;
    const step = this.scenario[name]?.[index] ?? [text('done')];
    return { name, index, step: Array.isArray(step) ? { blocks: step } : step };
  }
}

function textOf(content: string | { text?: string }[]): string {
  return typeof content === 'string'
    ? content
    : content.map((block) => block.text ?? '').join('\n');
}

function newId(kind: 'msg' | 'req' | 'toolu'): string {
  return `${kind}_01${randomUUID().replaceAll('-', '').slice(0, 22)}`;
}

async function stream(
  response: ServerResponse,
  message: { usage: Usage },
  blocks: SentBlock[],
  stopReason: string,
  hold = 0,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const send = (type: string, data: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  // The real API counts the output as it goes: few tokens at the start, all at the end.
  const atStart = { ...message.usage, output_tokens: Math.min(3, message.usage.output_tokens) };
  send('message_start', {
    message: { ...message, content: [], stop_reason: null, usage: atStart },
  });
  blocks.forEach((block, index) => {
    const { start, deltas } = parts(block);
    send('content_block_start', { index, content_block: start });
    for (const delta of deltas) send('content_block_delta', { index, delta });
    send('content_block_stop', { index });
  });
  if (hold) await sleep(hold);
  send('message_delta', {
    delta: { stop_reason: stopReason, stop_sequence: null },
    usage: message.usage,
  });
  send('message_stop', {});
  response.end();
}

function parts(block: SentBlock): { start: object; deltas: object[] } {
  switch (block.type) {
    case 'text':
      return {
        start: { type: 'text', text: '' },
        deltas: [{ type: 'text_delta', text: block.text }],
      };
    case 'thinking':
      return {
        start: { type: 'thinking', thinking: '', signature: '' },
        deltas: [
          { type: 'thinking_delta', thinking: block.thinking },
          { type: 'signature_delta', signature: 'bW9jaw==' },
        ],
      };
    case 'tool_use': {
      const json = JSON.stringify(block.input);
      const half = json.length >> 1;
      return {
        start: { type: 'tool_use', id: block.id, name: block.name, input: {} },
        deltas: [json.slice(0, half), json.slice(half)].map((partial_json) => ({
          type: 'input_json_delta',
          partial_json,
        })),
      };
    }
  }
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

function sendError(
  response: ServerResponse,
  { status, type = 'invalid_request_error', message = 'mock error' }: NonNullable<Step['error']>,
): void {
  sendJson(response, status, { type: 'error', error: { type, message } });
}
