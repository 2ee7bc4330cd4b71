/** Freezes, continues and ends an agent with everything it runs. */
import {
  type FrozenProcess,
  forgetFrozen,
  frozenAs,
  type Role,
  readFrozen,
  writeFrozen,
} from './frozen.ts';
import { hasEnded, isSame, lookAt, type ProcessEntry, type ProcessId } from './processTable.ts';
import { type LeftWhy, TreeWalk } from './processTree.ts';
import { type Kill, type Sent, Signaller } from './signaller.ts';
import { type Refusal, refusal, type Target } from './verify.ts';

type Env = Record<string, string | undefined>;

export interface ControlOptions {
  env?: Env;
  /** Sends a signal; for tests. */
  kill?: Kill;
  /** The process that stands for us; for tests. */
  self?: number;
  /** A hook of ours that runs is given so long to end before its agent is paused, ms. Default 40: a person waits. */
  hookMs?: number;
}

/** Why a process is not as it was wanted. */
export type Why = LeftWhy | Sent | 'stoppedBefore' | 'busy';

export interface ProcessReport {
  pid: number;
  name: string;
  role: Role;
  state: 'frozen' | 'running' | 'gone' | 'leftAlone';
  why?: Why;
}

/** What was done. */
export interface ControlReport {
  ok: true;
  /** `ended`: nothing of the tree is left but what was left alone. `partly`: not all is as it was wanted. */
  state: 'paused' | 'running' | 'ended' | 'partly';
  kind: 'signals' | 'cooperative';
  processes: ProcessReport[];
  /** From the call to the last look, ms. */
  elapsedMs: number;
  /** The system's code: what is frozen could not be written down, and only this process can continue it. */
  unsaved?: string;
}

export type Outcome = ControlReport | Refusal;

const HOOK_MS = 40;
/** A signal has its effect by then, unless the process waits in the kernel, ms. */
const SETTLE_MS = 500;
/** What forks faster than it can be frozen is given up after so many passes. */
const MAX_PASSES = 50;
/** So often it is looked whether anything came after what was killed. */
const LATE_PASSES = 5;
/** A killed process is gone by then, ms. */
const KILL_MS = 2000;

/** A shell that is not still by then does not keep the agent from being frozen, ms. */
const SHELL_MS = 50;

const isStill = (entry: ProcessEntry | undefined): boolean =>
  hasEnded(entry) || entry?.state === 'T';

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One act upon one agent. */
class Act {
  readonly started = performance.now();
  readonly walk: TreeWalk;
  readonly signaller: Signaller;
  readonly env: Env;
  readonly target: Target;
  private readonly failures = new Map<number, Sent>();
  unsaved: string | undefined;

  constructor(target: Target, { env = process.env, kill, self }: ControlOptions) {
    this.target = target;
    this.env = env;
    this.walk = new TreeWalk(target, env, self);
    this.signaller = new Signaller(kill, self);
  }

  async send(ids: readonly ProcessId[], signal: NodeJS.Signals): Promise<void> {
    for (const [pid, sent] of await this.signaller.send(ids, signal)) {
      if (sent !== 'sent' && sent !== 'gone') this.failures.set(pid, sent);
    }
  }

  /** What another window or the command line froze at the same time stays in the list. */
  async save(frozen: readonly FrozenProcess[]): Promise<void> {
    const others = await stillFrozen(this.target.sessionId, this.env);
    const all = [...frozen, ...others.filter((one) => !frozen.some((own) => isSame(own, one)))];
    this.unsaved = writeFrozen(this.target.sessionId, all, this.env) ?? this.unsaved;
  }

  /**
   * Freezes all of the tree, until looks find nothing new.
   *
   * @param frozen gets what was frozen by this
   * @returns false: it forks faster than it can be frozen
   */
  async freezeTree(frozen: FrozenProcess[], known: readonly ProcessEntry[]): Promise<boolean> {
    let found = known;
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const running = found.filter(({ state }) => state !== 'T');
      if (running.length > 0) {
        frozen.push(...running.map((entry) => frozenAs(entry, 'child')));
        // Before the first signal: whatever happens to us, it is known what is to be continued.
        await this.save(frozen);
        await this.send(running, 'SIGSTOP');
      }
      found = await this.walk.pass();
      if (found.length === 0) return true;
    }
    return false;
  }

  /** Waits until all are as `wanted` says, or `ms` are over. @returns them as they are */
  async settle(
    ids: readonly ProcessId[],
    wanted: (entry: ProcessEntry | undefined) => boolean,
    ms: number,
  ): Promise<Map<number, ProcessEntry>> {
    const until = performance.now() + ms;
    let wait = 1;
    for (;;) {
      const now = await lookAt(ids.map(({ pid }) => pid));
      for (const id of ids) if (!isSame(now.get(id.pid), id)) now.delete(id.pid);
      if (ids.every(({ pid }) => wanted(now.get(pid))) || performance.now() >= until) return now;
      await sleep(wait);
      wait = Math.min(20, wait * 2);
    }
  }

  report(
    state: ControlReport['state'],
    about: readonly FrozenProcess[],
    now: ReadonlyMap<number, ProcessEntry>,
    before: ReadonlySet<number> = new Set(),
  ): ControlReport {
    const processes = about.map(({ pid, name: firstName, role }): ProcessReport => {
      const entry = now.get(pid);
      // It may have become another program since it was first seen.
      const name = entry?.name ?? firstName;
      const why = this.failures.get(pid);
      if (hasEnded(entry)) return { pid, name, role, state: 'gone' };
      if (why !== undefined) return { pid, name, role, state: 'leftAlone', why };
      if (before.has(pid)) return { pid, name, role, state: 'leftAlone', why: 'stoppedBefore' };
      return { pid, name, role, state: entry?.state === 'T' ? 'frozen' : 'running' };
    });
    for (const { entry, why } of this.walk.left.values()) {
      const { pid, name } = entry;
      processes.push({ pid, name, role: 'child', state: 'leftAlone', why });
    }
    return {
      ok: true,
      state,
      kind: 'signals',
      processes,
      elapsedMs: performance.now() - this.started,
      ...(this.unsaved !== undefined && { unsaved: this.unsaved }),
    };
  }
}

