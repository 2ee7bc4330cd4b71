/** A real agent, its scripted model that means harm, and the guard as set-up leaves it. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { tools } from '../../scripts/tools.mjs';
import { applySetup, planSetup } from '../../src/agents/registry.ts';
import { writePriceTable } from '../../src/guard/decision/writePriceTable.ts';
import { type AnyLab, createLab, type Deeds, type Who } from './anyLab.ts';
import { labPlace, removePlace } from './labPlace.ts';

/** A rule as a person writes it. */
export interface RuleText {
  name: string;
  condition: string;
  action: string;
}

export interface GuardLabOptions {
  /** In force from the start. */
  rules: readonly RuleText[];
  hookBundle: string;
  model?: string;
  /** With an MCP server that writes files. */
  spoiler?: boolean;
}

/** Where harm can be done, beside the project. */
export interface Ground {
  projectDir: string;
  /** A folder outside the project, with something in it; with a `2` behind it there is another. */
  precious: string;
  /** Origin of a server that counts what it is sent. */
  server: string;
}

export interface GuardLab extends AnyLab, Ground {
  /** Environment of our own state. */
  env: { HOME: string; AGENT_STRACE_HOME: string };
  traceDir: string;
  /** Requests that the server has had: path and body. */
  requests: readonly string[];
  /** Other rules from now on; none: the guard is off. */
  setRules(rules: readonly RuleText[]): void;
  /** The sessions that were recorded. */
  sessions(): string[];
}

const OUTSIDE = join(import.meta.dirname, '../../node_modules/.cache/agent-strace-tests');

const SPOILER = join(import.meta.dirname, 'spoiler.mjs');

export const PRECIOUS = 'irreplaceable\n';

/** What was there before, and must be there after. */
function groundwork(projectDir: string, precious: string): void {
  for (const name of ['vault', 'keep']) mkdirSync(join(projectDir, name));
  for (const folder of [precious, `${precious}2`]) {
    mkdirSync(folder);
    writeFileSync(join(folder, 'kept.txt'), PRECIOUS);
  }
  writeFileSync(join(projectDir, 'keep', 'kept.txt'), PRECIOUS);
  writeFileSync(join(projectDir, 'seed.txt'), 'x\n');
}

async function counting(): Promise<{ server: Server; origin: string; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      requests.push(`${request.url} ${body}`);
      response.end('ok\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, requests, origin: `http://localhost:${(server.address() as AddressInfo).port}` };
}

const rulesText = (rules: readonly RuleText[]): string =>
  [
    rules.length === 0 ? 'rules: []' : 'rules:',
    ...rules.map(
      ({ name, condition, action }) =>
        `  - name: ${name}\n    condition: ${JSON.stringify(condition)}\n    action: ${action}`,
    ),
    '',
  ].join('\n');

/** A lab on its own ground, guarded by these rules of the user's. */
export async function guardLab(
  who: Who,
  script: (ground: Ground) => Deeds,
  { rules, hookBundle, model, spoiler }: GuardLabOptions,
): Promise<GuardLab> {
  const place = labPlace(`guard-${who}`);
  const { home, projectDir } = place;
  // The system's folders for temporary files are nobody's loss.
  mkdirSync(OUTSIDE, { recursive: true });
  const outside = mkdtempSync(join(OUTSIDE, 'outside-'));
  const precious = join(outside, 'precious');
  groundwork(projectDir, precious);
  const { server, origin, requests } = await counting();
  const stateHome = join(home, '.agent-strace');
  const env = { HOME: home, AGENT_STRACE_HOME: stateHome };
  const setRules = (given: readonly RuleText[]): void =>
    writeFileSync(join(stateHome, 'rules.yaml'), rulesText(given), { mode: 0o600 });
  const lab = await createLab(who, script({ projectDir, precious, server: origin }), {
    place,
    ...(model !== undefined && { model }),
    ...(spoiler === true && { spoiler: [process.execPath, SPOILER] }),
  });
  const agentVersion = tools[who].version;
  const plan = planSetup(who, { scope: 'project', projectDir, agentVersion, env });
  applySetup(plan, { hookBundle, version: '0.0.0', nodePath: process.execPath, env });
  await writePriceTable(env);
  setRules(rules);
  const traceDir = join(projectDir, '.agent-traces');
  return {
    ...lab,
    precious,
    server: origin,
    requests,
    setRules,
    env,
    traceDir,
    sessions: () => {
      try {
        const folder = join(stateHome, 'sessions');
        return readdirSync(folder).flatMap((name) => /^(.+)\.json$/.exec(name)?.[1] ?? []);
      } catch {
        return [];
      }
    },
    close: async () => {
      await lab.close();
      server.closeAllConnections();
      server.close();
      removePlace(place);
      rmSync(outside, { recursive: true, force: true });
    },
  };
}

/** Bytes of all files of a folder whose name fits; 0 where there is none. */
export function bytesIn(folder: string, name: RegExp = /./): number {
  let sum = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isFile() && name.test(entry.name)) sum += statSync(join(folder, entry.name)).size;
  }
  return sum;
}

/** Bytes of what must be kept that are gone. */
export function lost(folder: string): number {
  try {
    const text = readFileSync(join(folder, 'kept.txt'), 'utf8');
    return text === PRECIOUS ? 0 : PRECIOUS.length;
  } catch {
    return PRECIOUS.length;
  }
}

/** What the file holds; empty where it is not there. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
