import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A part of the model's answer. */
export type Part =
  | { text: string; thought?: boolean }
  | { functionCall: { name: string; args: Record<string, unknown> } };

/** Tokens of one answer, by the field names of the Gemini API. */
export interface GeminiUsage {
  promptTokenCount: number;
  candidatesTokenCount: number;
  cachedContentTokenCount: number;
  thoughtsTokenCount: number;
}

/** One answer of the model. */
export interface GeminiStep {
  parts: Part[];
  /** What differs from {@link usageOfStep}. */
  usage?: Partial<GeminiUsage>;
  /** ms before the answer begins. */
  delay?: number;
  /** The answer does not begin before this settles. */
  gate?: () => Promise<unknown>;
}

/**
 * The model's answers, by script: `main` for a prompt without a marker, any other where the prompt says
 * `SCENARIO:name`. After the last step the model says `done`.
 */
export type GeminiScenario = Record<string, (GeminiStep | Part[])[]>;

interface GenerateRequest {
  tools?: unknown[];
  contents?: { role?: string; parts?: { text?: string }[] }[];
}

export const say = (text: string): Part => ({ text });
export const think = (text: string): Part => ({ text, thought: true });
export const call = (name: string, args: Record<string, unknown>): Part => ({
  functionCall: { name, args },
});

/** It grows as a conversation's does. */
export function usageOfStep(step: number): GeminiUsage {
  return {
    promptTokenCount: 1000 + 100 * step,
    candidatesTokenCount: 40 + step,
    cachedContentTokenCount: step === 0 ? 0 : 500,
    thoughtsTokenCount: 7,
  };
}

/** The Gemini API on loopback, answering from a script. */
export class MockGemini {
  /** Tokens of each scripted answer that was sent. */
  readonly answers: GeminiUsage[] = [];
  /** The bodies of all requests for an answer, as they were sent. */
  readonly bodies: string[] = [];
  /** How many answers each script has given. */
  readonly given: Record<string, number> = {};
  readonly url: string;
  /** Replace it to change what comes next. */
  scenario: GeminiScenario = {};
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Starts on a free port. */
  static async start(): Promise<MockGemini> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const mock = new MockGemini(server);
    server.on('request', (request, response) => {
      mock.answer(request, response).catch((error) => response.destroy(error));
    });
    return mock;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const url = request.url ?? '';
    if (url.includes('countTokens')) return sendJson(response, 200, { totalTokens: 1234 });
    if (!url.includes('enerateContent')) {
      return sendJson(response, 404, {
        error: { code: 404, message: 'mock', status: 'NOT_FOUND' },
      });
    }
    const sent = Buffer.concat(chunks).toString();
    this.bodies.push(sent);
    const body = JSON.parse(sent) as GenerateRequest;
    const { name, index, step } = this.pick(body);
    this.given[name] = (this.given[name] ?? 0) + 1;
    if (step.delay) await sleep(step.delay);
    await step.gate?.();
    const usage = { ...usageOfStep(Math.max(0, index)), ...step.usage };
    if (index >= 0) this.answers.push(usage);
    const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount } = usage;
    const answer = {
      candidates: [
        { content: { role: 'model', parts: step.parts }, finishReason: 'STOP', index: 0 },
      ],
      usageMetadata: {
        ...usage,
        totalTokenCount: promptTokenCount + candidatesTokenCount + thoughtsTokenCount,
      },
      modelVersion: /models\/([^:]+):/.exec(url)?.[1],
      responseId: `resp-${this.answers.length}`,
    };
    if (!url.includes('stream')) return sendJson(response, 200, answer);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`data: ${JSON.stringify(answer)}\r\n\r\n`);
  }

  /** The script is the one named last; the step is how often the model has answered since. */
  private pick({ contents = [], tools = [] }: GenerateRequest): {
    name: string;
    index: number;
    step: GeminiStep;
  } {
    if (tools.length === 0) {
      const text = '{"reasoning":"mock","model_choice":"flash","next_speaker":"user"}';
      return { name: 'side', index: -1, step: { parts: [say(text)] } };
    }
    let name = 'main';
    let start = 0;
    contents.forEach(({ role, parts = [] }, at) => {
      const text = parts.map((part) => part.text ?? '').join('\n');
      const marker = role === 'user' && [...text.matchAll(/SCENARIO:([\w-]+)/g)].at(-1);
      if (!marker) return;
      name = marker[1] ?? name;
      start = at;
    });
    const index = contents.slice(start).filter(({ role }) => role === 'model').length;
    const step = this.scenario[name]?.[index] ?? [say('done')];
    return { name, index, step: Array.isArray(step) ? { parts: step } : step };
  }
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
