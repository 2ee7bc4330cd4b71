/**
 * What VS Code's own agent writes of a session, in Copilot's form: prompts, texts and calls; no tokens, and nothing of
 * most results. It keeps the latest twenty of a folder.
 */
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isSafeSessionId } from '../../trace/paths.ts';
import type { AgentPlaces, SessionFile, TranscriptFile, TranscriptSource } from '../agent.ts';
import { CopilotEventMapper } from '../copilot/eventMapper.ts';
import { trustedFile } from '../copilot/places.ts';
import { firstRow, transcriptAt } from '../copilot/sessionEvents.ts';
import { entriesOf, firstBytes } from '../ownFiles.ts';
import { asObject, asString } from '../rows.ts';

/** In `workspaceStorage/<hash>`. */
const TRANSCRIPTS = join('GitHub.copilot-chat', 'transcripts');

const PRODUCTS = ['Code', 'Code - Insiders', 'VSCodium'];
const SERVERS = ['.vscode-server', '.vscode-server-insiders', '.vscode-remote'];

/** Folders with users' data of VS Code and what is made of it; they need not exist. */
export function userDirs({ env = process.env, home, dirs }: AgentPlaces = {}): string[] {
  if (dirs !== undefined) return dirs.map((dir) => resolve(dir));
  const at = home || env.HOME || homedir();
  const base =
    process.platform === 'darwin'
      ? join(at, 'Library', 'Application Support')
      : process.platform === 'win32'
        ? env.APPDATA || join(at, 'AppData', 'Roaming')
        : env.XDG_CONFIG_HOME || join(at, '.config');
  return [
    ...PRODUCTS.map((name) => join(base, name, 'User')),
    ...SERVERS.map((name) => join(at, name, 'data', 'User')),
    join(env.XDG_DATA_HOME || join(at, '.local', 'share'), 'code-server', 'User'),
  ];
}

/** The folder that was open in the window, as `workspace.json` says. */
function windowFolder(storage: string): string {
  try {
    const { folder } =
      asObject(JSON.parse(firstBytes(join(storage, 'workspace.json'), 8192))) ?? {};
    return asString(folder).startsWith('file:') ? fileURLToPath(asString(folder)) : '';
  } catch {
    return '';
  }
}

const sessionIdOf = (path: string): string => {
  const id = basename(path, '.jsonl');
  return path.endsWith('.jsonl') && isSafeSessionId(id) ? id : '';
};

function transcript(path: string, sessionId: string, cwd: string): TranscriptFile | undefined {
  return transcriptAt('vscode', path, sessionId, firstRow(path, true), cwd);
}

function* find(places?: AgentPlaces): Iterable<TranscriptFile> {
  for (const dir of userDirs(places)) {
    const root = join(dir, 'workspaceStorage');
    for (const { name } of entriesOf(root)) {
      const storage = join(root, name);
      const files = entriesOf(join(storage, TRANSCRIPTS)).filter((entry) => entry.isFile());
      const cwd = files.length > 0 ? windowFolder(storage) : '';
      for (const file of files) {
        const id = sessionIdOf(file.name);
        const found = id && transcript(join(storage, TRANSCRIPTS, file.name), id, cwd);
        if (found && found.bytes > 0) yield found;
      }
    }
  }
}

function recognise(path: string): TranscriptFile | undefined {
  const first = firstRow(path, true);
  if (first?.vscodeVersion === undefined) return undefined;
  const id = sessionIdOf(path) || asString(first.sessionId);
  if (!isSafeSessionId(id)) return undefined;
  return transcript(path, id, windowFolder(dirname(dirname(dirname(path)))));
}

function liveFilesOf(
  sessionId: string,
  transcriptPath: string,
  places?: AgentPlaces,
): SessionFile[] {
  if (!isSafeSessionId(sessionId)) return [];
  const roots = userDirs(places).map((dir) => join(dir, 'workspaceStorage'));
  const named = transcriptPath !== '';
  if (named && sessionIdOf(transcriptPath) !== sessionId) return [];
  if (named && !dirname(resolve(transcriptPath)).endsWith(TRANSCRIPTS)) return [];
  const paths = named ? [transcriptPath] : pathsOf(sessionId, roots);
  for (const path of paths) {
    const file = trustedFile(path, roots, 4);
    if (file !== undefined) return [{ path: file, agentId: '' }];
  }
  return [];
}

/** Where a session would be, in whichever folder's storage. */
const pathsOf = (sessionId: string, roots: readonly string[]): string[] =>
  roots.flatMap((root) =>
    entriesOf(root).map(({ name }) => join(root, name, TRANSCRIPTS, `${sessionId}.jsonl`)),
  );

/** Sessions of VS Code's own agent. */
export const vscodeTranscripts: TranscriptSource = {
  agent: 'vscode',
  find,
  recognise,
  filesOf: ({ path }) => [{ path, agentId: '' }],
  liveFilesOf,
  mapper: (options) => new CopilotEventMapper({ ...options, provider: 'vscode' }),
};
