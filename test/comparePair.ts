/** Two runs of one prompt by two agents, as a comparison is drawn in the design. Invented. */
import type { JsonObject } from '../src/model/event.ts';
import { ids } from '../src/model/ids.ts';
import type { TraceWriter } from './traceWriter.ts';

const SECOND = 1000;
export const PAIR_PROMPT = 'Rate limit /v1/search to 60 requests a minute for each API key';

export interface Runner {
  provider: 'claude' | 'codex';
  model: string;
  cwd: string;
  /** How many times the tokens of a request. */
  weight: number;
}

export const CLAUDE: Runner = {
  provider: 'claude',
  model: 'claude-sonnet-4-5',
  cwd: '/home/dev/api',
  weight: 3,
};
export const CODEX: Runner = {
  provider: 'codex',
  model: 'gpt-5-codex',
  cwd: '/work/api',
  weight: 1,
};

/** Writes what an agent does, in the tools that it has. */
export class RunScript {
  private readonly writer: TraceWriter;
  private readonly who: Runner;
  private messages = 0;

  constructor(writer: TraceWriter, who: Runner) {
    this.writer = writer;
    this.who = who;
    writer.write(
      writer.event('session_start', {
        provider: who.provider,
        agent_name: who.provider === 'claude' ? 'claude-code' : 'codex',
        cwd: who.cwd,
        trace_version: 1,
        git_branch: 'main',
      }),
    );
  }

  wait(seconds: number): this {
    this.writer.nowMs += seconds * SECOND;
    return this;
  }

  prompt(text = PAIR_PROMPT): this {
    this.writer.prompt(text);
    return this;
  }

  think(text: string): this {
    this.writer.write(
      this.writer.event('assistant_response', {
        event_subtype: 'reasoning',
        text,
        message_id: `${this.writer.sessionId}-t${++this.messages}`,
      }),
    );
    return this.wait(4);
  }

  say(text: string): this {
    this.writer.write(this.writer.event('assistant_response', { text }));
    return this;
  }

  read(path: string, lines = 140): this {
    const file = `${this.who.cwd}/${path}`;
    const files = [{ path: file, kind: 'read', ranges: [[1, lines]] }];
    return this.who.provider === 'claude'
      ? this.call('Read', { file_path: file }, { result: 'text', files })
      : this.call(
          'exec_command',
          { cmd: `sed -n '1,${lines}p' ${path}` },
          {
            result: 'text',
            exit_code: 0,
            files,
          },
        );
  }

  grep(pattern: string): this {
    return this.who.provider === 'claude'
      ? this.call('Grep', { pattern }, { result: 'no matches' })
      : this.call('exec_command', { cmd: `rg ${pattern}` }, { exit_code: 0 });
  }

  glob(folder: string): this {
    return this.who.provider === 'claude'
      ? this.call('Glob', { pattern: `${folder}/*.py` }, { result: 'a.py' })
      : this.call('exec_command', { cmd: `rg --files ${folder}` }, { exit_code: 0 });
  }

  edit(path: string, added: number, removed = 0, text = `${path} ${added}`): this {
    const file = `${this.who.cwd}/${path}`;
    const files = [{ path: file, kind: removed === 0 ? 'create' : 'write', added, removed }];
    return this.who.provider === 'claude'
      ? this.call(
          removed === 0 ? 'Write' : 'Edit',
          removed === 0
            ? { file_path: file, content: text }
            : { file_path: file, old_string: 'a', new_string: text },
          { files },
          0.3,
        )
      : this.call(
          'apply_patch',
          { input: `*** Begin Patch\n*** Update File: ${path}\n@@\n-a\n+${text}\n*** End Patch` },
          { files },
          0.3,
        );
  }

  run(command: string, result: string, exit = 0, seconds = 8): this {
    const args = this.who.provider === 'claude' ? { command } : { cmd: command };
    const tool = this.who.provider === 'claude' ? 'Bash' : 'exec_command';
    return this.call(
      tool,
      args,
      { result, exit_code: exit, ...(exit ? { is_error: true } : {}) },
      seconds,
    );
  }

  end(): this {
    this.writer.turnEnd();
    this.writer.end();
    return this;
  }

  call(tool: string, args: JsonObject, result: JsonObject, seconds = 0.1): this {
    const { writer, who } = this;
    const id = writer.call(tool, args, { provider: who.provider });
    this.wait(seconds);
    if (result.is_error === true) {
      writer.write(
        writer.event(
          'error',
          { tool_use_id: id, error: result.result ?? '', exit_code: result.exit_code ?? 1 },
          { event_id: ids.result(writer.sessionId, id), parent_id: writer.callId(id) },
        ),
      );
    } else writer.result(id, result);
    writer.usage([id], who.model, {
      input_tokens: 20_000 * who.weight,
      cache_read_input_tokens: 15_000 * who.weight,
      cache_write_input_tokens: 2000,
      output_tokens: 400,
    });
    return this.wait(3);
  }
}

function explore(script: RunScript): void {
  script.prompt().wait(2);
  for (const path of ['api/search.py', 'api/deps.py', 'api/models.py', 'api/keys.py']) {
    script.read(path);
  }
  script.glob('tests/api').read('tests/api/test_search.py').read('README.md').grep('RateLimit');
  script.think('Plan: limit by API key, 60 a minute');
}

/** A: writes its own token bucket, which fails, then finds the library. */
export function claudeRun(writer: TraceWriter): void {
  const script = new RunScript(writer, CLAUDE);
  explore(script);
  script.edit('api/token_bucket.py', 96);
  for (let turn = 0; turn < 6; turn++) {
    script.run('pytest tests/api', `${turn + 1} failed, 24 passed in 7.1s`, 1);
    script.think('The bucket does not refill while the test sleeps.');
    script.edit('api/token_bucket.py', 11, 9, `bucket ${turn}`);
    script.read('api/token_bucket.py').wait(20);
  }
  script.read('pyproject.toml').think('The project has limits 3.13 already.');
  script.edit('api/search.py', 14, 2, 'uses limits, one way');
  script.run('pytest tests/api', '2 failed, 29 passed in 7.9s', 1);
  script.edit('api/deps.py', 6, 1, 'deps, one way');
  script.run('pytest tests/api', '31 passed in 8.1s');
  script.edit('README.md', 9, 1, 'readme');
  script.say('Search is limited to 60 requests a minute for each key.').end();
}

/** B: looks at what the project has, and uses it. */
export function codexRun(writer: TraceWriter): void {
  const script = new RunScript(writer, CODEX);
  explore(script);
  script.read('pyproject.toml');
  script.edit('api/search.py', 12, 2, 'uses limits, another way');
  script.edit('api/deps.py', 5, 1, 'deps, another way');
  script.run('pytest tests/api', '31 passed in 8.0s');
  script.run('ruff check api', 'All checks passed!', 0, 0.6);
  script.say('Done: limits keeps the counts.').end();
}
