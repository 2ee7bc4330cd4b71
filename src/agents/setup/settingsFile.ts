/** Which settings file is written, what will change in it, and changing it. The same for all agents. */
import * as fs from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { codeOf, problemText, writeSmallFile } from '../../trace/files.ts';
import { isBelow } from '../../trace/paths.ts';
import type { AgentId, Env } from '../agent.ts';
import { SettingsError } from './jsonEdit.ts';
import type { AgentSetup, PlanOptions, SetupPlan, SetupProblem, SetupScope } from './plan.ts';
import { madeFolderOf, removeRecord, saveRecord, undone } from './undo.ts';

const MAX_SETTINGS_BYTES = 8 * 1_048_576;
const BOM = '\ufeff';

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

const plainText = (text: string | undefined): string | undefined =>
  text?.startsWith(BOM) === true ? text.slice(1) : text;

const isBlank = (text: string | undefined): boolean => text === undefined || text.trim() === '';

/** What set-up would do for `agent`. Changes nothing, and never throws for what it finds. */
export function planSettings(agent: AgentId, setup: AgentSetup, options: PlanOptions): SetupPlan {
  const { scope, projectDir, remove = false, env = process.env } = options;
  const file = setup.file(options);
  const plan: SetupPlan = {
    agent,
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
    if (remove) planRemoval(plan, setup, options, env);
    else planAddition(plan, setup, options, env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    plan.after = plan.before;
    const message = `${file} ${error.message}. It was left as it is.`;
    plan.problems = [{ severity: 'error', message }];
  }
  plan.changed = plan.after !== plan.before;
  return plan;
}

function planRemoval(plan: SetupPlan, setup: AgentSetup, options: PlanOptions, env: Env): void {
  const { before } = plan;
  if (before === undefined) return;
  const base = undone(setup.agent, plan.target, before, env);
  if (base !== undefined) {
    plan.after = base.existed ? base.text : undefined;
    return;
  }
  const plain = plainText(before) ?? '';
  if (isBlank(plain)) return;
  const left = setup.edit(options).remove(plain);
  plan.after =
    left === undefined ? undefined : before.slice(0, before.length - plain.length) + left;
}

function planAddition(plan: SetupPlan, setup: AgentSetup, options: PlanOptions, env: Env): void {
  const edit = setup.edit(options);
  plan.events = edit.events;
  const { before } = plan;
  const plain = plainText(before);
  const text = isBlank(plain) ? undefined : plain;
  const warnings = setup.warnings?.(options, text) ?? [];
  plan.problems.push(
    ...warnings.map((message): SetupProblem => ({ severity: 'warning', message })),
  );
  if (text !== undefined && edit.isUpToDate(text)) return;
  const ours = text !== undefined && edit.hasOurs(text);
  if (!ours && isElsewhere(plan, setup, options)) return;
  const base = before === undefined ? undefined : undone(setup.agent, plan.target, before, env);
  let from = plain ?? '';
  let existed = before !== undefined;
  if (base !== undefined) {
    existed = base.existed;
    from = plainText(base.text) ?? '';
  } else if (ours) from = edit.remove(text) ?? '';
  const added = edit.add(from);
  const mark = before?.startsWith(BOM) === true ? BOM : '';
  plan.after = mark + added.text;
  const shift = mark.length;
  plan.undo = {
    existed,
    steps: added.steps.map((step) => ({ ...step, offset: step.offset + shift })),
  };
}

/**
 * Whether another settings file of the agent records it here already: most agents run what they find in both
 * files, and every call would be told twice. The person's own entry for all projects is as good as one for
 * this project; the other way round it is for the person to say which is to stay.
 *
 * @throws SettingsError
 */
function isElsewhere(plan: SetupPlan, setup: AgentSetup, options: PlanOptions): boolean {
  if (setup.runsTwinsOnce === true) return false;
  for (const scope of setup.scopes) {
    if (scope === options.scope) continue;
    const file = findOurs(setup, { ...options, scope })?.file;
    if (file === undefined || file === plan.target) continue;
    if (options.scope !== 'user') {
      plan.coveredBy = file;
      return true;
    }
    throw new SettingsError(
      `needs no entry for this project, which has one in ${file}: with both, its sessions would be recorded ` +
        `twice. First take that one out: agent-strace setup --cli ${plan.agent} --scope ${scope} --remove`,
    );
  }
  return false;
}

/** Where one scope's settings hold our part; undefined: they do not, or cannot be read. */
export function findOurs(
  setup: AgentSetup,
  options: PlanOptions,
): { file: string; scope: SetupScope; current: boolean } | undefined {
  const file = setup.file(options);
  try {
    const text = plainText(readSettings(resolveTarget(file, options)));
    if (text === undefined || isBlank(text)) return undefined;
    const edit = setup.edit(options);
    if (!edit.hasOurs(text)) return undefined;
    return { file, scope: options.scope, current: edit.isUpToDate(text) };
  } catch {
    return undefined;
  }
}

/** @throws Error where the plan's file could not be written; nothing is changed */
export function checkSettings({ target, changed }: SetupPlan): void {
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
export function applySettings(plan: SetupPlan, setup: AgentSetup, env: Env = process.env): void {
  const { target, before, after } = plan;
  if (!plan.changed) return;
  let now: string | undefined;
  try {
    now = readSettings(target);
  } catch (error) {
    throw new Error(`${target} ${(error as Error).message}`);
  }
  if (now !== before) throw new Error(`${target} has changed meanwhile: try again`);
  const known = madeFolderOf(setup.agent, target, env);
  if (after === undefined) {
    fs.rmSync(target);
    if (known !== undefined) removeEmpty(dirname(target), known);
    removeRecord(setup.agent, target, env);
    return;
  }
  // Once made by us it stays ours, however often set-up is run again.
  const madeFolder = fs.mkdirSync(dirname(target), { recursive: true }) ?? known;
  const mode = before === undefined ? 0o644 : fs.statSync(target).mode & 0o777;
  writeSmallFile(target, after, mode);
  if (plan.undo === undefined) removeRecord(setup.agent, target, env);
  else saveRecord(setup.agent, target, after, { ...plan.undo, madeFolder }, env);
}

/** Removes a folder, and those above it up to `top`, as long as they are empty. */
function removeEmpty(folder: string, top: string): void {
  try {
    for (let at = folder; at === top || isBelow(at, top); at = dirname(at)) fs.rmdirSync(at);
  } catch {
    // Somebody put something into it.
  }
}
