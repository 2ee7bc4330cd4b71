/** The machine in an address. */
import { isUnknown, type Pattern } from './pattern.ts';

/** The host of a URL or of `user@host:path`; undefined if the text is neither. */
export function hostOf(text: Pattern): Pattern | undefined {
  const url = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/@?#]*@)?(\[[^\]]*\]|[^/:?#]*)/i.exec(text);
  if (url) return /^file:/i.test(text) ? undefined : url[1] || undefined;
  const scp = /^(?:[^\s/:@]+@)?([^\s/:@]+):(?!\/\/)/.exec(text);
  return scp?.[1];
}

/** The host of what `curl` and `wget` take: a scheme may be missing. */
export function urlHost(text: Pattern): Pattern | undefined {
  if (text.startsWith('file:')) return undefined;
  const found = /^(?:[a-z][a-z0-9+-]*:\/+)?(?:[^/@?#]*@)?(\[[^\]]*\]|[^/:?#]+)/i.exec(
    text.replaceAll('\\', ''),
  );
  const host = found?.[1];
  return host === undefined || isUnknown(host) ? undefined : host;
}
