/** What the extension host reports about one test. */
export interface HostTestResult {
  name: string;
  /** ms */
  duration: number;
  /** The stack of what it threw; absent when it passed. */
  error?: string;
}

/** Begins the console lines that carry a result. */
export const resultMarker = 'AGENT_STRACE_TEST ';

const tests: { name: string; body: () => Promise<void> | void }[] = [];

/** Registers a test that runs inside the extension host, where `vscode` is the real thing. */
export function test(name: string, body: () => Promise<void> | void): void {
  tests.push({ name, body });
}

/** ms that a test may take */
const timeout = 30_000;

/**
 * Runs all registered tests one after the other; VS Code calls it.
 * @throws at the end when one has failed
 */
export async function run(): Promise<void> {
  let failed = 0;
  for (const { name, body } of tests) {
    const started = Date.now();
    const result: HostTestResult = { name, duration: 0 };
    try {
      await withTimeout(Promise.resolve().then(body));
    } catch (error) {
      failed += 1;
      result.error = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    result.duration = Date.now() - started;
    console.log(resultMarker + JSON.stringify(result));
  }
  if (failed) throw new Error(`${failed} of ${tests.length} tests failed`);
}

/** Waits until `probe` returns something; throws after `timeout` ms. */
export async function until<T>(
  probe: () => T | undefined | Promise<T | undefined>,
  timeout = 10_000,
): Promise<T> {
  const deadline = Date.now() + timeout;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`nothing came of it in ${timeout} ms: ${probe}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function withTimeout(work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`still running after ${timeout} ms`)), timeout);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
