/** How an editor's processes are told from others: they are never signalled. */
import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { commandWords, type ProcessEntry } from './processTable.ts';

/** Executables of VS Code and of what is made of it, and of other editors that run agents. */
const NAMES =
  /^(code|code-(insiders|oss|server|tunnel)|codium|vscodium|cursor|windsurf|positron|trae|kiro|antigravity|void|zed|zed-editor|openvscode-server|code helper.*|cursor helper.*|windsurf helper.*)$/i;

/** Of a Node that runs as part of an editor: its own scripts, and what it tells its children to be. */
const WORDS = [
  /^--type=(extensionHost|ptyHost|fileWatcher)$/,
  /(^|[\\/])(server-main|bootstrap-fork|extensionHostProcess|ptyHostMain)(\.js)?$/,
  // VS Code on the system's Electron.
  /[\\/]code(-oss)?[\\/]code\.m?js$/,
  /(^|[\\/])code-server([\\/]out[\\/]node[\\/]entry(\.js)?)?$/,
];
const MAX_WORDS = 12;

/** Whether a process is an editor, or a part of one. */
export function isEditor(entry: ProcessEntry): boolean {
  if (NAMES.test(entry.name) || NAMES.test(executableName(entry.pid))) return true;
  return commandWords(entry.pid)
    .slice(0, MAX_WORDS)
    .some((word) => WORDS.some((pattern) => pattern.test(word)));
}

function executableName(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
  } catch {
    return '';
  }
}
