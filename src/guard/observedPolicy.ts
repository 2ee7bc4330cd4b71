/** A policy out of what sessions did: what they read, wrote, ran and reached is allowed, and nothing else. */
import { isSensitivePath } from '../redact/sensitivePath.ts';
import type { TraceSession } from '../trace/session.ts';
import { TELLS_NAMES } from './decision/evaluate.ts';
import type { GuardedCall, Touch } from './decision/guardedCall.ts';
import { textGlob } from './decision/pathGlob.ts';
import { type Folder, folderTree, globsOf } from './pathTree.ts';
import { commandForm, isByRemote } from './policyCommands.ts';
import { isParsed, type RecordedCall, recordedCalls } from './recordedCalls.ts';
import { FREE_PROGRAMS, freeOf } from './scopeFree.ts';
import { groupGlob, SENSITIVE } from './sensitiveGlobs.ts';
import { isLiteral, isUnknown, type Pattern, textOf } from './shell/pattern.ts';

export interface PolicyFile {
  $comment: string;
  $schema?: string;
  files: Record<'read' | 'write', { allow: string[]; deny: string[] }>;
  commands?: { allow: string[] };
  network?: { deny_all: true; allow: string[] };
}

export interface ObservedPolicy {
  policy: PolicyFile;
  /** What a person should look at before it is used. */
  warnings: string[];
  /** Calls that it is made of. */
  calls: number;
}

type Access = 'read' | 'write';

/** Of each kind: what goes beyond is told, and left out. */
const MOST = 50_000;
/** Entries of one list: a policy that nobody reads is none. */
const MOST_ENTRIES = 1000;

export class PolicyObserver {
  private calls = 0;
  private sessions = 0;
  /** Below the project, relative. */
  private readonly inside: Record<Access, Folder> = { read: folderTree(), write: folderTree() };
  /** Absolute. */
  private readonly outside: Record<Access, Set<string>> = { read: new Set(), write: new Set() };
  /** Sensitive files that were touched, by the names that they go by in the policy. */
  private readonly sensitive: Record<Access, Set<string>> = { read: new Set(), write: new Set() };
  private readonly commands = new Map<string, string | undefined>();
  private readonly hosts = new Set<string>();
  private remotes = 0;
  private unreadable = 0;
  private left = 0;

  /** @param root the session's project, absolute. @returns what it yields are moments to let others work */
  *add(session: TraceSession, root: string, local: boolean): Generator<undefined, void> {
    this.sessions++;
    const free = freeOf(root).map((glob) => textGlob(glob));
    for (const recorded of recordedCalls(session, { local, root })) {
      if (recorded === undefined) yield undefined;
      else if (!recorded.denied) this.look(recorded, root, free);
    }
  }

  private look(
    { call, outcome }: RecordedCall,
    root: string,
    free: readonly ((text: string) => boolean)[],
  ): void {
    this.calls++;
    for (const each of [call, ...(outcome === undefined ? [] : [outcome])])
      for (const touch of each.touches) this.touch(touch, each, root, free);
    for (const host of call.hosts)
      if (host !== undefined && isLiteral(host)) this.keep(this.hosts, textOf(host));
    if (call.reading?.opaque.some(({ kind }) => kind === 'hidden')) this.unreadable++;
    // Of what no shell could run the words are no programs.
    for (const program of isParsed(call) ? (call.reading?.programs ?? []) : []) {
      if (isByRemote(program)) this.remotes++;
      const form = commandForm(program);
      if (form === undefined || FREE_PROGRAMS.includes(program.name ?? '')) continue;
      if (this.commands.size < MOST) this.commands.set(form.pattern, form.warning);
      else this.left++;
    }
  }

  private keep(set: Set<string>, text: string): void {
    if (set.size < MOST || set.has(text)) set.add(text);
    else this.left++;
  }

  private touch(
    { path, access, deep, how }: Touch,
    { command }: GuardedCall,
    root: string,
    free: readonly ((text: string) => boolean)[],
  ): void {
    if (path === undefined || isUnknown(path)) return;
    const text = textOf(path);
    if (free.some((is) => is(text))) return;
    const inside = text === root || text.startsWith(`${root}/`);
    // As the policy itself counts: see `known` of the condition.
    if (access === 'unknown' && command !== undefined) return;
    if (inside && access === 'read' && TELLS_NAMES.test(how)) return;
    const kinds: Access[] =
      access === 'unknown' ? ['read', 'write'] : [access === 'read' ? 'read' : 'write'];
    const glob = globText(path);
    for (const kind of kinds) {
      if (inside) this.inside[kind].add(glob.slice(globText(root).length + 1), deep);
      else this.keep(this.outside[kind], deep && glob !== '/' ? `${glob}/**` : glob);
      if (isLiteral(path) && isSensitivePath(text))
        this.keep(this.sensitive[kind], inside ? text.slice(root.length + 1) : text);
    }
  }

