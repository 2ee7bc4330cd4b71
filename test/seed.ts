import fc from 'fast-check';

// A person's runs look for new cases; CI runs the same ones every time, so that a red build means a
// change and not a draw. FC_SEED repeats a run.
const seed = process.env.FC_SEED ?? (process.env.CI ? '20261123' : undefined);
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) });
