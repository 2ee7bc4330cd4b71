import { structuralDiff } from '../../analysis/compare/structural.ts';
import { comparisonJson } from '../../report/compareJson.ts';
import { diffText, semanticJson, semanticText, structuralJson } from '../../report/diffText.ts';
import { comparisonOf, describer, readSide } from '../compareSides.ts';
import { EXIT } from '../exit.ts';
import { CliError, type Io, mostOf, print, printJson, styleFor, widthOf } from '../io.ts';
import { findSession, openStore, type TraceOptions } from '../traces.ts';

export interface DiffOptions extends TraceOptions {
  semantic?: boolean;
  json?: boolean;
  all?: boolean;
  limit?: number;
}

export async function diff(io: Io, a: string, b: string, options: DiffOptions): Promise<number> {
  const most = mostOf(options);
  const store = openStore(io, options);
  const [first, second] = [findSession(io, store, a), findSession(io, store, b)];
  if (first.directory === second.directory) {
    throw new CliError('Both are the same session', EXIT.usage, 'Name two: agent-strace list');
  }
  const left = await readSide(io, store, first);
  const right = await readSide(io, store, second);
  const comparison = await comparisonOf(io, left, right);
  const describe = describer(left, right);
  const differences =
    options.semantic === true ? [] : structuralDiff(left.facts, right.facts, comparison);
  if (options.json === true) {
    const facts = { a: left.facts, b: right.facts };
    await printJson(io, {
      ...comparisonJson(comparison, facts, describe),
      ...(options.semantic === true
        ? { semantic: semanticJson(comparison) }
        : { differences: structuralJson(facts, differences) }),
    });
    return EXIT.ok;
  }
  const text = { style: styleFor(io, io.stdout), width: widthOf(io), describe, most };
  await print(
    io,
    options.semantic === true
      ? semanticText(comparison, text)
      : diffText(comparison, differences, text),
  );
  return EXIT.ok;
}
