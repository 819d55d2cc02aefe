/** package-lock.json, version 3: https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json */
export interface Lockfile {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** @throws Error where the lockfile does not have the package at its top. */
export function lockedVersion(lock: Lockfile, name: string): string {
  const version = lock.packages[`node_modules/${name}`]?.version;
  if (version === undefined) throw new Error(`${name} is not in package-lock.json`);
  return version;
}

/**
 * The part of a lockfile that these packages need, each at its place in the tree: it resolves to the very versions that were tested here.
 * @param root the package.json that the part is for.
 */
export function partOf(
  lock: Lockfile,
  root: { readonly name: string; readonly dependencies: Readonly<Record<string, string>> },
): object {
  const needed = new Map<string, LockedPackage>();
  const visit = (from: string, names: readonly string[]): void => {
    for (const name of names) {
      const place = resolve(lock, from, name);
      const found = place === undefined ? undefined : lock.packages[place];
      if (place === undefined || found === undefined || needed.has(place)) continue;
      needed.set(place, found);
      visit(place, Object.keys({ ...found.dependencies, ...found.optionalDependencies, ...found.peerDependencies }));
    }
  };
  visit('', Object.keys(root.dependencies));
  const packages = Object.fromEntries(
    [...needed].sort(([a], [b]) => (a < b ? -1 : 1)).map(([place, found]) => [place, shipped(found)]),
  );
  return {
    name: root.name,
    version: '0.1.0',
    lockfileVersion: lock.lockfileVersion,
    requires: true,
    packages: { '': root, ...packages },
  };
}

/** What only our own development needs may be needed by the archive itself: nothing in it is marked as for development. */
function shipped(found: LockedPackage): object {
  return Object.fromEntries(Object.entries(found).filter(([field]) => field !== 'dev' && field !== 'devOptional'));
}

/** Where Node finds `name` from a package's place: in its own node_modules, else in those above. */
function resolve(lock: Lockfile, from: string, name: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const place = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (place in lock.packages) return place;
    if (at === '') return undefined;
    if (!at.includes('/node_modules/')) at = '';
  }
}
