import { createHash } from 'node:crypto';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hunkOf } from '../patch.mjs';

/** So long a prompt stays in the cache after it was last used. */
const CACHE_MS = 5 * 60_000;

/**
 * Writes a finished session as Claude Code does: rows with usage, subagents in files of their own. What a step says
 * that it takes, it takes; when the cache has gone cold follows from that.
 */
export class ClaudeTranscript {
  /**
   * @param {object} at
   * @param {string} at.config CLAUDE_CONFIG_DIR
   * @param {string} at.cwd
   * @param {string} at.session
   * @param {number} at.startMs
   * @param {string} at.branch
   * @param {Map<string, string>} at.files the workspace, by relative path; edits change it
   */
  constructor({ config, cwd, session, startMs, branch, files }) {
    this.cwd = cwd;
    this.session = session;
    this.branch = branch;
    this.nowMs = startMs;
    this.files = files;
    this.path = join(config, 'projects', cwd.replace(/[^a-zA-Z0-9]/g, '-'), `${session}.jsonl`);
    /** @type {Map<string, object[]>} rows by agent id; '' is the main agent */
    this.rows = new Map([['', []]]);
    /** @type {Map<string, object>} */
    this.metas = new Map();
    /** @type {Map<string, { tokens: number, atMs: number }>} */
    this.cache = new Map();
    this.serial = 0;
    this.promptId = this.id('prompt');
  }

  /** An id that looks random and is the same each time. */
  id(name) {
    return createHash('sha256')
      .update(`${this.session} ${name} ${++this.serial}`)
      .digest('hex');
  }

  wait(seconds) {
    this.nowMs += Math.round(seconds * 1000);
  }

  row(agent, value) {
    const uuid = this.id('row').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5');
    const rows = this.rows.get(agent) ?? [];
    this.rows.set(agent, rows);
    rows.push({
      uuid,
      sessionId: this.session,
      timestamp: new Date(this.nowMs).toISOString(),
      isSidechain: agent !== '',
      ...(agent !== '' && { agentId: agent }),
      cwd: this.cwd,
      version: '2.1.330',
      gitBranch: this.branch,
      ...value,
    });
  }

  /** @param {string} text of a person; of a subagent: its task */
  prompt(text, agent = '') {
    this.row(agent, {
      type: 'user',
      promptId: this.promptId,
      message: { role: 'user', content: text },
    });
  }

  /** One response with its tools, run one after the other. */
  turn(step, agent = '', model = 'claude-sonnet-4-5-20250929') {
    this.wait(step.wait ?? 6);
    const blocks = [];
    if (step.think) blocks.push({ type: 'thinking', thinking: step.think, signature: '' });
    if (step.say) blocks.push({ type: 'text', text: step.say });
    const tools = (step.tools ?? []).map((tool) => ({
      ...tool,
      id: `toolu_01${this.id('tool').slice(0, 22)}`,
    }));
    for (const tool of tools) {
      blocks.push({ type: 'tool_use', id: tool.id, name: tool.tool, input: this.inputOf(tool) });
    }
    const message = {
      id: `msg_01${this.id('message').slice(0, 22)}`,
      type: 'message',
      role: 'assistant',
      model,
      stop_reason: tools.length > 0 ? 'tool_use' : 'end_turn',
      usage: this.usage(agent, step.tokens),
    };
    const requestId = `req_01${this.id('request').slice(0, 22)}`;
    for (const block of blocks) {
      this.row(agent, { type: 'assistant', requestId, message: { ...message, content: [block] } });
      this.wait(0.4);
    }
    for (const tool of tools) this.run(agent, tool);
  }

  usage(agent, { write, output }) {
    const before = this.cache.get(agent);
    const held = before?.tokens ?? (agent === '' ? 15_200 : 6400);
    const cold = before !== undefined && this.nowMs - before.atMs > CACHE_MS;
    this.cache.set(agent, { tokens: held + write, atMs: this.nowMs });
    const written = cold ? held + write : write;
    return {
      input_tokens: 9,
      cache_creation_input_tokens: written,
      cache_read_input_tokens: cold ? 0 : held,
      cache_creation: { ephemeral_5m_input_tokens: written, ephemeral_1h_input_tokens: 0 },
      output_tokens: output,
      service_tier: 'standard',
    };
  }

