import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { FANFOLD, ROOT, run } from '../cli/workspace.ts';
import { DevServer } from './dev-server.ts';
import { exitCodeOf, outputOf, readmeCommands } from './readme-commands.ts';
import type { ReadmeCommand } from './readme-commands.ts';
import { isClose, parseLines } from './result-lines.ts';

const TOLERANCE = { absolute: 1e-7, relative: 1e-5 };
/** TensorFlow's JPEG decoder rounds otherwise than others. */
const JPEG_TOLERANCE = { absolute: 0.02, relative: 0 };
/** What differs from run to run and from one model runtime to another. */
const VARYING = / in [\d.,]+ s, [\d,]+ rows\/s$|,? on [a-z]+.*$/;
/** `npx fanfold` without npx' half second, and with the Node that runs the test. */
const NPX = `npx() { shift; '${process.execPath}' '${FANFOLD}' "$@"; }`;

interface Example {
  readonly name: string;
  readonly tolerance: typeof TOLERANCE;
}

const folder = mkdtempSync(join(tmpdir(), 'fanfold-examples-'));
const servers: DevServer[] = [];
cpSync(join(ROOT, 'examples'), join(folder, 'examples'), {
  recursive: true,
  filter: (path) => basename(path) !== 'work',
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

describe('the README of', () => {
  const examples: Example[] = [
    { name: 'times-five', tolerance: TOLERANCE },
    { name: 'ratings', tolerance: TOLERANCE },
    { name: 'digits', tolerance: TOLERANCE },
    { name: 'images', tolerance: JPEG_TOLERANCE },
  ];
  it.concurrent.each(examples)('examples/$name shows what its commands do, and TensorFlow agrees', async (example) => {
    const commands = readmeCommands(readFileSync(join(ROOT, 'examples', example.name, 'README.md'), 'utf8'));
    let server: DevServer | undefined;
    for (const command of commands) {
      if (/\bfanfold dev\b/.test(command.text)) {
        server = await DevServer.start(command.text, folder);
        servers.push(server);
      } else {
        await tryCommand(example, command, server?.url);
      }
    }
    const outputs = commands.map(outputOf).filter((output) => output !== undefined);
    const expected = readdirSync(join(ROOT, 'examples', example.name, 'expected'));
    expect(outputs.map((output) => basename(output)).toSorted()).toEqual(expected.toSorted());
  });
});

/** Runs a command, and compares its results with the expected file and with what the README shows. */
async function tryCommand(
  { name, tolerance }: Example,
  command: ReadmeCommand,
  url: string | undefined,
): Promise<void> {
  const text = url === undefined ? command.text : command.text.replaceAll(DevServer.README_URL, url);
  const { code, stdout, stderr } = await run('sh', ['-ec', `${NPX}\n${text}`], folder);
  expect(code, `${command.text}\n${stderr}`).toBe(exitCodeOf(command));

  const told = linesOf(stdout + stderr);
  const output = outputOf(command);
  const found = parseLines(output === undefined ? told.filter(isJson) : linesOf(read(folder, output)));
  if (output !== undefined) {
    const expected = parseLines(linesOf(read(ROOT, 'examples', name, 'expected', basename(output))));
    expect(found.length, output).toBe(expected.length);
    const different = found.flatMap((line, row) =>
      isClose(line, expected[row], tolerance) ? [] : [{ row, found: line, expected: expected[row] }],
    );
    expect(different, command.text).toEqual([]);
  }

  expect(command.shown.length, command.text).toBeGreaterThan(0);
  const shown = parseLines(command.shown.filter(isJson));
  if (output === undefined) expect(found.length, command.text).toBe(shown.length);
  const missing = shown.filter((line) => !found.some((result) => isClose(result, line, tolerance)));
  expect(missing, command.text).toEqual([]);
  const steady = (line: string): string => line.replace(VARYING, '');
  const prose = command.shown.filter((line) => line !== '' && !isJson(line));
  expect(told.map(steady)).toEqual(expect.arrayContaining(prose.map(steady)));
}

function read(...path: readonly string[]): string {
  return readFileSync(join(...path), 'utf8');
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function isJson(line: string): boolean {
  return line.startsWith('{') || line.startsWith('[');
}
