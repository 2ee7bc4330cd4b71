import { expect, it } from 'vitest';
import { SessionFold } from './fold.ts';
import { summarise } from './summary.ts';

it.each([
  ['claude', 'claude-opus-4-5', true],
  ['copilot', 'claude-sonnet-4.5', true],
  ['codex', 'gpt-5.5', false],
  ['gemini', 'gemini-2.5-flash', false],
])(
  'of %s with %s says when the cache goes cold only where that is known',
  (provider, model, told) => {
    const fold = new SessionFold();
    const usage = { input_tokens: 1000, cache_read_input_tokens: 800, output_tokens: 50 };
    const rows: [string, object][] = [
      ['user_prompt', { prompt: 'Look' }],
      ['llm_response', { model, usage }],
    ];
    for (const [at, [event_type, data]] of rows.entries()) {
      fold.add({
        event_type,
        timestamp: 1_795_000_000 + at,
        event_id: `e${at}`,
        session_id: 's',
        data: { provider, ...data },
      });
    }
    const { context, cacheColdAtMs } = summarise(fold, { nowMs: 1_795_000_010_000 });
    expect(context?.tokens).toBeGreaterThan(0);
    expect(cacheColdAtMs !== undefined).toBe(told);
  },
);