  make(date: string): ObservedPolicy {
    const warnings: string[] = [];
    const files = {
      read: this.files('read', warnings),
      write: this.files('write', warnings),
    };
    const commands = [...this.commands.keys()].sort();
    for (const [pattern, warning] of this.commands)
      if (warning !== undefined) warnings.push(`${pattern} is allowed: ${warning}`);
    const hosts = [...this.hosts].sort();
    if (this.unreadable > 0)
      warnings.push(
        `${this.unreadable} ${this.unreadable === 1 ? 'command hides' : 'commands hide'} what it does: the guard asks about such commands. See them: agent-strace audit`,
      );
    const closed = hosts.length > 0 || this.remotes === 0;
    if (!closed)
      warnings.push(
        'git talked to a remote whose machine is not known: the network is left open. Name it in "network": { "deny_all": true, "allow": ["github.com"] }',
      );
    if (this.left > 0) warnings.push('There was too much to hold all of it: some is left out.');
    const limited = (list: string[], what: string): string[] => {
      if (list.length <= MOST_ENTRIES) return list;
      warnings.push(`${list.length} ${what} are too many for a policy: ${MOST_ENTRIES} are in it`);
      return list.slice(0, MOST_ENTRIES);
    };
    const count = `${this.calls} ${this.calls === 1 ? 'call' : 'calls'} in ${this.sessions} ${this.sessions === 1 ? 'session' : 'sessions'}`;
    const policy: PolicyFile = {
      $comment: `Observed by agent-strace on ${date}: ${count}. Look it through, and narrow what is too wide.`,
      files: {
        read: { ...files.read, allow: limited(files.read.allow, 'paths that were read') },
        write: { ...files.write, allow: limited(files.write.allow, 'paths that were written') },
      },
      ...(commands.length > 0 && { commands: { allow: limited(commands, 'commands') } }),
      ...(closed && { network: { deny_all: true as const, allow: limited(hosts, 'hosts') } }),
    };
    return { policy, warnings, calls: this.calls };
  }

  private files(kind: Access, warnings: string[]): { allow: string[]; deny: string[] } {
    const observed = [...this.sensitive[kind]].sort();
    const inside = globsOf(this.inside[kind], observed);
    const outside = [...this.outside[kind]].sort();
    const verb = kind === 'read' ? 'read' : 'written';
    for (const path of outside) warnings.push(`${path} lies outside the project, and was ${verb}`);
    for (const path of observed)
      warnings.push(`${path} holds secrets by its name, and was ${verb}`);
    const deny: string[] = [];
    const whole = inside.filter(
      (glob) =>
        glob.endsWith('/**') &&
        glob !== './**' &&
        !observed.some((path) => path.startsWith(glob.slice(0, -2))),
    );
    for (const group of SENSITIVE) {
      const wasSeen = (name: string): boolean =>
        observed.some(matcher(`${group.before}${name}${group.after}`));
      const seen = group.names.filter(wasSeen);
      const never = groupGlob(
        group,
        group.names.filter((name) => !seen.includes(name)),
      );
      if (never !== undefined) deny.push(never);
      const elsewhere = groupGlob(group, seen);
      // Where it was not seen it stays denied: a folder that holds one is not in the list as a whole.
      if (elsewhere !== undefined)
        for (const folder of whole)
          deny.push(`${folder.slice(0, -3)}/**/${elsewhere.replace(/^\*\*\//, '')}`);
    }
    return { allow: [...inside, ...outside], deny };
  }
}

/** Whether a path is of a glob of sensitive files: a name, or a folder anywhere. */
function matcher(name: string): (path: string) => boolean {
  if (!name.includes('/')) {
    const is = textGlob(name);
    return (path) => is(path.slice(path.lastIndexOf('/') + 1));
  }
  const folder = name.split('/')[1]!;
  return (path) => path.split('/').slice(0, -1).includes(folder);
}

/** A path as a glob: what would mean something in one stands for any character. */
function globText(path: Pattern): string {
  return path.replace(/\\[\s\S]|[{}]/g, (sign) => (/^\\[\w./ -]$/.test(sign) ? sign[1]! : '?'));
}
