/** What a session's cost is shared out by. */
export const COST_BY = ['phase', 'model', 'tool', 'file', 'mcp', 'subagent', 'waste'] as const;
export type CostBy = (typeof COST_BY)[number];
