/** What the benchmarks share: numbers that are the same in every run, commands that are timed, and how their figures are told. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const CLI = fileURLToPath(new URL('../cli/fanfold.js', import.meta.url));

/** A file of the folder that the benchmarks write to, and keep their inputs in. */
export function dataPath(name: string): string {
  return fileURLToPath(new URL(`./data/${name}`, import.meta.url));
}

/** From -1 to 1, of six decimals: https://en.wikipedia.org/wiki/Linear_congruential_generator */
export function* numbers(): Generator<number, never> {
  let state = 42;
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield Number((state / 2 ** 31 - 1).toFixed(6));
  }
}

export interface Measured {
  readonly seconds: number;
  /** Of the processor, in all threads together: it hardly depends on what else the machine does. 0 where it is not told. */
  readonly cpuSeconds: number;
  /** The most memory that was resident, MB: the kernel's own high-water mark, of the whole process with its threads. 0 where it is not told. */
  readonly peakMB: number;
}

/** Runs a command of Node's to its end. @throws Error with what it said, where it ends with anything but 0. */
export async function measure(args: readonly string[], interval = 20): Promise<Measured> {
  const started = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  let [peakMB, cpuSeconds] = [0, 0];
  const look = setInterval(() => {
    peakMB = Math.max(peakMB, highWater(child.pid));
    cpuSeconds = Math.max(cpuSeconds, processorTime(child.pid));
  }, interval);
  const [code] = (await once(child, 'exit')) as [number];
  clearInterval(look);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${errors}`);
  return { seconds: (performance.now() - started) / 1000, cpuSeconds, peakMB };
}

/** Ticks of a hundredth of a second in user and in system mode: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function processorTime(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

function highWater(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // not Linux, or just ended
  }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Processor seconds of the middle run, and the most memory of any, in columns. */
export function costs(measured: readonly Measured[]): { readonly cpu: string; readonly peak: string } {
  const cpu = median(measured.map(({ cpuSeconds }) => cpuSeconds));
  const peak = Math.max(...measured.map(({ peakMB }) => peakMB));
  return { cpu: cpu.toFixed(2).padStart(6), peak: peak.toFixed(0).padStart(4) };
}
