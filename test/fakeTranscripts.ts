import { appendFileSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type {
  AgentId,
  AgentPlaces,
  RowMapper,
  SessionFile,
  TranscriptFile,
  TranscriptSource,
} from '../src/agents/agent.ts';
import type { Json, JsonObject, TraceEvent } from '../src/model/event.ts';
import { ids } from '../src/model/ids.ts';
import { readyEvent } from '../src/redact/event.ts';

/**
 * An agent of our own: its rows are `{cwd, parent?}`, then `{at, prompt}`, `{at, model, input, output}`. Files
 * are `~/.fake-<agent>/<session>.jsonl`, with subagents' in `<session>/agent-<id>.jsonl`.
 */
export class FakeTranscripts implements TranscriptSource {
  readonly agent: AgentId;
  /** Rows that mappers were given. */
  rows = 0;

  constructor(agent: AgentId = 'codex') {
    this.agent = agent;
  }

  folder(home: string): string {
    return join(home, `.fake-${this.agent}`);
  }

  /** Writes a session that began at `startMs` in `cwd`. @returns its path */
  write(home: string, id: string, cwd: string, prompt: string, more: JsonObject = {}): string {
    const path = join(this.folder(home), `${id}.jsonl`);
    const at = Number(more.at ?? 1_795_000_000);
    this.append(path, { cwd, at, ...more });
    this.append(path, { at: at + 1, prompt });
    this.append(path, { at: at + 61, model: 'claude-opus-4-5', input: 1000, output: 100 });
    return path;
  }

  append(path: string, row: JsonObject): void {
    mkdirSync(dirname(path), { recursive: true });
    appendFileSync(path, `${JSON.stringify(row)}\n`);
  }

  *find(places: AgentPlaces = {}): Iterable<TranscriptFile> {
    for (const folder of places.dirs ?? [this.folder(places.home ?? '/nowhere')]) {
      let names: string[] = [];
      try {
        names = readdirSync(folder);
      } catch {
        // Not there.
      }
      for (const name of names) {
        const found = name.endsWith('.jsonl') ? this.recognise(join(folder, name)) : undefined;
        if (found) yield found;
      }
    }
  }

  recognise(path: string): TranscriptFile | undefined {
    const stat = lstatSync(path);
    if (!stat.isFile()) return undefined;
    const [first = ''] = readFileSync(path, 'utf8').split('\n');
    let head: JsonObject;
    try {
      head = JSON.parse(first) as JsonObject;
    } catch {
      return undefined;
    }
    const sessionId = path
      .split('/')
      .at(-1)!
      .replace(/\.jsonl.*$/, '');
    return {
      agent: this.agent,
      path,
      sessionId,
      project: String(head.cwd),
      cwd: String(head.cwd ?? ''),
      startedAt: Number(head.at ?? 0),
      createdAtMs: stat.birthtimeMs,
      modifiedAtMs: stat.mtimeMs,
      bytes: stat.size,
      ...(typeof head.parent === 'string' && { parentId: head.parent }),
    };
  }

  filesOf({ path, sessionId }: TranscriptFile): SessionFile[] {
    const folder = join(dirname(path), sessionId);
    let names: string[] = [];
    try {
      names = readdirSync(folder);
    } catch {
      // It has none.
    }
    const subagents = names
      .map((name) => /^agent-(.+)\.jsonl$/.exec(name)?.[1])
      .filter((id) => id !== undefined);
    return [
      { path, agentId: '' },
      ...subagents.map((id) => ({ path: join(folder, `agent-${id}.jsonl`), agentId: id })),
    ];
  }

  liveFilesOf(): SessionFile[] {
    return [];
  }

  mapper({ sessionId, file, redact }: Parameters<TranscriptSource['mapper']>[0]): RowMapper {
    let count = 0;
    const event = (event_type: string, at: number, data: JsonObject): TraceEvent =>
      readyEvent(
        {
          event_type,
          timestamp: at,
          event_id: ids.prompt(sessionId, `${file.agentId} ${count++}`),
          session_id: sessionId,
          data: { recorded_by: 'transcript', provider: this.agent, ...data },
        },
        redact,
      );
    const map = (row: JsonObject): TraceEvent[] => {
      const at = Number(row.at ?? 0);
      if ('cwd' in row) return [event('session_start', at, { cwd: row.cwd ?? '', mode: 'import' })];
      if ('prompt' in row) return [event('user_prompt', at, { prompt: row.prompt ?? '' })];
      if (!('model' in row)) return [];
      const usage = {
        input_tokens: row.input ?? 0,
        cache_read_input_tokens: 0,
        cache_write_input_tokens: 0,
        cache_write_1h_input_tokens: 0,
        output_tokens: row.output ?? 0,
        reasoning_output_tokens: 0,
      };
      return [event('llm_response', at, { event_subtype: 'usage', model: row.model ?? '', usage })];
    };
    return {
      push: (row: Json) => {
        this.rows++;
        return typeof row === 'object' && row !== null && !Array.isArray(row) ? map(row) : [];
      },
      finish: () => [],
      save: () => null,
      ignored: {},
    };
  }
}
