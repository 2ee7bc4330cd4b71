import { describe, expect, it } from 'vitest';
import { toolKind } from './tools.ts';

describe('what a tool does', () => {
  it.each([
    ['Bash', 'run'],
    // Claude Code's: a command that runs beside the session, whose lines are told to the agent.
    ['Monitor', 'run'],
    ['Write', 'modify'],
    ['mcp__files__write', 'mcp'],
    ['Anything', 'tool'],
  ])('%s: %s', (name, kind) => {
    expect(toolKind(name)).toBe(kind);
  });
});
