/** `agent-strace setup --cli claude`: which settings file, what will change in it, and changing it. */
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { textHash } from '../../model/ids.ts';
import { codeOf, problemText, readSmallFile, writeSmallFile } from '../../trace/files.ts';
import { ensureStateFolder, isBelow, stateHome } from '../../trace/paths.ts';
import type { PlanOptions, SetupPlan, SetupProblem } from '../registry.ts';
import {
  addGroups,
  hasOurs,
  isUpToDate,
  removeGroups,
  SettingsError,
  type Step,
  settingsWarnings,
  toleratesUnknownEvents,
  undo,
  versionIn,
  wantedGroups,
} from './settings.ts';

type Env = Record<string, string | undefined>;

/** How to make the file again what it was, as long as nobody else changed it. */
interface UndoRecord {
  version: 1;
  file: string;
  existed: boolean;
  /** The folder was not there before us. */
  madeFolder?: boolean;
  /** Length (UTF-16 units) and hash of the file as we left it. */
  length: number;
  hash: string;
  steps: Step[];
}

const MAX_SETTINGS_BYTES = 8 * 1_048_576;

function settingsFile({ scope, projectDir, env = process.env }: PlanOptions): string {
  if (scope === 'user')
    return join(env.CLAUDE_CONFIG_DIR || join(homedir(), '.claude'), 'settings.json');
  return join(projectDir, '.claude', scope === 'local' ? 'settings.local.json' : 'settings.json');
}

/**
 * The file that is really written. A user's own file may be a link (kept with other dotfiles): its target is
 * written. A repo's may not lead out of the repo.
 *
 * @throws SettingsError
 */
function resolveTarget(file: string, { scope, projectDir }: PlanOptions): string {
  let target: string;
  try {
    target = fs.realpathSync(file);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT')
      throw new SettingsError(`cannot be read: ${problemText(codeOf(error))}`);
    if (fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
      throw new SettingsError('is a link to a file that does not exist');
    }
    target = realPlace(file);
  }
  if (scope === 'user') return target;
  if (!isBelow(target, fs.realpathSync(projectDir))) {
    throw new SettingsError(`leads out of the project, to ${target}`);
  }
  return target;
}

/** Where a file that does not exist would be: the nearest folder that does may be a link. */
function realPlace(path: string): string {
  try {
    return fs.realpathSync(path);
  } catch {
    const folder = dirname(path);
    return folder === path ? path : join(realPlace(folder), relative(folder, path));
  }
}

function readSettings(target: string): string | undefined {
  let text: string;
  try {
    const stat = fs.statSync(target);
    if (!stat.isFile()) throw new SettingsError('is not a file');
    if (stat.size > MAX_SETTINGS_BYTES) throw new SettingsError('is longer than 8 MB');
    text = fs.readFileSync(target, 'utf8');
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new SettingsError(`cannot be read: ${problemText(codeOf(error))}`);
  }
  // Written back as UTF-8 it would be another file.
  if (text.includes('\ufffd')) throw new SettingsError('is not UTF-8 text');
  return text;
}

