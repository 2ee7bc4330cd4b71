/** Programs that run others in a container. */
import { type Call, type Effect, inFolders, type Sink } from './call.ts';
import { Options } from './options.ts';
import { isUnknown, type Pattern } from './pattern.ts';
import type { Output } from './state.ts';
import { foldersOf } from './wrappers.ts';

interface Mount {
  from: Pattern;
  to: Pattern;
}

const RUN_VALUED =
  'v volume mount e env env-file w workdir p publish name network net u user entrypoint platform h hostname l label m memory cpus add-host cap-add cap-drop gpus ipc pid pull restart shm-size tmpfs ulimit log-driver log-opt device dns security-opt a attach c cidfile';

/**
 * What runs in a container that is given folders of ours, as if it ran in them. Not for a folder above the one that the
 * command runs in, nor for paths that only the container has.
 * @returns false where it cannot be told
 */
function runInside(call: Call, mounts: readonly Mount[], sink: Sink): boolean {
  const [here] = call.state.cwds;
  if (here === undefined || call.args.includes('--privileged')) return false;
  const options = new Options(call.args.slice(1), RUN_VALUED, true);
  const [, ...words] = options.operands;
  if (options.has('entrypoint')) return false;
  const places: Mount[] = [];
  for (const { from, to } of mounts) {
    // A volume by its name is docker's own.
    if (/^[\w][\w.-]*$/.test(from)) continue;
    const at = foldersOf(call, from)[0];
    if (at === undefined || !to.startsWith('/')) return false;
    if (at !== here && !at.startsWith(`${here}/`)) return false;
    places.push({ from: at, to: to.replace(/\/+$/, '') });
  }
  if (words.length === 0 || places.length === 0) return true;
  const inside = (text: Pattern): Pattern =>
    places.reduce(
      (done, { from, to }) =>
        done.replace(
          new RegExp(`(?<![\\w./-])${to.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}(?![\\w.-])`, 'g'),
          () => from,
        ),
      text,
    );
  const mapped = words.map(inside);
  const known = places.map(({ from }) => from);
  // `/root/.cache` is the container's.
  for (const word of mapped)
    for (const [path] of word.matchAll(/(?<![\w./:-])\/[\w.-][^\s'"]*/g))
      if (!known.some((from) => path.startsWith(from)) && !/^\/(usr|bin|dev\/null)\b/.test(path))
        return false;
  const folder = options.values('w', 'workdir').at(-1);
  const at = folder === undefined ? undefined : inside(folder);
  const cwd = at !== undefined && known.some((from) => at.startsWith(from)) ? at : here;
  sink.invoke(mapped, inFolders({ ...call, stdin: undefined }, [cwd]), call.name);
  return true;
}

function container(call: Call, sink: Sink): Output | undefined {
  const { args } = call;
  // Where images come from, if it is not the usual place.
  if (/^(run|pull|push|login|create)$/.test(args[0] ?? ''))
    for (const word of args.slice(1)) {
      const host = /^([\w-]+(?:\.[\w-]+)+)(?::\d+)?(?:\/|$)/.exec(word)?.[1];
      if (host !== undefined) sink.host(host, call.name);
    }
  const text = call.words.join(' ');
  const mounts: Mount[] = [];
  for (const [index, word] of args.entries()) {
    const mount = /^(?:-v|--volume|--mount|--bind)$/.test(word)
      ? args[index + 1]
      : /^(?:-v|--volume=|--mount=)(.+)/.exec(word)?.[1];
    if (mount === undefined) continue;
    const from = /(?:source|src)=([^,]*)/.exec(mount)?.[1] ?? mount.split(':')[0]!;
    if (/^[.~/]/.test(from) || isUnknown(from)) sink.use(call, from, `${call.name} mount`);
    mounts.push({
      from,
      to: /(?:target|dst|destination)=([^,]*)/.exec(mount)?.[1] ?? mount.split(':')[1] ?? '',
    });
  }
  if (args[0] === 'run' && mounts.length > 0 && !runInside(call, mounts, sink))
    sink.opaque('hidden', 'container', text);
  if (args.includes('--privileged')) sink.opaque('hidden', 'container', text);
  if (args[0] === 'cp') {
    const [from, to] = new Options(args.slice(1)).operands;
    if (from !== undefined && !from.includes(':'))
      sink.read(call, from, 'docker cp', { deep: true });
    if (to !== undefined && !to.includes(':')) sink.write(call, to, 'docker cp', { deep: true });
  }
  if (/^(compose|build|run|start|up)$/.test(args[0] ?? '')) sink.opaque('file', 'task', text);
  return undefined;
}

export const containers: ReadonlyMap<string, Effect> = new Map(
  ['docker', 'podman', 'nerdctl'].map((name): [string, Effect] => [name, container]),
);
