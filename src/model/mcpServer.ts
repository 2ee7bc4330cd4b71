/** The MCP server in a tool's name: every agent joins the two in its own way. */
import { toolKind } from './tools.ts';

/** Tools of opencode's own with an underscore, which joins server and tool there. */
const OPENCODE = /^(todo|plan|apply|web|code|multi|list|lsp|skill|question|invalid|batch|task)_?/;

/**
 * Undefined: no tool of a server, or one that does not say of which. `''` is never given.
 *
 * @param agent `claude`, `codex`, …
 */
export function mcpServerOf(tool: string, agent: string): string | undefined {
  const plain = /^mcp__(.+?)__/.exec(tool) ?? /^mcp_{1,2}([^_]+)_/.exec(tool);
  if (plain !== null) return plain[1];
  if (/^MCP:/.test(tool)) return tool.slice(4) || undefined;
  if (toolKind(tool) !== 'tool') return undefined;
  if (agent === 'copilot') return /^(.+)-[^-]+$/.exec(tool)?.[1];
  if (agent === 'opencode' && !OPENCODE.test(tool)) return /^([^_]+)_./.exec(tool)?.[1];
  return undefined;
}
