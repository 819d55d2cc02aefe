import { parseArgs } from 'node:util';
import { startStorageEmulator } from './storage-emulator.ts';

const HELP = `A Cloud Storage server for this machine: the JSON API as the Node client uses it.

Usage: node infra/emulators/storage/main.ts [options]

  --port PORT            port on 127.0.0.1; 0, the default, takes a free one
  --folder DIR           keep buckets and objects here; without it they are in memory
  --bucket NAME          make this bucket if it is not there (may be repeated)
  --notify BUCKET=URL    send the bucket's finalize events to URL (may be repeated)
  --notify-duplicates N  send every event N more times
  --help                 show this

Example:
  node infra/emulators/storage/main.ts --port 9199 --folder ./work/storage --bucket inputs \\
    --notify inputs=http://127.0.0.1:8081
  curl -X POST -d '{"action":{"kind":"status","status":503},"operation":"objects.insert","times":2}' \\
    http://127.0.0.1:9199/_emulator/faults

It prints its URL, and ends on SIGTERM or SIGINT. In Node: new Storage({ apiEndpoint: URL, projectId: 'local' }).
`;

/** Exit code of wrong usage. */
const USAGE = 2;

function readArguments() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      folder: { type: 'string' },
      bucket: { type: 'string', multiple: true, default: [] },
      notify: { type: 'string', multiple: true, default: [] },
      'notify-duplicates': { type: 'string', default: '0' },
      help: { type: 'boolean', default: false },
    },
  });
  const notify: Record<string, string[]> = {};
  for (const each of values.notify) {
    const [, bucket = '', url = ''] = /^([^=]+)=(https?:\/\/.+)$/.exec(each) ?? [];
    if (bucket === '') throw new Error(`--notify takes BUCKET=URL, not '${each}'`);
    (notify[bucket] ??= []).push(url);
  }
  return {
    ...values,
    notify,
    port: count('--port', values.port),
    duplicates: count('--notify-duplicates', values['notify-duplicates']),
  };
}

function count(option: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${option} takes a number, not '${text}'`);
  return Number(text);
}

async function main(): Promise<void> {
  const { help, port, folder, bucket: buckets, notify, duplicates } = readArguments();
  if (help) {
    process.stdout.write(HELP);
    return;
  }
  const emulator = await startStorageEmulator({
    port,
    buckets,
    notify,
    notifyDuplicates: duplicates,
    ...(folder === undefined ? {} : { folder }),
  });
  process.stdout.write(`${emulator.url}\n`);
  const stop = () => {
    void emulator.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\nTry --help.\n`);
  process.exitCode = USAGE;
}
