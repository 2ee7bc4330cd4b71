/**
 * Plays the demo session live into a workspace, the way Claude Code would: it calls the recorder
 * with hook payloads, and writes a transcript from which the cost is read. No model is called.
 *
 *   node demo/play.mjs WORKSPACE --config CLAUDE_CONFIG_DIR --hook dist/hook.js [--speed 2]
 */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { hunkOf } from './patch.mjs';
import { STORY } from './session.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    config: { type: 'string' },
    hook: { type: 'string', default: new URL('../dist/hook.js', import.meta.url).pathname },
    speed: { type: 'string', default: '1' },
  },
});
const [folder] = positionals;
if (folder === undefined || values.config === undefined) {
  console.error('usage: node demo/play.mjs WORKSPACE --config CLAUDE_CONFIG_DIR [--speed N]');
  process.exit(2);
}
const cwd = resolve(folder);
const speed = Number(values.speed) || 1;
const session = randomUUID();
const project = join(values.config, 'projects', cwd.replace(/[^a-zA-Z0-9]/g, '-'));
const transcript = join(project, `${session}.jsonl`);
mkdirSync(join(project, session, 'subagents'), { recursive: true, mode: 0o700 });

const MODELS = { main: 'claude-sonnet-4-5-20250929', sub: 'claude-haiku-4-5-20251001' };
let prompt = '';
let serial = 0;
/** Tokens that the next request reads from the cache, by lane. */
const cached = new Map();

const sleep = (seconds) => new Promise((done) => setTimeout(done, (seconds * 1000) / speed));

