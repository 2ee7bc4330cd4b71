/**
 * Runs jobs a few at a time: agents are heavy. The last first, for lists of agents end with the slowest ones.
 *
 * @returns what came of each, in their order
 * @throws as the first that fails
 */
export async function pooled<T, R>(
  jobs: readonly T[],
  work: (job: T) => Promise<R>,
  atOnce = 3,
): Promise<R[]> {
  const results: R[] = [];
  let left = jobs.length;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      const at = --left;
      results[at] = await work(jobs[at]!);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
