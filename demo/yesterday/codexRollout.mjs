import { createHash } from 'node:crypto';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hunkOf } from '../patch.mjs';

/** Of a prompt, what the next request finds in the cache: it is held in blocks, and lags behind. */
const CACHED = 0.94;

/** Writes a finished session as Codex does: one rollout file. */
export class CodexRollout {
  /**
   * @param {object} at
   * @param {string} at.home CODEX_HOME
   * @param {string} at.cwd
   * @param {string} at.session
   * @param {number} at.startMs
   * @param {string} at.branch
   * @param {string} at.model
   * @param {Map<string, string>} at.files the workspace, by relative path; edits change it
   */
  constructor({ home, cwd, session, startMs, branch, model, files }) {
    this.cwd = cwd;
    this.session = session;
    this.nowMs = startMs;
    this.files = files;
    const started = new Date(startMs).toISOString();
    this.path = join(
      home,
      'sessions',
      ...started.slice(0, 10).split('-'),
      `rollout-${started.slice(0, 19).replaceAll(':', '-')}-${session}.jsonl`,
    );
    /** @type {object[]} */
    this.rows = [];
    this.serial = 0;
    this.prompt_tokens = 11_400;
    this.cached = 9_600;
    this.row('session_meta', {
      id: session,
      timestamp: started,
      cwd,
      originator: 'codex_cli_rs',
      cli_version: '0.144.3',
      source: 'cli',
      model_provider: 'openai',
      git: { branch },
    });
    this.turnId = this.id('turn');
    this.turnStartMs = startMs;
    this.message('task_started', { turn_id: this.turnId, model_context_window: 258_400 });
    this.row('turn_context', { turn_id: this.turnId, cwd, model, effort: 'medium' });
  }

  id(name) {
    return createHash('sha256')
      .update(`${this.session} ${name} ${++this.serial}`)
      .digest('hex')
      .slice(0, 24);
  }

  wait(seconds) {
    this.nowMs += Math.round(seconds * 1000);
  }

  row(type, payload) {
    this.rows.push({ timestamp: new Date(this.nowMs).toISOString(), type, payload });
  }

  message(type, payload) {
    this.row('event_msg', { type, ...payload });
  }

  item(type, payload) {
    this.row('response_item', { type, ...payload });
  }

  prompt(text) {
    this.item('message', { role: 'user', content: [{ type: 'input_text', text }] });
    this.message('user_message', { message: text });
  }

  /** One response with its tools. */
  turn(step) {
    this.wait(step.wait ?? 5);
    if (step.think) {
      this.item('reasoning', { summary: [{ type: 'summary_text', text: step.think }] });
    }
    if (step.say) {
      this.last = step.say;
      this.item('message', {
        role: 'assistant',
        content: [{ type: 'output_text', text: step.say }],
      });
    }
    for (const tool of step.tools ?? []) this.run(tool);
    this.tokens(step.tokens);
  }

  run(step) {
    const call_id = `call_${this.id('call')}`;
    if (step.patch) {
      this.patch(call_id, step.patch);
      return;
    }
    this.item('function_call', {
      name: 'exec_command',
      arguments: JSON.stringify({ cmd: step.cmd }),
      call_id,
    });
    const startedMs = this.nowMs;
    this.wait(step.seconds ?? 0.1);
    const output = step.output ?? this.files.get(step.reads) ?? '';
    const exit_code = step.exit ?? 0;
    const parsed = step.reads
      ? { type: 'read', cmd: step.cmd, name: step.reads, path: step.reads }
      : { type: 'unknown', cmd: step.cmd };
    this.message('item_completed', {
      turn_id: this.turnId,
      item: {
        type: 'CommandExecution',
        id: call_id,
        command: ['/bin/bash', '-lc', step.cmd],
        cwd: this.cwd,
        parsed_cmd: [parsed],
        status: exit_code === 0 ? 'completed' : 'failed',
        aggregated_output: output,
        exit_code,
      },
      started_at_ms: startedMs,
      completed_at_ms: this.nowMs,
    });
    this.item('function_call_output', {
      call_id,
      output: `Wall time: ${step.seconds ?? 0.1} seconds\nProcess exited with code ${exit_code}\nOutput:\n${output}`,
    });
  }

  patch(call_id, edits) {
    const parts = [];
    const changes = {};
    for (const { file, from, to } of edits) {
      const original = this.files.get(file);
      if (!original.includes(from)) throw new Error(`${file} lacks ${from}`);
      const hunk = hunkOf(original, from, to);
      this.files.set(
        file,
        original.replace(from, () => to),
      );
      parts.push(`*** Update File: ${file}`, '@@', ...hunk.lines);
      const head = `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`;
      const before = changes[join(this.cwd, file)]?.unified_diff ?? '';
      changes[join(this.cwd, file)] = {
        type: 'update',
        unified_diff: `${before}${[head, ...hunk.lines].join('\n')}\n`,
        move_path: null,
      };
    }
    const input = ['*** Begin Patch', ...parts, '*** End Patch'].join('\n');
    this.item('custom_tool_call', { status: 'completed', call_id, name: 'apply_patch', input });
    this.wait(0.3);
    const stdout = `Success. Updated the following files:\n${edits.map(({ file }) => `M ${file}\n`).join('')}`;
    this.message('item_completed', {
      turn_id: this.turnId,
      item: { type: 'FileChange', id: call_id, changes, status: 'completed', stdout, stderr: '' },
    });
    this.item('custom_tool_call_output', { call_id, output: `Exit code: 0\nOutput:\n${stdout}` });
  }

  tokens({ input, output }) {
    this.prompt_tokens += input;
    const last = {
      input_tokens: this.prompt_tokens,
      cached_input_tokens: this.cached,
      output_tokens: output,
      reasoning_output_tokens: Math.round(output * 0.4),
    };
    this.cached = Math.floor((this.prompt_tokens * CACHED) / 128) * 128;
    this.sum ??= {
      ...last,
      input_tokens: 0,
      cached_input_tokens: 0,
      output_tokens: 0,
      reasoning_output_tokens: 0,
    };
    for (const key of Object.keys(last)) this.sum[key] += last[key];
    this.message('token_count', {
      info: {
        total_token_usage: { ...this.sum },
        last_token_usage: last,
        model_context_window: 258_400,
      },
    });
  }

  /** @returns {string} its path */
  write() {
    this.message('task_complete', {
      turn_id: this.turnId,
      last_agent_message: this.last,
      duration_ms: this.nowMs - this.turnStartMs,
    });
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    writeFileSync(this.path, this.rows.map((row) => `${JSON.stringify(row)}\n`).join(''), {
      mode: 0o600,
    });
    utimesSync(this.path, this.nowMs / 1000, this.nowMs / 1000);
    return this.path;
  }
}