/** @returns what the recorder answered, as an agent reads it: text on standard output, exit code */
function hook(event, payload) {
  return spawnSync(process.execPath, [values.hook, '--agent', 'claude', event], {
    input: JSON.stringify({
      session_id: session,
      transcript_path: transcript,
      cwd,
      hook_event_name: event,
      ...(prompt ? { prompt_id: prompt } : {}),
      permission_mode: 'acceptEdits',
      ...payload,
    }),
    env: {
      ...process.env,
      CLAUDE_PROJECT_DIR: cwd,
      CLAUDE_CONFIG_DIR: resolve(values.config),
      CLAUDE_PID: String(process.pid),
      CLAUDECODE: '1',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
}

/** The guard's reason where it denied a call; undefined: the call may run. */
function denialOf({ status, stdout, stderr }) {
  if (status === 2) return stderr.trim();
  try {
    const { permissionDecision, permissionDecisionReason } =
      JSON.parse(stdout).hookSpecificOutput ?? {};
    return permissionDecision === 'deny' ? permissionDecisionReason : undefined;
  } catch {
    return undefined;
  }
}

function row(lane, value) {
  const file =
    lane.agent === undefined
      ? transcript
      : join(project, session, 'subagents', `agent-${lane.agent}.jsonl`);
  const base = {
    uuid: randomUUID(),
    sessionId: session,
    timestamp: new Date().toISOString(),
    isSidechain: lane.agent !== undefined,
    ...(lane.agent === undefined ? {} : { agentId: lane.agent }),
    cwd,
    version: '2.1.330',
  };
  appendFileSync(file, `${JSON.stringify({ ...base, ...value })}\n`, { mode: 0o600 });
}

/** One model response: a row for each content block, all with the same usage. */
function respond(lane, blocks, tokens) {
  const name = lane.agent ?? 'main';
  const read = cached.get(name) ?? (lane.agent === undefined ? 14_800 : 6200);
  const message = {
    id: `msg_demo${String(++serial).padStart(6, '0')}${session.slice(0, 8)}`,
    model: lane.agent === undefined ? MODELS.main : MODELS.sub,
    role: 'assistant',
    stop_reason: blocks.some((block) => block.type === 'tool_use') ? 'tool_use' : 'end_turn',
    usage: {
      input_tokens: 12,
      cache_creation_input_tokens: tokens.write,
      cache_read_input_tokens: read,
      cache_creation: { ephemeral_5m_input_tokens: tokens.write, ephemeral_1h_input_tokens: 0 },
      output_tokens: tokens.output,
      service_tier: 'standard',
    },
  };
  cached.set(name, read + tokens.write);
  for (const block of blocks) {
    row(lane, {
      type: 'assistant',
      requestId: `req_demo${String(serial).padStart(6, '0')}`,
      message: { ...message, content: [block] },
    });
  }
}

const agentFields = (lane) =>
  lane.agent === undefined ? {} : { agent_id: lane.agent, agent_type: lane.type };

function inputOf(step) {
  if (step.tool === 'Read') return { file_path: join(cwd, step.file) };
  if (step.tool === 'Edit') {
    return { file_path: join(cwd, step.file), old_string: step.from, new_string: step.to };
  }
  return step.input;
}

/** Does what the tool says, and gives what the agent's hook would be told. */
function responseOf(step) {
  if (step.tool === 'Read') {
    const path = join(cwd, step.file);
    const content = readFileSync(path, 'utf8');
    const numLines = content.split('\n').length;
    return {
      type: 'text',
      file: { filePath: path, content, numLines, startLine: 1, totalLines: numLines },
    };
  }
  if (step.tool === 'Edit') {
    const path = join(cwd, step.file);
    const original = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      original.replace(step.from, () => step.to),
    );
    return {
      filePath: path,
      oldString: step.from,
      newString: step.to,
      originalFile: original,
      structuredPatch: [hunkOf(original, step.from, step.to)],
      userModified: false,
      replaceAll: false,
    };
  }
  if (step.tool === 'Grep') {
    const filenames = step.files.map((file) => join(cwd, file));
    return { mode: 'files_with_matches', filenames, numFiles: filenames.length };
  }
  return { stdout: step.output ?? '', stderr: '', interrupted: false, isImage: false };
}

async function runTool(lane, step, id) {
  const call = {
    ...agentFields(lane),
    tool_name: step.tool,
    tool_input: inputOf(step),
    tool_use_id: id,
  };
  const denial = denialOf(hook('PreToolUse', call));
  if (denial !== undefined) {
    const said = `PreToolUse:${step.tool} hook error: ${denial}`;
    hook('PostToolBatch', {
      ...agentFields(lane),
      tool_calls: [
        {
          tool_name: step.tool,
          tool_input: call.tool_input,
          tool_use_id: id,
          tool_response: said,
        },
      ],
    });
    const result = { type: 'tool_result', tool_use_id: id, content: said, is_error: true };
    row(lane, {
      type: 'user',
      promptId: prompt,
      message: { role: 'user', content: [result] },
      toolUseResult: `Error: ${said}`,
    });
    return;
  }
  const seconds = step.seconds ?? 0.2;
  await sleep(seconds);
  const duration_ms = Math.round(seconds * 1000);
  if (step.exit > 0) {
    hook('PostToolUseFailure', {
      ...call,
      error: `Exit code ${step.exit}\n${step.output}`,
      is_interrupt: false,
      duration_ms,
    });
  } else {
    const response = responseOf(step);
    // The agent's own record of what a file held: diffs and restoring go by it.
    const result = { type: 'tool_result', tool_use_id: id, content: step.output ?? 'ok' };
    row(lane, {
      type: 'user',
      promptId: prompt,
      message: { role: 'user', content: [result] },
      toolUseResult: response,
    });
    hook('PostToolUse', { ...call, tool_response: response, duration_ms });
  }
}

async function turn(lane, step) {
  await sleep(1.5);
  const blocks = [];
  if (step.think) blocks.push({ type: 'thinking', thinking: step.think, signature: '' });
  if (step.say) blocks.push({ type: 'text', text: step.say });
  const tools = (step.tools ?? []).map((tool) => ({
    ...tool,
    id: `toolu_demo${++serial}${session.slice(0, 8)}`,
  }));
  for (const tool of tools) {
    blocks.push({ type: 'tool_use', id: tool.id, name: tool.tool, input: inputOf(tool) });
  }
  const sub = step.subagent && {
    ...step.subagent,
    id: `toolu_demo${++serial}${session.slice(0, 8)}`,
  };
  if (sub) {
    blocks.push({
      type: 'tool_use',
      id: sub.id,
      name: 'Agent',
      input: { description: sub.description, subagent_type: sub.type, prompt: sub.description },
    });
  }
  respond(lane, blocks, step.tokens);
  for (const tool of tools) await runTool(lane, tool, tool.id);
  if (sub) await runSubagent(lane, sub);
}

async function runSubagent(lane, sub) {
  const input = { description: sub.description, subagent_type: sub.type, prompt: sub.description };
  const call = { tool_name: 'Agent', tool_input: input, tool_use_id: sub.id };
  const inner = { agent: randomUUID().replaceAll('-', '').slice(0, 16), type: sub.type };
  hook('PreToolUse', { ...agentFields(lane), ...call });
  hook('SubagentStart', { agent_id: inner.agent, agent_type: sub.type });
  for (const step of sub.turns) await turn(inner, step);
  respond(inner, [{ type: 'text', text: sub.answer }], { write: 300, output: 120 });
  hook('SubagentStop', {
    agent_id: inner.agent,
    agent_type: sub.type,
    agent_transcript_path: join(project, session, 'subagents', `agent-${inner.agent}.jsonl`),
    last_assistant_message: sub.answer,
  });
  hook('PostToolUse', {
    ...agentFields(lane),
    ...call,
    tool_response: {
      status: 'completed',
      agentId: inner.agent,
      content: [{ type: 'text', text: sub.answer }],
    },
    duration_ms: 4000,
  });
}

async function play() {
  if (!existsSync(values.hook)) throw new Error(`${values.hook} is missing: run "npm run build".`);
  hook('SessionStart', { source: 'startup', model: MODELS.main });
  let last = '';
  for (const step of STORY) {
    if (step.prompt !== undefined) {
      if (prompt !== '') hook('Stop', { stop_hook_active: false, last_assistant_message: last });
      await sleep(step.pause ?? 0.5);
      prompt = randomUUID();
      hook('UserPromptSubmit', { prompt: step.prompt });
      row({}, { type: 'user', promptId: prompt, message: { role: 'user', content: step.prompt } });
      continue;
    }
    await turn({}, step);
    last = step.say ?? last;
  }
  hook('Stop', { stop_hook_active: false, last_assistant_message: last });
  await sleep(4);
  hook('SessionEnd', { reason: 'other' });
}

await play();
