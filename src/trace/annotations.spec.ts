import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seed, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { MAX_NOTE } from '../model/notes.ts';
import {
  ANNOTATIONS_FILE,
  AnnotationError,
  addAnnotation,
  annotationsStamp,
  changeAnnotation,
  readAnnotations,
  removeAnnotation,
} from './annotations.ts';

const NEW = {
  eventId: 'aaaaaaaaaaaa',
  offsetSeconds: 12.5,
  label: 'fix',
  note: 'here',
  author: 'me',
};

function folder(text?: string): { directory: string; file: string; lines(): string[] } {
  const directory = join(temporaryFolder(), 's1');
  mkdirSync(directory, { mode: 0o700 });
  const file = join(directory, ANNOTATIONS_FILE);
  if (text !== undefined) writeFileSync(file, text);
  return {
    directory,
    file,
    lines: () => readFileSync(file, 'utf8').split('\n').filter(Boolean),
  };
}

describe('annotations', () => {
  it('reads what the Python tool wrote', () => {
    expect(readAnnotations(join(seed('v080'), 'hooksbugfix00001'))).toEqual([
      {
        id: '5d70bf4b8c24',
        eventId: '8e81973e0bec',
        offsetSeconds: 12,
        label: 'root-cause',
        note: 'first failure',
        author: 'dev',
        createdAtMs: 1_795_394_389.8299987 * 1000,
      },
    ]);
  });

  it('writes lines that the Python tool reads: its keys, in its order, in ASCII', () => {
    const { directory, lines } = folder();
    const added = addAnnotation(
      directory,
      's1',
      { ...NEW, note: 'größer 世界\u2028\ud800' },
      1_700_000_000_500,
    );
    const [line = ''] = lines();
    expect(line).toMatch(/^[ -~]*$/);
    expect(Object.keys(JSON.parse(line))).toEqual([
      'annotation_id',
      'session_id',
      'event_id',
      'offset_seconds',
      'label',
      'note',
      'author',
      'created_at',
    ]);
    expect(JSON.parse(line)).toMatchObject({ created_at: 1_700_000_000.5, session_id: 's1' });
    expect(added.id).toMatch(/^[0-9a-f]{12}$/);
    expect(added.note).toBe('größer 世界\u2028\ufffd');
    expect(readAnnotations(directory)).toEqual([added]);
  });

  it('changes and removes by one line more; what others wrote beside stays', () => {
    const { directory, file, lines } = folder();
    const first = addAnnotation(directory, 's1', NEW, 1000);
    const second = addAnnotation(directory, 's1', { ...NEW, note: 'two' }, 2000);
    const foreign = { ...JSON.parse(lines()[1]!), colour: 'red', nested: { a: 1 } };
    writeFileSync(file, `${lines()[0]}\n${JSON.stringify(foreign)}\n`);
    expect(changeAnnotation(directory, second.id, { note: 'three' })).toEqual({
      ...second,
      note: 'three',
    });
    expect(JSON.parse(lines()[2]!)).toMatchObject({
      note: 'three',
      colour: 'red',
      nested: { a: 1 },
    });
    expect(readAnnotations(directory)).toEqual([first, { ...second, note: 'three' }]);
    expect(removeAnnotation(directory, first.id)).toBe(true);
    expect(readAnnotations(directory).map(({ id }) => id)).toEqual([second.id]);
    expect(lines()).toHaveLength(4);
    expect(removeAnnotation(directory, first.id)).toBe(false);
    expect(changeAnnotation(directory, 'ffffffffffff', { note: 'x' })).toBeUndefined();
    expect(lines()).toHaveLength(4);
  });

  it('loses nothing of another writer who was torn, and stays apart from it', () => {
    const { directory, file } = folder();
    const first = addAnnotation(directory, 's1', NEW, 1000);
    appendFileSync(file, '{"annotation_id":"bbbbbbbbbbbb","note":"to');
    const second = addAnnotation(directory, 's1', NEW, 2000);
    expect(readAnnotations(directory)).toEqual([first, second]);
  });

  it('bears any file', () => {
    const long = JSON.stringify({
      annotation_id: 'cccccccccccc',
      note: 'x'.repeat(20_000),
      label: 'a\nb',
    });
    const { directory } = folder(
      [
        'not json',
        '[]',
        'null',
        '{"annotation_id":5,"note":"n"}',
        '{"annotation_id":"../../x","note":"n"}',
        '{"annotation_id":"dddddddddddd"}',
        '{"annotation_id":"eeeeeeeeeeee","note":7,"label":"odd one","created_at":"soon","offset_seconds":1e999,"__proto__":{"x":1}}',
        long,
        `{"annotation_id":"ffffffffffff","note":"${'y'.repeat(200_000)}"}`,
        '['.repeat(100_000),
      ].join('\n'),
    );
    const all = readAnnotations(directory);
    expect(all.map(({ id }) => id)).toEqual(['eeeeeeeeeeee', 'cccccccccccc']);
    expect(all[0]).toMatchObject({ note: '', label: 'odd one', createdAtMs: 0, offsetSeconds: 0 });
    expect(all[1]!.note).toHaveLength(MAX_NOTE);
    expect(all[1]!.label).toBe('a b');
    expect(changeAnnotation(directory, 'eeeeeeeeeeee', { note: 'ok' })).toBeDefined();
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it('follows no link and writes into no file of two names', () => {
    const { directory, file } = folder();
    const target = join(temporaryFolder(), 'victim');
    writeFileSync(target, 'keep\n');
    symlinkSync(target, file);
    expect(() => addAnnotation(directory, 's1', NEW)).toThrow(AnnotationError);
    expect(readAnnotations(directory)).toEqual([]);
    const other = folder();
    linkSync(target, other.file);
    expect(() => addAnnotation(other.directory, 's1', NEW)).toThrow(AnnotationError);
    expect(readFileSync(target, 'utf8')).toBe('keep\n');
    const linked = join(temporaryFolder(), 'link');
    symlinkSync(other.directory, linked);
    expect(() => addAnnotation(linked, 's1', NEW)).toThrow(/symbolic link/);
    expect(() => addAnnotation(join(directory, 'none'), 's1', NEW)).toThrow(/not there/);
  });

  it('refuses what is empty or too long, and says so', () => {
    const { directory, file } = folder();
    const add = (change: Partial<typeof NEW>) => () =>
      addAnnotation(directory, 's1', { ...NEW, ...change });
    expect(add({ note: ' ', label: '' })).toThrow(/needs a note or a label/);
    expect(add({ note: 'x'.repeat(MAX_NOTE + 1) })).toThrow(/at most 10000/);
    expect(add({ label: 'x'.repeat(41) })).toThrow(/label/);
    expect(existsSync(file)).toBe(false);
  });

  it('has a stamp that changes with the file', () => {
    const { directory } = folder();
    expect(annotationsStamp(directory)).toBe('');
    const one = addAnnotation(directory, 's1', NEW);
    const before = annotationsStamp(directory);
    removeAnnotation(directory, one.id);
    expect(annotationsStamp(directory)).not.toBe(before);
  });

  it('has a stamp where a link leads in a circle, or the folder is gone', () => {
    const { directory, file } = folder();
    symlinkSync(ANNOTATIONS_FILE, file);
    expect(annotationsStamp(directory)).not.toBe('');
    expect(readAnnotations(directory)).toEqual([]);
    expect(annotationsStamp(join(file, 'x'))).toBe('');
  });
});
