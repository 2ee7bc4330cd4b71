/** What is known of opencode's sessions while they run: which one is whose subagent. */
import type { JsonObject } from '../../model/event.ts';
import type { Lane } from './parts.ts';

const MAX_SESSIONS = 500;
const MAX_DEPTH = 32;

/** One session of opencode's, a subagent's too. */
export interface Session {
  id: string;
  /** Empty: none, or not known. */
  parentId: string;
  /** The parent's call that started it. */
  parentCall: string;
  agentType: string;
  title: string;
  cwd: string;
  version: string;
  /** ms since the epoch; 0: it was there before this process. */
  createdMs: number;
  /** Its start was told. */
  started: boolean;
  /** ms since the epoch at which its start was told. */
  startedMs: number;
  /** Its last answer: a message's info. */
  answer: JsonObject | undefined;
  lastText: string;
  /** An error that no message told of (yet). */
  error: JsonObject | undefined;
  isFork: boolean;
  /** It waits for a prompt, but the state of its last answer is not told yet. */
  isIdle: boolean;
}

/** The sessions of one instance of opencode, the latest of them. */
export class Sessions {
  readonly #directory: string;
  readonly #byId = new Map<string, Session>();

  /** @param directory the folder that the instance works in, absolute */
  constructor(directory: string) {
    this.#directory = directory;
  }

  all(): Session[] {
    return [...this.#byId.values()];
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  known(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  /** What is known of a session, be it nothing. */
  get(id: string): Session {
    let session = this.#byId.get(id);
    if (session === undefined) {
      session = {
        id,
        parentId: '',
        parentCall: '',
        agentType: '',
        title: '',
        cwd: this.#directory,
        version: '',
        createdMs: 0,
        started: false,
        startedMs: 0,
        answer: undefined,
        lastText: '',
        error: undefined,
        isFork: false,
        isIdle: false,
      };
      this.#byId.set(id, session);
      forgetOldest(this.#byId, MAX_SESSIONS);
    }
    return session;
  }

  /** The session that began it all. */
  root(session: Session): Session {
    let at = session;
    for (let depth = 0; at.parentId !== '' && depth < MAX_DEPTH; depth++) {
      at = this.get(at.parentId);
    }
    return at;
  }

  lane(session: Session): Lane {
    const root = this.root(session);
    return {
      sessionId: root.id,
      agentId: root === session ? '' : session.id,
      agentType: session.agentType,
      cwd: session.cwd,
      recordedBy: 'hook',
    };
  }
}

export function forgetOldest(map: Map<string, unknown>, max: number): void {
  if (map.size > max) map.delete(map.keys().next().value as string);
}
