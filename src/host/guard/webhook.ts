/** Tells a web address of the person's choice (Slack, Teams, their own) what tripped. No `vscode` in here. */
import { setTimeout as sleep } from 'node:timers/promises';

/** What is sent: texts are redacted, and nothing in it comes from a file's contents. */
export interface WebhookMessage {
  /** Of this form. */
  version: 1;
  event: 'trip' | 'request';
  /** A sentence: what Slack and Teams show. */
  text: string;
  agent: string;
  /** Name of the project's folder. */
  project: string;
  rule: string;
  action: string;
  detail: string;
  line?: string;
  /** ISO 8601. */
  at: string;
}

export interface WebhookOptions {
  /** Between tries, ms. */
  waitsMs?: readonly number[];
  /** Of a try, ms. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

const WAITS_MS = [1000, 5000] as const;
const TIMEOUT_MS = 10_000;

/** The address, where it is one that is posted to; else what is wrong with it. */
export function webhookUrl(text: string): { url: URL } | { problem: string } {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { problem: 'it is not an address. Write it whole: https://example.com/hook' };
  }
  if (url.protocol === 'https:') return { url };
  if (url.protocol === 'http:' && LOOPBACK.test(url.hostname)) return { url };
  return { problem: 'it must begin with https:// (http:// only for this machine)' };
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Posts it, thrice at most. Redirects are not followed: whoever answers may not send the message elsewhere.
 *
 * @returns undefined, or why it did not get there; the address, which may be a secret, is not in it
 */
export async function postWebhook(
  url: URL,
  message: WebhookMessage,
  { waitsMs = WAITS_MS, timeoutMs = TIMEOUT_MS, signal }: WebhookOptions = {},
): Promise<string | undefined> {
  let problem = '';
  for (let attempt = 0; attempt <= waitsMs.length; attempt++) {
    if (attempt > 0) await sleep(waitsMs[attempt - 1], undefined, { ref: false });
    if (signal?.aborted) return 'the window was closed';
    try {
      const timeout = AbortSignal.timeout(timeoutMs);
      const { status, body } = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify(message),
        redirect: 'manual',
        signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
      });
      await body?.cancel();
      if (status >= 200 && status < 300) return undefined;
      problem = `${url.host} answered ${status}`;
      // What is wrong with the message or the address stays wrong.
      if (status < 500 && status !== 429) return problem;
    } catch (error) {
      problem = `${url.host} could not be reached (${reasonOf(error)})`;
    }
  }
  return problem;
}

function reasonOf(error: unknown): string {
  const { name, cause } = error as Error & { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' ? cause.code : name;
}