  inputOf(step) {
    const file_path = step.file === undefined ? '' : join(this.cwd, step.file);
    switch (step.tool) {
      case 'Read':
        return { file_path };
      case 'Edit':
        return { file_path, old_string: step.from, new_string: step.to };
      case 'Write':
        return { file_path, content: step.content };
      case 'Bash':
        return { command: step.command, description: step.description };
      case 'Agent':
        return { description: step.description, subagent_type: step.type, prompt: step.task };
      default:
        return step.input;
    }
  }

  run(agent, step) {
    const startMs = this.nowMs;
    const inner = step.tool === 'Agent' ? this.subagent(step) : '';
    if (inner === '') this.wait(step.seconds ?? 0.2);
    const failed = (step.exit ?? 0) > 0;
    const response = failed
      ? `Error: Exit code ${step.exit}\n${step.output}`
      : this.responseOf(step);
    if (inner !== '') response.agentId = inner;
    if (inner !== '') response.totalDurationMs = this.nowMs - startMs;
    const content = failed
      ? `Exit code ${step.exit}\n${step.output}`
      : (step.output ?? step.answer ?? this.shown(step));
    this.row(agent, {
      type: 'user',
      promptId: this.promptId,
      message: {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: step.id, content, ...(failed && { is_error: true }) },
        ],
      },
      toolUseResult: response,
    });
  }

  /** What the model is told. */
  shown(step) {
    if (step.tool === 'Read') return this.files.get(step.file);
    if (step.tool === 'Grep') return `Found ${step.files.length} files\n${step.files.join('\n')}`;
    if (step.file) return `The file ${join(this.cwd, step.file)} has been updated.`;
    return '';
  }

  /** Does what the tool says, and gives its structured result. */
  responseOf(step) {
    const filePath = step.file === undefined ? '' : join(this.cwd, step.file);
    const original = this.files.get(step.file);
    switch (step.tool) {
      case 'Read': {
        const numLines = original.split('\n').length - 1;
        const file = { filePath, content: original, numLines, startLine: 1, totalLines: numLines };
        return { type: 'text', file };
      }
      case 'Edit': {
        if (!original.includes(step.from)) throw new Error(`${step.file} lacks ${step.from}`);
        this.files.set(
          step.file,
          original.replace(step.from, () => step.to),
        );
        return {
          filePath,
          oldString: step.from,
          newString: step.to,
          originalFile: original,
          structuredPatch: [hunkOf(original, step.from, step.to)],
          userModified: false,
          replaceAll: false,
        };
      }
      case 'Write':
        this.files.set(step.file, step.content);
        return {
          type: 'create',
          filePath,
          content: step.content,
          structuredPatch: [],
          originalFile: null,
        };
      case 'Grep':
        return {
          mode: 'files_with_matches',
          filenames: step.files.map((file) => join(this.cwd, file)),
          numFiles: step.files.length,
        };
      case 'Agent':
        return { status: 'completed', content: [{ type: 'text', text: step.answer }] };
      case 'Bash':
        return { stdout: step.output ?? '', stderr: '', interrupted: false, isImage: false };
      default:
        return { content: [{ type: 'text', text: step.output }] };
    }
  }

  subagent(step) {
    const agent = this.id('agent').slice(0, 17);
    this.metas.set(agent, {
      agentType: step.type,
      description: step.description,
      toolUseId: step.id,
    });
    this.prompt(step.task, agent);
    for (const turn of step.turns) this.turn(turn, agent, 'claude-haiku-4-5-20251001');
    this.turn(
      { say: step.answer, tokens: { write: 400, output: 140 } },
      agent,
      'claude-haiku-4-5-20251001',
    );
    return agent;
  }

  /** @returns {string} its path */
  write() {
    for (const [agent, rows] of this.rows) {
      const path =
        agent === ''
          ? this.path
          : join(this.path.replace(/\.jsonl$/, ''), 'subagents', `agent-${agent}.jsonl`);
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''), { mode: 0o600 });
      utimesSync(path, this.nowMs / 1000, this.nowMs / 1000);
      const meta = this.metas.get(agent);
      if (meta)
        writeFileSync(
          path.replace(/l$/, '').replace(/\.json$/, '.meta.json'),
          JSON.stringify(meta),
        );
    }
    return this.path;
  }
}