/** What set-up would do. Changes nothing, and never throws for what it finds. */
export function planClaude(options: PlanOptions): SetupPlan {
  const { scope, projectDir, remove = false, agentVersion, env = process.env } = options;
  const file = settingsFile(options);
  const plan: SetupPlan = {
    agent: 'claude',
    scope,
    projectDir,
    remove,
    file,
    target: file,
    before: undefined,
    after: undefined,
    changed: false,
    problems: [],
    events: [],
  };
  try {
    plan.target = resolveTarget(file, options);
    plan.before = readSettings(plan.target);
    plan.after = plan.before;
    if (remove) planRemoval(plan, env);
    else planAddition(plan, versionIn(agentVersion), env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    plan.after = plan.before;
    const message = `${file} ${error.message}. It was left as it is.`;
    plan.problems = [{ severity: 'error', message }];
  }
  plan.changed = plan.after !== plan.before;
  return plan;
}

const BOM = '\ufeff';

function planRemoval(plan: SetupPlan, env: Env): void {
  const { before } = plan;
  if (before === undefined) return;
  const base = undone(plan.target, before, env);
  if (base !== undefined) plan.after = base.existed ? base.text : undefined;
  else if (before.trim() !== '') plan.after = editText(before, removeGroups);
}

/** Edits what follows a byte order mark. */
function editText(text: string, edit: (text: string) => string): string {
  return text.startsWith(BOM) ? BOM + edit(text.slice(1)) : edit(text);
}

function planAddition(plan: SetupPlan, version: string | undefined, env: Env): void {
  const wanted = wantedGroups(version, env);
  plan.events = [...wanted.keys()];
  plan.problems.push(...versionProblems(plan, version));
  const { before } = plan;
  const plain = before?.startsWith(BOM) === true ? before.slice(1) : before;
  if (plain !== undefined && plain.trim() !== '') {
    const warnings = settingsWarnings(plain);
    plan.problems.push(
      ...warnings.map((message): SetupProblem => ({ severity: 'warning', message })),
    );
    if (isUpToDate(plain, wanted)) return;
  }
  const base = before === undefined ? undefined : undone(plan.target, before, env);
  let from = plain ?? '';
  let existed = before !== undefined;
  if (base !== undefined) {
    existed = base.existed;
    from = base.text.replace(/^\ufeff/, '');
  } else if (plain !== undefined && plain.trim() !== '' && hasOurs(plain))
    from = removeGroups(plain);
  const { text, steps } = addGroups(from, wanted);
  const mark = before?.startsWith(BOM) === true ? BOM : '';
  plan.after = mark + text;
  const shift = mark.length;
  plan.undo = {
    existed,
    steps: steps.map((step) => ({ ...step, offset: step.offset + shift })),
  };
}

function versionProblems(plan: SetupPlan, version: string | undefined): SetupProblem[] {
  if (version === undefined) {
    return [
      {
        severity: 'warning',
        message:
          'the version of Claude Code is unknown, so only the events that every version knows are recorded: ' +
          'failed and denied calls, permissions and subagents show late or not at all',
      },
    ];
  }
  if (plan.scope !== 'project' || !toleratesUnknownEvents(version)) return [];
  return [
    {
      severity: 'warning',
      message:
        'everybody who works on this project needs Claude Code 2.1.101 or newer: older ones drop a ' +
        'settings file that names events they do not know',
    },
  ];
}

const recordPath = (target: string, env: Env): string =>
  join(stateHome(env), 'setup', `claude-${textHash(target)}.json`);

function recordOf(target: string, env: Env): UndoRecord | undefined {
  const saved = readSmallFile(recordPath(target, env), 1_048_576);
  if (saved === undefined) return undefined;
  try {
    const record = JSON.parse(saved) as UndoRecord;
    return record.version === 1 && record.file === target ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Removes a folder that is empty. */
function removeEmpty(folder: string): void {
  try {
    fs.rmdirSync(folder);
  } catch {
    // Somebody put something into it.
  }
}

/** The file as it was before us, where it still is what we made of it. */
function undone(
  target: string,
  text: string,
  env: Env,
): { existed: boolean; text: string } | undefined {
  const record = recordOf(target, env);
  if (record === undefined) return undefined;
  try {
    if (record.length !== text.length || record.hash !== textHash(text)) return undefined;
    return { existed: record.existed, text: undo(text, record.steps) };
  } catch {
    return undefined;
  }
}

/** @throws Error where the plan's file could not be written; nothing is changed */
export function checkClaude({ target, changed }: SetupPlan): void {
  if (!changed) return;
  let folder = dirname(target);
  while (!fs.existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    if (!fs.statSync(folder).isDirectory()) throw new Error('not a folder');
    fs.accessSync(folder, fs.constants.W_OK);
  } catch (error) {
    const code = codeOf(error) === 'EUNKNOWN' ? 'ENOTDIR' : codeOf(error);
    throw new Error(`${folder} cannot be written to: ${problemText(code)}`);
  }
}

/**
 * Does what the plan says. A file that changed since the plan was made is left alone.
 *
 * @throws Error with a message for people
 */
export function applyClaude(plan: SetupPlan, env: Env = process.env): void {
  const { target, before, after } = plan;
  if (!plan.changed) return;
  let now: string | undefined;
  try {
    now = readSettings(target);
  } catch (error) {
    throw new Error(`${target} ${(error as Error).message}`);
  }
  if (now !== before) throw new Error(`${target} has changed meanwhile: try again`);
  if (after === undefined) {
    const { madeFolder } = recordOf(target, env) ?? {};
    fs.rmSync(target);
    if (madeFolder === true) removeEmpty(dirname(target));
    removeRecord(target, env);
    return;
  }
  // Once made by us it stays ours, however often set-up is run again.
  const madeFolder =
    fs.mkdirSync(dirname(target), { recursive: true }) !== undefined ||
    recordOf(target, env)?.madeFolder === true;
  const mode = before === undefined ? 0o644 : fs.statSync(target).mode & 0o777;
  writeSmallFile(target, after, mode);
  if (plan.undo === undefined) removeRecord(target, env);
  else saveRecord(plan, after, { ...plan.undo, madeFolder }, env);
}

function saveRecord(
  plan: SetupPlan,
  after: string,
  { existed, steps, madeFolder }: NonNullable<SetupPlan['undo']> & { madeFolder: boolean },
  env: Env,
): void {
  const { problem } = ensureStateFolder('setup', env);
  // Without it --remove still takes our entries out; only white space may differ.
  if (problem !== undefined) return;
  const record: UndoRecord = {
    version: 1,
    file: plan.target,
    existed,
    ...(madeFolder && { madeFolder }),
    length: after.length,
    hash: textHash(after),
    steps,
  };
  writeSmallFile(recordPath(plan.target, env), JSON.stringify(record));
}

function removeRecord(target: string, env: Env): void {
  fs.rmSync(recordPath(target, env), { force: true });
}
