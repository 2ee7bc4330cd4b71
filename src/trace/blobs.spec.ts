import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BlobStore, MAX_BLOB_BYTES } from './blobs.ts';
import { gitBlobId } from './gitBlobId.ts';

let home: string;
let env: Record<string, string>;
const blobs = () => join(home, 'state', 'blobs');

beforeEach(() => {
  home = fs.mkdtempSync(join(tmpdir(), 'blobs-'));
  env = { AGENT_STRACE_HOME: join(home, 'state') };
});
afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

it("gives git's ids, whatever the length", () => {
  for (const length of [
    0, 1, 50, 53, 54, 55, 56, 57, 63, 64, 65, 110, 119, 120, 128, 1000, 70_001,
  ]) {
    const bytes = Buffer.alloc(length, 'añ\n\0');
    const hash = createHash('sha1').update(`blob ${length}\0`).update(bytes).digest('hex');
    expect(gitBlobId(bytes), `${length} bytes`).toBe(hash);
  }
});

describe('the blob store', () => {
  it('keeps contents, private to the user', () => {
    const store = new BlobStore(env);
    const id = store.put(Buffer.from('hello\r\n\0'))!;
    expect(store.get(id)).toEqual(Buffer.from('hello\r\n\0'));
    expect(fs.statSync(blobs()).mode & 0o777).toBe(0o700);
    expect(fs.statSync(join(blobs(), id)).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(blobs())).toEqual([id]);
  });

  it('gives nothing that is not what its id says', () => {
    const store = new BlobStore(env);
    const id = store.put(Buffer.from('hello'))!;
    fs.writeFileSync(join(blobs(), id), 'hellO');
    expect(store.get(id)).toBeUndefined();
    expect(store.get('../sessions/x')).toBeUndefined();
    expect(store.get('f'.repeat(40))).toBeUndefined();
  });

  it('follows no links', () => {
    const store = new BlobStore(env);
    const id = gitBlobId(Buffer.from('elsewhere'));
    store.put(Buffer.from('first'));
    fs.writeFileSync(join(home, 'target'), 'elsewhere');
    fs.symlinkSync(join(home, 'target'), join(blobs(), id));
    expect(store.get(id)).toBeUndefined();
    expect(store.put(Buffer.from('elsewhere'))).toBe(id);
    expect(fs.lstatSync(join(blobs(), id)).isFile()).toBe(true);

    fs.rmSync(blobs(), { recursive: true });
    fs.mkdirSync(join(home, 'other'));
    fs.symlinkSync(join(home, 'other'), blobs());
    expect(store.put(Buffer.from('x'))).toBeUndefined();
    expect(fs.readdirSync(join(home, 'other'))).toEqual([]);
  });

  it('keeps nothing that is too long', () => {
    expect(new BlobStore(env).put(Buffer.alloc(MAX_BLOB_BYTES + 1))).toBeUndefined();
    expect(fs.existsSync(blobs())).toBe(false);
  });

  it('forgets what nobody asked for longest', () => {
    const store = new BlobStore(env, 2500);
    const [a, b, c] = ['a', 'b', 'c'].map((letter) => store.put(Buffer.alloc(1000, letter))!);
    for (const [id, age] of [
      [a!, 300],
      [b!, 200],
      [c!, 100],
    ] as const) {
      const time = Date.now() / 1000 - age;
      fs.utimesSync(join(blobs(), id), time, time);
    }
    fs.writeFileSync(join(blobs(), '.tmp-old'), '');
    fs.utimesSync(join(blobs(), '.tmp-old'), 1, 1);
    fs.writeFileSync(join(blobs(), 'note'), 'not ours');
    store.get(a!);
    store.prune();
    expect(new Set(fs.readdirSync(blobs()))).toEqual(new Set([a, c, 'note']));
  });
});
