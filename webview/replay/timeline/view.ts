/** The part of the timeline that is seen, in units of its order. Plain arithmetic. */

export interface View {
  from: number;
  to: number;
}

/** The view within the whole, and not shorter than the shortest. */
export function within({ from, to }: View, length: number, least: number): View {
  const span = Math.min(length, Math.max(least, to - from));
  const start = Math.min(Math.max(0, from), length - span);
  return { from: start, to: start + span };
}

/**
 * Zooms so that what is under a place stays there.
 *
 * @param factor of the span: below 1 nearer
 */
export function zoomed(
  view: View,
  at: number,
  factor: number,
  length: number,
  least: number,
): View {
  const span = Math.min(length, Math.max(least, (view.to - view.from) * factor));
  const share = (at - view.from) / (view.to - view.from);
  const from = at - share * span;
  return within({ from, to: from + span }, length, least);
}

export function panned(view: View, by: number, length: number, least: number): View {
  return within({ from: view.from + by, to: view.to + by }, length, least);
}

/**
 * The view, moved so that a place is in it.
 *
 * @param margin part of the view that is kept free where it moves
 */
export function showing(view: View, at: number, length: number, least: number, margin = 0.2): View {
  const span = view.to - view.from;
  if (at >= view.from && at <= view.to) return view;
  const from = at < view.from ? at - span * (1 - margin) : at - span * margin;
  return within({ from, to: from + span }, length, least);
}