/** Of what was frozen by us before, that which is still so. */
async function stillFrozen(sessionId: string, env: Env): Promise<FrozenProcess[]> {
  const known = readFrozen(sessionId, env);
  const now = await lookAt(known.map(({ pid }) => pid));
  return known.filter((id) => {
    const entry = now.get(id.pid);
    return isSame(entry, id) && entry?.state === 'T';
  });
}

/**
 * Freezes the agent and everything it runs: its job-control shells first, or they would take the terminal from
 * it; then the agent, then what it runs, until a look finds nothing new. What was stopped before is left as it is.
 */
export async function pause(target: Target, options: ControlOptions = {}): Promise<Outcome> {
  const act = new Act(target, options);
  const { walk } = act;
  let children = await walk.pass(false);
  // Frozen for longer than its hook may take, the agent would give the hook up.
  const hookMs = options.hookMs ?? HOOK_MS;
  for (const until = performance.now() + hookMs; walk.recorders().length > 0; ) {
    if (performance.now() >= until) break;
    await sleep(3);
    children = [...children, ...(await walk.pass(false))];
  }
  const agent = walk.table.get(target.id.pid);
  if (!isSame(agent, target.id) || agent === undefined || hasEnded(agent)) {
    return refusal('gone', target.agent);
  }
  const frozen = await stillFrozen(target.sessionId, act.env);
  const onlookers = agent.state === 'T' ? [] : walk.onlookers();
  if (agent.state !== 'T') {
    const shells = walk.jobControlShells().filter(({ state }) => state !== 'T');
    frozen.push(...shells.map((shell) => frozenAs(shell, 'shell')), frozenAs(agent, 'agent'));
    await act.save([...frozen, ...children.map((child) => frozenAs(child, 'child'))]);
    for (const shell of shells) {
      await act.send([shell], 'SIGSTOP');
      // Not before it is still: woken up by the signal, a shell that waits looks at what it waits for once more
      // before it stops, sees that this has stopped, and takes the terminal when it is continued.
      await act.settle([shell], isStill, SHELL_MS);
    }
    await act.send([agent], 'SIGSTOP');
  }
  const whole = await act.freezeTree(frozen, children);
  const tree = [
    frozenAs(agent, 'agent'),
    ...[...walk.members.values()].map((entry) => frozenAs(entry, 'child')),
  ];
  const now = await act.settle(tree, (entry) => hasEnded(entry) || entry?.state === 'T', SETTLE_MS);
  await saveOnlookers(act, frozen, onlookers);
  const mine = new Set(frozen.map(({ pid }) => pid));
  const before = new Set(
    tree.filter(({ pid }) => now.get(pid)?.state === 'T' && !mine.has(pid)).map(({ pid }) => pid),
  );
  const all = [...frozen.filter(({ role }) => role === 'shell'), ...tree];
  const running = tree.some(({ pid }) => !hasEnded(now.get(pid)) && now.get(pid)?.state !== 'T');
  const shells = await lookAt(all.map(({ pid }) => pid));
  return act.report(running || !whole ? 'partly' : 'paused', all, shells, before);
}

/** `su`, `script` and the like stop themselves when what they run is stopped, and nobody would continue them. */
async function saveOnlookers(
  act: Act,
  frozen: FrozenProcess[],
  onlookers: readonly ProcessEntry[],
): Promise<void> {
  const known = new Set(frozen.map(({ pid }) => pid));
  frozen.push(
    ...onlookers.filter(({ pid }) => !known.has(pid)).map((entry) => frozenAs(entry, 'onlooker')),
  );
  await act.save(frozen);
}

/**
 * Continues what {@link pause} froze, whoever called it, in reverse: what the agent runs, the agent, its shells
 * last. What was stopped by others stays stopped.
 */
export async function resume(target: Target, options: ControlOptions = {}): Promise<Outcome> {
  const frozen = await stillFrozen(target.sessionId, options.env ?? process.env);
  if (frozen.length === 0) {
    forgetFrozen(target.sessionId, options.env);
    const [agent] = (await lookAt([target.id.pid])).values();
    return refusal(agent?.state === 'T' ? 'notPausedHere' : 'notPaused', target.agent);
  }
  return await release(new Act(target, options), frozen);
}

