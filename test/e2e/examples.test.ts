import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { FANFOLD, ROOT, run } from '../cli/workspace.ts';
import { exitCodeOf, outputOf, readmeCommands } from './readme-commands.ts';
import type { ReadmeCommand } from './readme-commands.ts';
import { isClose, parseLines } from './result-lines.ts';

/** Relative. TensorFlow's JPEG decoder rounds otherwise: that moves scores by up to 0.02, which here is an absolute difference. */
const TOLERANCE = 1e-5;
const JPEG_TOLERANCE = { absolute: 0.02 };

interface Server {
  readonly url: string;
  readonly process: ChildProcess;
}
