/**
 * Files that a piece of Python or JavaScript names as they are: taken down, and taken out of the code, so that what is left can be
 * plain. Everything that is not surely one of these is left in.
 */

export interface CodeFiles {
  /** The code with a name in the place of each. */
  rest: string;
  reads: string[];
  writes: string[];
  /** Addresses that it talks to. */
  urls: string[];
  /** Files with code that it runs. */
  runs: string[];
}

const nothingOf = (code: string): CodeFiles => ({
  rest: code,
  reads: [],
  writes: [],
  urls: [],
  runs: [],
});

/** Of a path: nothing that could be code between two strings. */
const PATH = `(['"])([\\w./~@ -]{1,500})\\1`;
/** An address as it is. */
const URL_TEXT = `(['"])(https?://[\\w.:/?&=%@~+-]{1,500})\\1(?=\\s*[,)])`;
/** What stands for what was taken out. */
const DONE = 'X';
/** Variables with a path. */
const MAX_NAMES = 20;

const WRITES = /[wax+]/;

/** `open('a.txt')`, `Path('a.txt').write_text(…)`, and the same by a variable that is set once. */
export function pythonFiles(code: string): CodeFiles {
  const found = nothingOf(code);
  const add = (path: string, mode: string | undefined): string => {
    (WRITES.test(mode ?? 'r') ? found.writes : found.reads).push(path);
    return DONE;
  };
  const options = `(?:\\s*,\\s*(?:mode\\s*=\\s*)?(['"])([rwaxbt+]{1,3})\\3)?(?:\\s*,\\s*(?:encoding|newline|errors)\\s*=\\s*(?:None|(['"])[\\w-]*\\5))*\\s*\\)`;
  found.rest = found.rest
    .replace(
      new RegExp(`\\b(?:io\\.)?open\\(\\s*${PATH}${options}`, 'g'),
      (_, _quote, path: string, _mark, mode?: string) => add(path, mode),
    )
    // Its words are those that the program is given: they are looked at by themselves.
    .replace(/\bopen\(\s*sys\.argv\[\d\](?:\s*,\s*(['"])rb?\1)?\s*\)/g, DONE)
    .replace(
      new RegExp(
        `\\b(?:pathlib\\.)?Path\\(\\s*${PATH}\\s*\\)\\s*\\.\\s*(read_text|read_bytes|write_text|write_bytes|exists|is_file|is_dir|touch)\\b`,
        'g',
      ),
      (_, _quote, path: string, does: string) => add(path, /^(write|touch)/.test(does) ? 'w' : 'r'),
    );
  for (const { name, path, all } of variables(found.rest)) {
    const uses = new RegExp(
      `\\bopen\\(\\s*(?:str\\()?${name}\\)?${options.replaceAll('\\3', '\\1').replaceAll('\\5', '\\3')}`,
      'g',
    );
    const methods = new RegExp(
      `\\b${name}\\s*\\.\\s*(read_text|read_bytes|write_text|write_bytes|exists|is_file|touch)\\b`,
      'g',
    );
    const modes: (string | undefined)[] = [];
    const rest = found.rest
      .replace(all, '')
      .replace(uses, (_, _mark, mode?: string) => {
        modes.push(mode);
        return DONE;
      })
      .replace(methods, (_, does: string) => {
        modes.push(/^(write|touch)/.test(does) ? 'w' : 'r');
        return DONE;
      });
    // Anything else that is done with it may make it another path.
    const others = rest.replace(new RegExp(`\\bprint\\(\\s*${name}\\b|\\{${name}\\}`, 'g'), '');
    if (modes.length === 0 || new RegExp(`\\b${name}\\b`).test(others)) continue;
    for (const mode of modes) add(path, mode);
    found.rest = rest;
  }
  found.rest = found.rest
    .replace(
      /\bos\s*\.\s*(?:path\s*\.\s*(?:join|exists|basename|dirname|isfile|isdir|splitext|getsize|abspath|relpath|normpath|expanduser)|getcwd|environ\s*\.\s*get|listdir|sep|linesep|cpu_count|name)\b/g,
      DONE,
    )
    .replace(/\bos\s*\.\s*environ\s*\[/g, `${DONE}[`);
  found.rest = found.rest.replace(
    new RegExp(
      `\\b(?:urllib\\.request\\.urlopen|requests\\.(?:get|post|put|patch|delete|head))\\(\\s*${URL_TEXT}`,
      'g',
    ),
    (_, _quote, url: string) => {
      found.urls.push(url);
      return `${DONE}(1`;
    },
  );
  if (
    !/\b(urllib|requests)\b/.test(
      found.rest.replace(/^([ \t]*)import (urllib\.request|requests)\b/gm, ''),
    )
  )
    found.rest = found.rest.replace(
      /(?<=^|;)([ \t]*)import (urllib\.request|requests)\b/gm,
      '$1pass',
    );
  if (!/\bos\b/.test(withoutImport(found.rest, 'os'))) found.rest = withoutImport(found.rest, 'os');
  if (!/\b(pathlib|Path)\b/.test(withoutImport(found.rest, 'pathlib')))
    found.rest = withoutImport(found.rest, 'pathlib');
  return found;
}

/** Without the imports of a module that nothing is left of. */
function withoutImport(code: string, module: string): string {
  return code
    .replace(new RegExp(`^([ \\t]*)from ${module} import Path[ \\t]*(?=\\n|;|$)`, 'gm'), '$1pass')
    .replace(
      /^([ \t]*|.*;[ \t]*)import ([\w, ]{1,200}?)[ \t]{0,9}(?=\n|;|$)/gm,
      (all, before: string, list: string) => {
        const names = list.split(',').map((name) => name.trim());
        if (!names.includes(module)) return all;
        const left = names.filter((name) => name !== module);
        return left.length === 0 ? `${before}pass` : `${before}import ${left.join(', ')}`;
      },
    );
}

/** Names that are given a path once, at the beginning of a line or after a semicolon. */
function variables(code: string): { name: string; path: string; all: string }[] {
  const set = new RegExp(
    `(?<=^|;)[ \\t]*([A-Za-z_]\\w*)\\s*=\\s*(?:(?:pathlib\\.)?Path\\(\\s*)?${PATH.replace('\\1', '\\2')}\\s*\\)?[ \\t]*(?=\\n|;|$)`,
    'gm',
  );
  return [...code.matchAll(set)]
    .slice(0, MAX_NAMES)
    .map(([all, name = '', , path = '']) => ({ all, name, path }));
}

const NODE_READS =
  'readFileSync|existsSync|statSync|readdirSync|readFile|access|accessSync|stat|readdir';
const NODE_WRITES = 'writeFileSync|appendFileSync|mkdirSync|writeFile|appendFile|mkdir';

/** `fs.readFileSync('a.json')`, `require('fs').writeFileSync('b.json', …)`. */
export function nodeFiles(code: string): CodeFiles {
  const found = nothingOf(code);
  const module = `(['"])(?:node:)?fs(?:/promises)?\\1`;
  found.rest = found.rest
    .replace(
      new RegExp(`\\b(?:const|let|var)\\s+fs\\s*=\\s*require\\(\\s*${module}\\s*\\)`, 'g'),
      `var ${DONE}`,
    )
    .replace(
      new RegExp(`\\bimport\\s+(?:\\*\\s+as\\s+)?fs\\s+from\\s+${module}`, 'g'),
      `var ${DONE}`,
    )
    .replace(new RegExp(`\\brequire\\(\\s*${module}\\s*\\)\\s*\\.`, 'g'), 'fs.')
    .replace(
      new RegExp(
        `\\bfs\\s*\\.\\s*(?:promises\\s*\\.\\s*)?(${NODE_READS}|${NODE_WRITES})\\(\\s*${PATH.replace('\\1', '\\2')}(?=\\s*[,)])`,
        'g',
      ),
      (_, does: string, _quote, path: string) => {
        (new RegExp(`^(?:${NODE_WRITES})$`).test(does) ? found.writes : found.reads).push(path);
        return `${DONE}(1`;
      },
    )
    .replace(new RegExp(`\\bfetch\\(\\s*${URL_TEXT}`, 'g'), (_, _quote, url: string) => {
      found.urls.push(url);
      return `${DONE}(1`;
    })
    // Of the project's own: as good as running it.
    .replace(
      /\b(?:require|import)\(\s*(['"])(\.{1,2}\/(?!.*node_modules)[\w./@-]{1,300})\1\s*\)/g,
      (all, _quote, path: string) => {
        if (path.endsWith('.json')) return all;
        found.runs.push(path);
        return DONE;
      },
    )
    .replace(
      /\bfs\s*\.\s*readFileSync\(\s*(?:process\.argv\[\d\]|0|['"]\/dev\/stdin['"])(?=\s*[,)])/g,
      `${DONE}(1`,
    );
  return found;
}
