import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

export type GoogleEmulator = 'pubsub' | 'firestore';

/** How to run an emulator: Java and its arguments, before the host and the port. */
export interface EmulatorCommand {
  readonly java: string;
  readonly args: readonly string[];
}

export interface SdkEnvironment {
  readonly CLOUDSDK_ROOT?: string | undefined;
  readonly JAVA_HOME?: string | undefined;
  readonly PATH?: string | undefined;
  readonly HOME?: string | undefined;
}

interface Component {
  readonly title: string;
  /** The component's name in `gcloud components install`, and the Debian package's. */
  readonly component: string;
  readonly packageName: string;
  readonly folder: string;
  readonly jar: RegExp;
  readonly main: (jar: string) => readonly string[];
}

/** They start in two thirds of the time and use half the cores without the optimizing compiler. */
const JVM = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Duser.language=en'];

/** Where packages put the Google Cloud CLI. */
const USUAL_FOLDERS = ['/usr/lib/google-cloud-sdk', '/usr/share/google-cloud-sdk'];

const COMPONENTS: Readonly<Record<GoogleEmulator, Component>> = {
  pubsub: {
    title: 'Pub/Sub',
    component: 'pubsub-emulator',
    packageName: 'google-cloud-cli-pubsub-emulator',
    folder: 'pubsub-emulator/lib',
    jar: /^cloud-pubsub-emulator-.*\.jar$/,
    main: (jar) => ['-jar', jar],
  },
  firestore: {
    title: 'Firestore',
    component: 'cloud-firestore-emulator',
    packageName: 'google-cloud-cli-firestore-emulator',
    folder: 'cloud-firestore-emulator',
    jar: /^cloud-firestore-emulator.*\.jar$/,
    main: (jar) => ['-cp', jar, 'com.google.cloud.datastore.emulator.firestore.CloudFirestore'],
  },
};

/**
 * Finds Google's emulator on this machine; nothing is started.
 * @throws Error saying what is missing, where it was looked for, and how to install it.
 */
export function findEmulator(
  emulator: GoogleEmulator,
  env: SdkEnvironment = process.env,
  usual: readonly string[] = USUAL_FOLDERS,
): EmulatorCommand {
  const { title, component, packageName, folder, jar, main } = COMPONENTS[emulator];
  const roots = sdkRoots(env, usual);
  for (const root of roots) {
    const at = path.join(root, 'platform', folder);
    const file = existsSync(at) ? readdirSync(at).find((name) => jar.test(name)) : undefined;
    if (file !== undefined) return { java: findJava(title, env), args: [...JVM, ...main(path.join(at, file))] };
  }
  const where = roots.length === 0 ? 'there is no Google Cloud CLI' : `it is not in ${roots.join(', ')}`;
  throw new Error(
    `the ${title} emulator is missing: ${where}. Install it with 'gcloud components install ${component}' or 'apt-get install ${packageName}'`,
  );
}

/** Why the emulator cannot run here; undefined where it can. */
export function missingEmulator(
  emulator: GoogleEmulator,
  env?: SdkEnvironment,
  usual?: readonly string[],
): string | undefined {
  try {
    findEmulator(emulator, env, usual);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Folders that may be the Google Cloud CLI's, the one in PATH first. */
function sdkRoots(env: SdkEnvironment, usual: readonly string[]): readonly string[] {
  const inPath = findInPath('gcloud', env);
  const candidates = [
    // A package's /usr/bin/gcloud is a link into the folder, or into a folder beside it.
    ...(inPath === undefined ? [] : [path.resolve(realpathSync(inPath), '../..')]),
    env.CLOUDSDK_ROOT,
    ...usual,
    path.join(env.HOME ?? homedir(), 'google-cloud-sdk'),
  ];
  return [...new Set(candidates)].filter(
    (root): root is string => root !== undefined && existsSync(path.join(root, 'platform')),
  );
}

function findJava(title: string, env: SdkEnvironment): string {
  const java = env.JAVA_HOME === undefined ? findInPath('java', env) : path.join(env.JAVA_HOME, 'bin', 'java');
  if (java === undefined || !existsSync(java)) {
    throw new Error(
      `the ${title} emulator needs Java 11 or newer, and there is ${java === undefined ? 'none in PATH' : `no ${java}`}`,
    );
  }
  return java;
}

function findInPath(program: string, env: SdkEnvironment): string | undefined {
  const folders = (env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => path.join(folder, program)).find((file) => existsSync(file));
}
