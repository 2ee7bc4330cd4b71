/** Runs jobs a few at a time: agents are heavy. @returns what came of each, in their order. @throws as the first that fails */
export async function pooled<T, R>(
  jobs: readonly T[],
  work: (job: T) => Promise<R>,
  atOnce = 3,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < jobs.length) {
      const at = next++;
      results[at] = await work(jobs[at]!);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
