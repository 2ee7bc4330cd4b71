import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Block, type Scenario, type Step, text } from './mockAnthropic.ts';

/** Tokens of one answer, by the field names of the Chat Completions API. */
export interface CompletionUsage {
  prompt_tokens: number;
  completion_tokens: number;
  cached_tokens: number;
  reasoning_tokens: number;
}

interface CompletionsRequest {
  model?: string;
  tools?: unknown[];
  messages?: { role: string; content?: string | { text?: string }[] | null }[];
}

/** The usage of a step: it grows as a conversation's does. */
export const completionUsage = (step: number): CompletionUsage => ({
  prompt_tokens: 1000 + 100 * step,
  completion_tokens: 50 + step,
  cached_tokens: 800,
  reasoning_tokens: 5,
});

/** OpenAI's Chat Completions API on loopback, answering from a script as `MockAnthropic` does. */
export class MockCompletions {
  readonly url: string;
  /** Tokens of the scripted answers so far; those without tools (titles) are left out. */
  readonly answers: CompletionUsage[] = [];
  /** The bodies of all requests, as they were sent. */
  readonly bodies: string[] = [];
  /** Replace it to change what comes next. */
  scenario: Scenario;
  private calls = 0;
  private readonly server: Server;

  private constructor(server: Server, scenario: Scenario) {
    this.server = server;
    this.scenario = scenario;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  }

  /** Starts on a free port. */
  static async start(scenario: Scenario): Promise<MockCompletions> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const mock = new MockCompletions(server, scenario);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        mock
          .answer(Buffer.concat(chunks).toString(), response)
          .catch((error) => response.destroy(error));
      });
    });
    return mock;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(body: string, response: ServerResponse): Promise<void> {
    this.bodies.push(body);
    const request = JSON.parse(body) as CompletionsRequest;
    const side = (request.tools ?? []).length === 0;
    const { step, index } = side
      ? { step: { blocks: [text('side')] }, index: 0 }
      : this.pick(request);
    if ('delay' in step && step.delay) await sleep(step.delay);
    if ('gate' in step) await step.gate?.();
    if ('error' in step && step.error) {
      response.writeHead(step.error.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: step.error.message ?? 'mock error' } }));
      return;
    }
    const usage = completionUsage(index);
    if ('usage' in step) {
      const { input_tokens: prompt, output_tokens: completion } = step.usage ?? {};
      if (prompt !== undefined) usage.prompt_tokens = prompt;
      if (completion !== undefined) usage.completion_tokens = completion;
    }
    if (!side) this.answers.push(usage);
    this.stream(request.model ?? '', step.blocks, usage, response);
  }

  private pick({ messages = [] }: CompletionsRequest): { step: Step; index: number } {
    let name = 'main';
    let start = 0;
    messages.forEach(({ role, content }, at) => {
      const said =
        typeof content === 'string' ? content : (content ?? []).map((part) => part.text).join('\n');
      const marker = role === 'user' && [...said.matchAll(/SCENARIO:([\w-]+)/g)].at(-1);
      if (!marker) return;
      name = marker[1] ?? name;
      start = at;
    });
    const index = messages.slice(start).filter(({ role }) => role === 'assistant').length;
    const step = this.scenario[name]?.[index] ?? [text('done')];
    return { step: Array.isArray(step) ? { blocks: step } : step, index };
  }

  private stream(
    model: string,
    blocks: Block[],
    usage: CompletionUsage,
    response: ServerResponse,
  ): void {
    const id = `chatcmpl-${++this.calls}`;
    const send = (more: object): void => {
      const chunk = { id, object: 'chat.completion.chunk', created: 1, model, ...more };
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    };
    const delta = (said: object): void => send({ choices: [{ index: 0, delta: said }] });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let calls = 0;
    for (const block of blocks) {
      if (block.type === 'text') delta({ role: 'assistant', content: block.text });
      else if (block.type === 'thinking') delta({ reasoning_content: block.thinking });
      else {
        // Some servers count the calls of each answer anew: ids are not unique.
        const call = { index: calls, id: `call_${calls}`, type: 'function' };
        const made = { name: block.name, arguments: JSON.stringify(block.input) };
        delta({ tool_calls: [{ ...call, function: made }] });
        calls += 1;
      }
    }
    const finish = calls > 0 ? 'tool_calls' : 'stop';
    send({ choices: [{ index: 0, delta: {}, finish_reason: finish }] });
    const { cached_tokens, reasoning_tokens, ...counts } = usage;
    send({
      choices: [],
      usage: {
        ...counts,
        total_tokens: counts.prompt_tokens + counts.completion_tokens,
        prompt_tokens_details: { cached_tokens },
        completion_tokens_details: { reasoning_tokens },
      },
    });
    response.end('data: [DONE]\n\n');
  }
}