/** Continues what is left frozen of a session whose agent has ended, its shell above all. */
export async function resumeLeftovers(
  sessionId: string,
  agent: string,
  options: ControlOptions = {},
): Promise<Outcome> {
  const frozen = await stillFrozen(sessionId, options.env ?? process.env);
  if (frozen.length === 0) {
    forgetFrozen(sessionId, options.env);
    return refusal('gone', agent);
  }
  const id = { pid: 0, startTime: '' };
  const target: Target = { sessionId, agent, id, name: '', marks: new Set() };
  return await release(new Act(target, options), frozen);
}

async function release(act: Act, frozen: readonly FrozenProcess[]): Promise<ControlReport> {
  await continueAll(act, frozen);
  const isUp = (entry: ProcessEntry | undefined): boolean => entry?.state !== 'T';
  const now = await act.settle(frozen, isUp, SETTLE_MS);
  const stuck = frozen.filter(({ pid }) => now.get(pid)?.state === 'T');
  if (stuck.length > 0) await act.save(stuck);
  else forgetFrozen(act.target.sessionId, act.env);
  return act.report(stuck.length > 0 ? 'partly' : 'running', frozen, now);
}

const RESUME_ORDER: readonly Role[] = ['child', 'agent', 'shell', 'onlooker'];

async function continueAll(act: Act, frozen: readonly FrozenProcess[]): Promise<void> {
  const reversed = frozen.toReversed();
  const inOrder = RESUME_ORDER.flatMap((role) => reversed.filter((one) => one.role === role));
  await act.send(inOrder, 'SIGCONT');
}

/**
 * Asks the agent to end, as closing its terminal would; what it leaves running is asked too, and after the grace
 * everything that is left of the tree is killed. A paused agent is continued for that, but what it ran is asked to end
 * before it is: it does not go on.
 *
 * @param graceMs from asking to killing, ms
 */
export async function stop(
  target: Target,
  graceMs: number,
  options: ControlOptions = {},
): Promise<Outcome> {
  const act = new Act(target, options);
  const { walk } = act;
  const until = performance.now() + graceMs;
  const frozen = await stillFrozen(target.sessionId, act.env);
  await walk.pass();
  await act.send([target.id], 'SIGTERM');
  if (frozen.length > 0) {
    const children = frozen.filter(({ role }) => role === 'child');
    await act.send(children, 'SIGTERM');
    await continueAll(act, frozen);
    forgetFrozen(target.sessionId, act.env);
  }
  await act.settle([target.id], hasEnded, Math.max(0, until - performance.now()));
  await walk.pass();
  const left = [...walk.members.values()];
  const now = await lookAt([target.id.pid]);
  if (!isSame(now.get(target.id.pid), target.id) || hasEnded(now.get(target.id.pid))) {
    await act.send(left, 'SIGTERM');
  }
  await act.settle(left, hasEnded, Math.max(0, until - performance.now()));
  return await killTree(act, frozen);
}

/** Kills the agent and everything it runs. It cannot save anything. */
export async function kill(target: Target, options: ControlOptions = {}): Promise<Outcome> {
  const act = new Act(target, options);
  const frozen = await stillFrozen(target.sessionId, act.env);
  return await killTree(act, frozen);
}

/** Frozen first, so that nothing of it forks away while it is killed. */
async function killTree(act: Act, frozen: readonly FrozenProcess[]): Promise<ControlReport> {
  const { target, walk } = act;
  const known = await walk.pass(false);
  await act.send([target.id], 'SIGSTOP');
  const stopped: FrozenProcess[] = [];
  let found: readonly ProcessEntry[] = [...walk.members.values(), ...known];
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    await act.send(found, 'SIGSTOP');
    found = await walk.pass();
    if (found.length === 0) break;
  }
  stopped.push(frozenAs({ ...target.id, name: target.name, role: 'agent' }, 'agent'));
  for (const entry of walk.members.values()) stopped.push(frozenAs(entry, 'child'));
  const earlier = frozen.filter(
    ({ pid, role }) => role === 'child' && !stopped.some((one) => one.pid === pid),
  );
  const doomed = [...stopped, ...earlier];
  await act.send(doomed, 'SIGKILL');
  const outer = frozen.filter(({ role }) => role === 'shell' || role === 'onlooker');
  await continueAll(act, outer);
  forgetFrozen(target.sessionId, act.env);
  // What was forked by the last of them, between a look and its end.
  for (let pass = 0; pass < LATE_PASSES; pass++) {
    const late = await walk.pass();
    if (late.length === 0) break;
    await act.send(late, 'SIGKILL');
    doomed.push(...late.map((entry) => frozenAs(entry, 'child')));
  }
  const now = await act.settle(doomed, hasEnded, KILL_MS);
  const alive = doomed.some(({ pid }) => !hasEnded(now.get(pid)));
  return act.report(alive ? 'partly' : 'ended', doomed, now);
}
