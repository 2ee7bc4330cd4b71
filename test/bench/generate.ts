import { closeSync, openSync, writeSync } from 'node:fs';
import { ids } from '../../src/model/ids.ts';

/** A small random generator, so that every run folds the same trace. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 0x100000000;
  };
}

/**
 * Writes a trace like a long Claude Code session: prompts, model responses with usage, reads,
 * edits, searches and commands with results of realistic sizes, some failing, some in subagents.
 */
export function writeTrace(path: string, events: number, session = 'bench-session'): void {
  const file = openSync(path, 'w');
  const next = random(42);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const words =
    'const let return await import from if else for of async export type new throw this';
  const code = (length: number): string => {
    let text = '';
    while (text.length < length) text += `${pick(words.split(' '))} ${Math.floor(next() * 1e6)};\n`;
    return text.slice(0, length);
  };
  let buffer: string[] = [];
  let buffered = 0;
  let count = 0;
  let time = 1_790_000_000;
  const put = (event_type: string, event_id: string, data: object, more: object = {}): void => {
    if (count >= events) return;
    count++;
    time += next() * 2;
    const line = `${JSON.stringify({
      event_type,
      timestamp: Math.round(time * 1e6) / 1e6,
      event_id,
      session_id: session,
      ...more,
      data: { recorded_by: 'hook', provider: 'claude', ...data },
    })}\n`;
    buffer.push(line);
    buffered += line.length;
    if (buffered > 1 << 20) {
      writeSync(file, buffer.join(''));
      buffer = [];
      buffered = 0;
    }
  };
  put('session_start', '000000000001', {
    trace_version: 1,
    cwd: '/home/dev/shop',
    source: 'startup',
  });
  for (let i = 0; count < events; i++) {
    const prompt = `prompt-${Math.floor(i / 60)}`;
    if (i % 60 === 0)
      put('user_prompt', ids.prompt(session, prompt), { prompt: code(120), prompt_id: prompt });
    const lane =
      i % 9 === 0 ? { agent_id: `agent-${Math.floor(i / 500)}`, agent_type: 'Explore' } : {};
    const calls = 1 + Math.floor(next() * 2);
    const callIds = Array.from(
      { length: calls },
      (_, k) => `toolu_01${i.toString(36).padStart(10, '0')}${k}`,
    );
    put('llm_response', ids.usage(session, `msg_01${i}`, `req_01${i}`), {
      ...lane,
      recorded_by: 'transcript',
      event_subtype: 'usage',
      model: i % 9 === 0 ? 'claude-haiku-4-5-20251001' : 'claude-sonnet-4-5-20250929',
      message_id: `msg_01${i}`,
      request_id: `req_01${i}`,
      usage: {
        input_tokens: 20_000 + (i % 5000) * 20,
        cache_read_input_tokens: 19_000 + (i % 5000) * 20,
        cache_write_input_tokens: 800,
        cache_write_1h_input_tokens: 0,
        output_tokens: 200 + (i % 300),
        reasoning_output_tokens: 0,
      },
      tool_use_ids: callIds,
    });
    for (const id of callIds) {
      const tool = pick(['Read', 'Read', 'Edit', 'Bash', 'Grep']);
      const path = `/home/dev/shop/src/module${Math.floor(next() * 400)}/file${Math.floor(next() * 12)}.ts`;
      const first = 1 + Math.floor(next() * 400);
      const call = {
        ...lane,
        tool_name: tool,
        tool_use_id: id,
        prompt_id: prompt,
        permission_mode: 'default',
      };
      const args =
        tool === 'Bash'
          ? { command: `npm test -- ${path}`, description: 'Run the tests' }
          : tool === 'Edit'
            ? { file_path: path, old_string: code(120), new_string: code(160) }
            : tool === 'Grep'
              ? { pattern: 'handle_charge', path: '/home/dev/shop' }
              : { file_path: path, offset: first, limit: 120 };
      put('tool_call', ids.call(session, id), { ...call, arguments: args });
      const parent = { parent_id: ids.call(session, id), duration_ms: Math.round(next() * 4000) };
      if (tool === 'Bash' && next() < 0.1) {
        put(
          'error',
          ids.result(session, id),
          { ...call, error: `Exit code 1\n${code(300)}`, exit_code: 1 },
          parent,
        );
        continue;
      }
      const files =
        tool === 'Read'
          ? [{ path, kind: 'read', ranges: [[first, first + 119]], total_lines: 800 }]
          : tool === 'Edit'
            ? [
                {
                  path,
                  kind: 'write',
                  ranges: [[first, first + 5]],
                  hunks: [[first, 4, first, 6]],
                  added: 4,
                  removed: 2,
                },
              ]
            : undefined;
      put(
        'tool_result',
        ids.result(session, id),
        { ...call, result: code(tool === 'Read' ? 700 : 200), ...(files ? { files } : {}) },
        parent,
      );
    }
  }
  writeSync(file, buffer.join(''));
  closeSync(file);
}
