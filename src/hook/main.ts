import { readFileSync } from 'node:fs';

try {
  readFileSync(0);
} catch {
  // A recorder that cannot read its input must not disturb the agent.
}
