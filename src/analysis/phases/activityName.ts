import { FLAG } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import type { SessionPhase } from './phase.ts';

/** What a phase was at, in a few words: `Explore src/payments`, `Fix webhook.py`. Hostile. */
export function activityName(fold: SessionFold, phase: SessionPhase): string {
  switch (phase.activity) {
    case 'explore':
      return `Explore ${place(fold, phase)}`.trim();
    case 'edit':
      return `Edit ${changed(fold, phase)}`;
    case 'fix':
      return `Fix ${changed(fold, phase)}`;
    case 'test':
      return 'Test';
    case 'run':
      if (phase.runs === 0) return 'Use tools';
      return commits(fold, phase) ? 'Run commands, commit' : 'Run commands';
    case 'delegate':
      return delegate(fold, phase);
    case 'answer':
      return 'Answer';
  }
}

function delegate({ subagents }: SessionFold, { startMs, endMs }: SessionPhase): string {
  const started = subagents
    .all()
    .filter((each) => each.startMs >= startMs && each.startMs <= endMs);
  if (started.length > 1) return `Delegate to ${started.length} subagents`;
  const type = started[0]?.type ?? '';
  return type === '' ? 'Delegate' : `Delegate to ${type}`;
}

function commits({ columns, steps }: SessionFold, { firstStep, lastStep }: SessionPhase): boolean {
  for (let step = firstStep; step <= lastStep; step++) {
    if ((columns.flags[steps.row(step)]! & FLAG.commit) !== 0) return true;
  }
  return false;
}

/** `webhook.py and 2 more`: the files worked on most stand first. */
function changed(fold: SessionFold, phase: SessionPhase): string {
  const [first] = phase.files;
  if (first === undefined || phase.filesChanged === 0) return 'files';
  const more = phase.filesChanged - 1;
  const name = parts(fold.files.paths.name(first)).at(-1) ?? '';
  return more > 0 ? `${name} and ${more} more` : name;
}

/** The folder that holds most of what was looked at, from the session's folder on; one file by its name. */
function place(fold: SessionFold, phase: SessionPhase): string {
  const { paths } = fold.files;
  const [first] = phase.files;
  if (first === undefined) return '';
  if (phase.files.length === 1) return parts(paths.name(first)).at(-1) ?? '';
  const home = parts(fold.session.cwd);
  const folders = phase.files.map((file) => parts(paths.name(file)).slice(0, -1));
  const common = deepest(folders);
  const inside = home.every((part, at) => common[at] === part);
  // A folder around the session's own says nothing.
  const around = common.every((part, at) => home[at] === part);
  const shown = inside ? common.slice(home.length) : around ? [] : common.slice(-2);
  if (shown.length > 0)
    return shown.length > 3 ? `…/${shown.slice(-2).join('/')}` : shown.join('/');
  return `${phase.filesRead} files`;
}

/** The deepest folder in which at least three of four are; the first ones count most, for they stand first. */
function deepest(folders: readonly string[][]): string[] {
  let within = folders.map((folder) => folder);
  const needed = Math.ceil(folders.length * 0.75);
  const common: string[] = [];
  for (let depth = 0; ; depth++) {
    const counts = new Map<string, number>();
    for (const folder of within) {
      const part = folder[depth];
      if (part !== undefined) counts.set(part, (counts.get(part) ?? 0) + 1);
    }
    let best = '';
    let most = 0;
    for (const [part, count] of counts) {
      if (count > most) {
        best = part;
        most = count;
      }
    }
    if (most < needed) return common;
    common.push(best);
    within = within.filter((folder) => folder[depth] === best);
  }
}

const parts = (path: string): string[] => path.split(/[\\/]/).filter((part) => part !== '');
