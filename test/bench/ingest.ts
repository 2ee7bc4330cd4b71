// One side of the ingest benchmark, in a process of its own: `parse` is the bare loop, `fold` is ours.
import { closeSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { createPricer } from '../../src/analysis/price.ts';
import { summarise } from '../../src/model/summary.ts';
import { TraceSession } from '../../src/trace/session.ts';
import { writeTrace } from './generate.ts';

const [mode, path = '', count = '0'] = process.argv.slice(2);

function parseAll(): number {
  const file = openSync(path, 'r');
  const buffer = Buffer.allocUnsafe(64 * 1024);
  let rest = '';
  let events = 0;
  for (let got = 1; got > 0; ) {
    got = readSync(file, buffer, 0, buffer.length, null);
    const text = rest + buffer.toString('latin1', 0, got);
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      JSON.parse(text.slice(start, end));
      events++;
      start = end + 1;
    }
    rest = text.slice(start);
  }
  closeSync(file);
  return events;
}

if (mode === 'generate') {
  writeTrace(path, Number(count));
} else {
  const pricer = await createPricer();
  const from = performance.now();
  let events: number;
  if (mode === 'parse') events = parseAll();
  else {
    const session = new TraceSession(dirname(path), 'bench-session', { pricer });
    while (session.update(8 << 20));
    events = summarise(session.fold, { nowMs: Date.now() }).events;
  }
  const ms = performance.now() - from;
  const megabytes = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify({ mode, events, ms, megabytes }));
}
