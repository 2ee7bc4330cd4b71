/** What an agent runs: its descendants, and what left them but still bears the session's name. */
import { readHookCommand } from '../agents/hookEntry.ts';
import { LAUNCHER_NAME } from '../agents/launcher.ts';
import { stateHome } from '../trace/paths.ts';
import { type BystanderWhy, bystander } from './bystanders.ts';
import { isEditor } from './editors.ts';
import {
  chainOf,
  commandWords,
  hasEnded,
  hasEnvironment,
  isSame,
  type ProcessEntry,
  type ProcessId,
  readTable,
} from './processTable.ts';
import type { Target } from './verify.ts';

type Env = Record<string, string | undefined>;

/** Why a process of the tree is not touched. */
export type LeftWhy = 'otherUser' | 'editor' | 'ours' | BystanderWhy;

const keyOf = ({ pid, startTime }: ProcessId): string => `${pid} ${startTime}`;

/** Environments that are read at once. */
const AT_ONCE = 16;

/**
 * Walks an agent's processes, pass by pass: whatever forks meanwhile is found by the next one. A grandchild
 * that called setsid has no parent in the tree any more, but its environment names the session.
 */
export class TreeWalk {
  private readonly target: Target;
  private readonly home: string;
  private readonly self: number;
  /** All that belong to it, the agent itself not among them. */
  readonly members = new Map<string, ProcessEntry>();
  readonly left = new Map<string, { entry: ProcessEntry; why: LeftWhy }>();
  /** Looked at and found to be none of it. */
  private readonly others = new Set<string>();
  /** What the agent runs in: the same when it has ended, whatever the environment of that may say. */
  private readonly above = new Set<string>();
  /** The agent's terminal; empty: none. */
  private tty = '';
  /** The system as the last pass saw it. */
  table = new Map<number, ProcessEntry>();

  constructor(target: Target, env: Env = process.env, self = process.pid) {
    this.target = target;
    this.home = stateHome(env);
    this.self = self;
  }

