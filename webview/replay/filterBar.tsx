import { formatCount, plural } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import { Chip } from '../shared/chip.tsx';
import type { IconName } from '../shared/icons.tsx';
import { refocus } from '../shared/refocus.ts';
import type { ReplayApp } from './app.ts';
import type { Group, Mark } from './filter.ts';
import { laneName } from './step.tsx';

const GROUP_NAMES: readonly (readonly [Group, string])[] = [
  ['prompts', 'Prompts'],
  ['words', 'Words'],
  ['reads', 'Reads'],
  ['edits', 'Edits'],
  ['commands', 'Commands'],
  ['tools', 'Other tools'],
];
const MARK_NAMES: readonly (readonly [Mark, string, IconName])[] = [
  ['error', 'Errors', 'error'],
  ['denied', 'Denied', 'circle-slash'],
  ['retry', 'Retries', 'refresh'],
];
/** Phases offered by name: a list longer than this nobody reads. */
const MAX_CHOICES = 300;

/** Over the steps: which of them are shown. */
export function FilterBar({ app }: { app: ReplayApp }) {
  if (!app.look.filterOpen && !app.listing.filter.active) return null;
  const { listing, rows, notes, outline } = app;
  const { filter } = listing;
  const lanes = app.header?.lanes ?? [];
  const phases = outline?.phases ?? [];
  const counts: Partial<Record<Mark, number>> = {
    error: rows.counts.errors,
    denied: rows.counts.denied,
  };
  const toggle = <T,>(set: Set<T>, one: T) => {
    app.refilter(() => {
      if (!set.delete(one)) set.add(one);
    });
  };
  return (
    <div class="filter-bar">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot scroll sideways as a row */}
      <div class="chips" role="group" aria-label="Show only">
        {GROUP_NAMES.map(([group, name]) => (
          <Chip
            key={group}
            name={name}
            pressed={filter.groups.has(group)}
            onClick={() => toggle(filter.groups, group)}
          />
        ))}
        {MARK_NAMES.map(([mark, name, icon]) => (
          <Chip
            key={mark}
            name={name}
            icon={icon}
            count={counts[mark]}
            pressed={filter.marks.has(mark)}
            onClick={() => toggle(filter.marks, mark)}
          />
        ))}
        <Chip
          name="With notes"
          icon="note"
          count={notes.all.length}
          pressed={filter.noted}
          onClick={() => app.refilter(() => (filter.noted = !filter.noted))}
        />
        {lanes.length > 1 && (
          <Choice
            label="Agent"
            all="All agents"
            value={filter.lane}
            names={lanes.map((_, lane) => laneName(app, lane))}
            onChange={(lane) => app.refilter(() => (filter.lane = lane))}
          />
        )}
        {phases.length > 1 && (
          <Choice
            label="Phase"
            all="All phases"
            value={filter.phase}
            names={phases.map(({ name }) => visibleText(name))}
            onChange={(phase) => app.refilter(() => (filter.phase = phase))}
          />
        )}
      </div>
      <span class="matches">
        {formatCount(listing.stepCount)} of {plural(rows.total, 'step')}
      </span>
      {filter.active && (
        <button
          type="button"
          class="link"
          onClick={() => {
            app.refilter((current) => current.clear());
            refocus('.filter-bar .chip');
          }}
        >
          Clear
        </button>
      )}
    </div>
  );
}

function Choice({
  label,
  all,
  value,
  names,
  onChange,
}: {
  label: string;
  all: string;
  value: number | undefined;
  names: readonly string[];
  onChange(value: number | undefined): void;
}) {
  return (
    <select
      class="choice"
      aria-label={label}
      value={value === undefined ? '' : String(value)}
      onChange={({ currentTarget: { value: chosen } }) =>
        onChange(chosen === '' ? undefined : Number(chosen))
      }
    >
      <option value="">{all}</option>
      {names.slice(0, MAX_CHOICES).map((name, i) => (
        <option key={i} value={String(i)}>
          {name.slice(0, 60)}
        </option>
      ))}
    </select>
  );
}
