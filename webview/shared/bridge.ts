/** The one way in and out of a page: typed messages to and from whatever hosts it. */

interface HostApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare global {
  /** Given by VS Code, and by the stand-in that other hosts put before the page's script. */
  function acquireVsCodeApi(): HostApi;
}

export interface Bridge<To, From, State> {
  post(message: From): void;
  /** What the page kept the last time it was shown: intent of the person only, never trace data. */
  load(): Partial<State>;
  save(state: State): void;
  /** Calls `handle` for every message of the host; returns how to stop. */
  listen(handle: (message: To) => void): () => void;
}

/** May be called once a page. */
export function connect<To extends { type: string }, From, State extends object>(): Bridge<
  To,
  From,
  State
> {
  const api = acquireVsCodeApi();
  return {
    post: (message) => api.postMessage(message),
    load() {
      const state = api.getState();
      return typeof state === 'object' && state !== null ? (state as Partial<State>) : {};
    },
    save: (state) => api.setState(state),
    listen(handle) {
      const onMessage = ({ data }: MessageEvent) => {
        if (typeof data === 'object' && data !== null && typeof data.type === 'string') {
          handle(data as To);
        }
      };
      window.addEventListener('message', onMessage);
      return () => window.removeEventListener('message', onMessage);
    },
  };
}