  /**
   * Looks once more.
   *
   * @param environments read them too: slower, finds those that left the tree
   * @returns members that were not known
   */
  async pass(environments = true): Promise<ProcessEntry[]> {
    this.table = await readTable();
    const children = new Map<number, ProcessEntry[]>();
    for (const entry of this.table.values()) {
      const siblings = children.get(entry.ppid);
      if (siblings) siblings.push(entry);
      else children.set(entry.ppid, [entry]);
    }
    const protectedPids = new Set(this.chain(this.self).map(({ pid }) => pid));
    if (isSame(this.table.get(this.target.id.pid), this.target.id)) {
      const [agent, ...above] = this.chain(this.target.id.pid);
      this.tty = agent?.tty ?? '';
      for (const entry of above) this.above.add(keyOf(entry));
    }
    const found: ProcessEntry[] = [];
    const descend = (from: readonly ProcessId[]): void => {
      const queue = from.filter((id) => isSame(this.table.get(id.pid), id));
      for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
        for (const child of children.get(id.pid) ?? []) {
          if (this.isKnown(child) || !this.admit(child, protectedPids)) continue;
          found.push(child);
          queue.push(child);
        }
      }
    };
    descend([this.target.id, ...this.members.values()]);
    if (environments && this.target.marks.size > 0) {
      const strays = await this.strays(protectedPids);
      for (const stray of strays) {
        if (this.isKnown(stray)) continue;
        const why = bystander(stray, this.chain(stray.pid).slice(1), this.tty);
        if (why !== undefined) this.left.set(keyOf(stray), { entry: stray, why });
        else if (this.admit(stray, protectedPids)) {
          found.push(stray);
          descend([stray]);
        }
      }
    }
    return found;
  }

  private chain(pid: number): ProcessEntry[] {
    return chainOf((at) => this.table.get(at), pid);
  }

  private isKnown(entry: ProcessEntry): boolean {
    const key = keyOf(entry);
    return isSame(this.target.id, entry) || this.members.has(key) || this.left.has(key);
  }

  /** @returns whether it is a member, and what it runs may be */
  private admit(entry: ProcessEntry, protectedPids: ReadonlySet<number>): boolean {
    if (hasEnded(entry) || this.isRecorder(entry)) return false;
    const why = protectedPids.has(entry.pid)
      ? 'ours'
      : entry.uid !== process.getuid?.()
        ? 'otherUser'
        : isEditor(entry)
          ? 'editor'
          : undefined;
    if (why === undefined) this.members.set(keyOf(entry), entry);
    else this.left.set(keyOf(entry), { entry, why });
    return why === undefined;
  }

  /** Processes of our user that bear the session's name, but are no descendants of the agent. */
  private async strays(protectedPids: ReadonlySet<number>): Promise<ProcessEntry[]> {
    const uid = process.getuid?.();
    const candidates = [...this.table.values()].filter(
      (entry) =>
        entry.uid === uid &&
        !hasEnded(entry) &&
        entry.pid > 1 &&
        // Threads of the kernel have no group, and no environment.
        entry.pgid > 0 &&
        !this.above.has(keyOf(entry)) &&
        !protectedPids.has(entry.pid) &&
        !this.isKnown(entry) &&
        !this.others.has(keyOf(entry)),
    );
    const found: ProcessEntry[] = [];
    for (let at = 0; at < candidates.length; at += AT_ONCE) {
      await Promise.all(
        candidates.slice(at, at + AT_ONCE).map(async (entry) => {
          const named = await hasEnvironment(entry.pid, this.target.marks);
          if (named && !this.isInEditor(entry)) found.push(entry);
          else this.others.add(keyOf(entry));
        }),
      );
    }
    return found;
  }

  /** An editor that the agent started hands its environment to the terminals in it: those are the person's. */
  private isInEditor(entry: ProcessEntry): boolean {
    return this.chain(entry.pid).some(isEditor);
  }

  /**
   * Our own hook: it is done within milliseconds, and what it writes must not be cut off. Told by the path of our launcher or
   * recorder in the state folder, which the agent must not write.
   */
  isRecorder(entry: ProcessEntry): boolean {
    const words = commandWords(entry.pid).slice(0, 5);
    if (words[1]?.startsWith(`${this.home}/lib/`) === true && words[2] === '--agent') return true;
    const launcher = `${this.home}/bin/${LAUNCHER_NAME}`;
    // The agent's shell with the command of its settings; then the launcher, itself a script.
    if (words[1] === '-c') return readHookCommand(words[2] ?? '')?.path === launcher;
    return words[1] === launcher && words[2] === '--agent';
  }

  /** Hooks of ours that run now, of whichever process of the agent's. */
  recorders(): ProcessEntry[] {
    return [...this.table.values()].filter(
      (entry) =>
        !hasEnded(entry) &&
        isSame(this.chain(entry.pid).slice(1).find(this.isTarget), this.target.id) &&
        this.isRecorder(entry),
    );
  }

  private readonly isTarget = (entry: ProcessEntry): boolean => entry.pid === this.target.id.pid;

  /**
   * The shells that gave the agent its terminal, the outermost first: they do job control, that is, they put
   * what they run into groups of its own and take the terminal back when that is stopped. None where the agent
   * does not have the terminal.
   */
  jobControlShells(): ProcessEntry[] {
    const [agent, ...above] = this.chain(this.target.id.pid);
    if (agent === undefined || agent.tty === '' || agent.foreground !== agent.pgid) return [];
    const ours = new Set(this.chain(this.self).map(({ pid }) => pid));
    const shells: ProcessEntry[] = [];
    let below = agent;
    for (const entry of above) {
      if (entry.tty !== agent.tty || entry.session !== agent.session) break;
      const mayBe = entry.pid > 1 && entry.uid === process.getuid?.() && !ours.has(entry.pid);
      if (entry.pgid !== below.pgid && mayBe && !isEditor(entry)) shells.unshift(entry);
      below = entry;
    }
    return shells;
  }

  /** What the agent runs in, beyond its shells, that may be stopped along with them and is ours. */
  onlookers(): ProcessEntry[] {
    const ours = new Set(this.chain(this.self).map(({ pid }) => pid));
    return this.chain(this.target.id.pid)
      .slice(1)
      .filter(
        (entry) =>
          entry.pid > 1 &&
          // Threads of the kernel have no group, and no environment.
          entry.pgid > 0 &&
          entry.uid === process.getuid?.() &&
          entry.state !== 'T' &&
          !ours.has(entry.pid) &&
          !isEditor(entry),
      );
  }
}
