/** What rows of a Copilot session say, in the terms of a trace. */
import { type JsonObject, TRACE_VERSION } from '../../model/event.ts';
import { asCount, asObject, asString } from '../rows.ts';

/** @param again the session goes on */
export const startData = (data: JsonObject, again: boolean, cwd: string): JsonObject => ({
  ...(again && { event_subtype: 'resume', source: 'resume' }),
  trace_version: TRACE_VERSION,
  mode: 'import',
  cwd,
  model: asString(data.selectedModel),
  reasoning_effort: asString(data.reasoningEffort),
  agent_version: asString(data.copilotVersion),
  vscode_version: asString(data.vscodeVersion),
  git_branch: asString(asObject(data.context)?.branch),
  parent_session_id: asString(data.detachedFromSpawningParentSessionId),
});

/** @param cut the oldest messages were left out, and nothing was summed up */
export function compactionData(data: JsonObject, cut: boolean): JsonObject {
  const spent = asObject(data.compactionTokensUsed);
  return {
    event_subtype: 'compaction',
    phase: 'end',
    trigger: cut ? 'truncation' : asString(data.trigger),
    pre_tokens: asCount(data.preCompactionTokens ?? data.preTruncationTokensInMessages),
    post_tokens: asCount(data.postCompactionTokens ?? data.postTruncationTokensInMessages),
    summary: asString(data.summaryContent),
    ...(data.success === false && { error: asString(data.error) || 'compaction failed' }),
    // Facts: not known whether a usage record has them, too.
    compaction_input_tokens: asCount(spent?.inputTokens),
    compaction_output_tokens: asCount(spent?.outputTokens),
  };
}

/** Undefined for a subagent's first model, and the one that a session starts with: they are no switch. */
export function modelSwitchData(data: JsonObject): JsonObject | undefined {
  const from = asString(data.previousModel);
  const to = asString(data.newModel);
  if (from === '' || from === to) return undefined;
  return {
    event_subtype: 'model_switch',
    phase: 'end',
    from_model: from,
    to_model: to,
    source: asString(data.source) || asString(data.cause),
  };
}

export const errorData = (data: JsonObject): JsonObject => ({
  event_subtype: 'api',
  error: asString(data.message) || 'error',
  error_type: asString(data.errorType),
  status: asCount(data.statusCode),
  is_error: true,
});

export function skillData(data: JsonObject): JsonObject {
  const path = asString(data.path);
  return {
    event_subtype: 'instructions',
    path,
    memory_type: 'skill',
    skill: asString(data.name),
    ...(path !== '' && { files: [{ path, kind: 'read' }] }),
  };
}

/** @param kind how it was decided, in Copilot's words */
export const permissionData = (
  kind: string,
  source: string,
  tool: string,
  toolUseId: string,
): JsonObject => ({
  event_subtype: 'permission',
  permission: kind.startsWith('approved') ? 'granted' : 'denied',
  decision: kind,
  decision_source: source,
  tool_name: tool,
  tool_use_id: toolUseId,
});

export const subagentStartData = (data: JsonObject, parent: string): JsonObject => ({
  event_subtype: 'subagent',
  tool_name: 'Subagent',
  agent_type: asString(data.agentType) || asString(data.agentName),
  agent_name: asString(data.agentDisplayName),
  description: asString(data.agentDescription),
  model: asString(data.model),
  parent_tool_use_id: parent,
});

/** @param words what it said last */
export const subagentEndData = (data: JsonObject, failed: boolean, words: string): JsonObject => ({
  event_subtype: 'subagent',
  tool_name: 'Subagent',
  agent_type: asString(data.agentName),
  result: words,
  ...(failed && { is_error: true, error: asString(data.error) || 'failed' }),
  cancelled: data.cancelled === true,
  subagent_model: asString(data.model),
  subagent_total_tokens: asCount(data.totalTokens),
});

/** @param decided how permission was decided, and by whom; empty where nobody was asked */
export function deniedBy(message: string, decided: string): string {
  if (/hook/.test(decided) || /^Denied by \w+ hook/.test(message)) return 'hook';
  return /interactively-by-user|human_response/.test(decided) ? 'user' : 'permission';
}
