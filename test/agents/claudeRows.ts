/** Rows of Claude Code transcripts, made up. */

export const SESSION = '11111111-2222-4333-8444-555555555555';

export interface ResponseRow {
  id: string;
  request?: string;
  model?: string;
  input?: number;
  read?: number;
  write5m?: number;
  write1h?: number;
  output?: number;
  session?: string;
  sidechain?: boolean;
  agentId?: string;
  /** Seconds after the first row. */
  at?: number;
  block?: object;
  more?: object;
  usage?: object;
}

export const time = (at: number): string =>
  new Date(Date.parse('2026-11-20T10:00:00Z') + at * 1000).toISOString();

export function response(row: ResponseRow): Record<string, unknown> {
  const write5m = row.write5m ?? 0;
  const write1h = row.write1h ?? 0;
  return {
    parentUuid: null,
    isSidechain: row.sidechain === true,
    ...(row.agentId !== undefined && { agentId: row.agentId }),
    type: 'assistant',
    message: {
      id: row.id,
      type: 'message',
      role: 'assistant',
      model: row.model ?? 'claude-sonnet-4-20250514',
      content: [row.block ?? { type: 'text', text: `text of ${row.id}` }],
      stop_reason: 'end_turn',
      usage: {
        input_tokens: row.input ?? 10,
        cache_creation_input_tokens: write5m + write1h,
        cache_read_input_tokens: row.read ?? 0,
        cache_creation: {
          ephemeral_5m_input_tokens: write5m,
          ephemeral_1h_input_tokens: write1h,
        },
        output_tokens: row.output ?? 20,
        service_tier: 'standard',
        ...row.usage,
      },
    },
    ...(row.request !== undefined && { requestId: row.request }),
    uuid: `uuid-${row.id}-${row.at ?? 0}-${row.session ?? ''}`,
    timestamp: time(row.at ?? 0),
    sessionId: row.session ?? SESSION,
    version: '2.1.330',
    cwd: '/home/dev/shop',
    ...row.more,
  };
}

export function user(content: unknown, at: number, more: object = {}): Record<string, unknown> {
  return {
    parentUuid: null,
    isSidechain: false,
    type: 'user',
    message: { role: 'user', content },
    uuid: `user-${at}`,
    timestamp: time(at),
    sessionId: SESSION,
    promptId: 'prompt-1',
    version: '2.1.330',
    cwd: '/home/dev/shop',
    ...more,
  };
}

export const toolUse = (id: string, name: string, input: object): object => ({
  type: 'tool_use',
  id,
  name,
  input,
});

export const toolResult = (id: string, content: string, error = false): object[] => [
  { type: 'tool_result', tool_use_id: id, content, ...(error && { is_error: true }) },
];

export const lines = (rows: readonly unknown[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('');
