import { isObject, type TraceEvent } from '../src/model/event.ts';

/** The rules by which the Python tool finds the one cause of an event, for comparison. */
export function pythonCause(events: readonly TraceEvent[], index: number): number {
  const event = events[index]!;
  if (event.event_type === 'user_prompt' || event.event_type === 'session_start') return -1;
  const parent = events.findIndex(({ event_id: id }) => id !== '' && id === event.parent_id);
  if (parent >= 0) return parent;
  const paths = pathsOf(event);
  for (let at = index - 1; at >= 0; at--) {
    const before = events[at]!;
    if (before.event_type === 'error' && event.event_type === 'tool_call') return at;
    if (before.event_type === 'tool_result') {
      const text = String(before.data.result ?? before.data.content_preview ?? '');
      if (paths.some((path) => text.includes(path))) return at;
    }
    const acts = ['tool_call', 'file_read'].includes(before.event_type);
    const acted = ['tool_call', 'file_write'].includes(event.event_type);
    if (acts && acted && pathsOf(before).some((path) => paths.includes(path))) return at;
    if (before.event_type === 'user_prompt') return at;
  }
  return 0;
}

function pathsOf({ data }: TraceEvent): string[] {
  const args = isObject(data.arguments) ? data.arguments : {};
  return [data, args].flatMap((each) =>
    ['file_path', 'uri', 'path'].flatMap((key) => {
      const value = each[key];
      return typeof value === 'string' && value !== '' ? [value] : [];
    }),
  );
}
