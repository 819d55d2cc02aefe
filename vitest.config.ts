import { defineConfig } from 'vitest/config';

/** Fast suites first: what is wrong shows early. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          include: ['test/{shared,functions,functions-http,infra,cli}/**/*.test.ts'],
          exclude: ['test/infra/gcp/**'],
        },
      },
      { test: { name: 'contract', sequence: { groupOrder: 0 }, include: ['test/contract/**/*.test.ts'] } },
      {
        test: {
          name: 'simulation',
          sequence: { groupOrder: 1 },
          include: ['test/{simulation,scale}/**/*.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'terraform',
          sequence: { groupOrder: 1 },
          include: ['test/terraform/**/*.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          sequence: { groupOrder: 2 },
          include: ['test/{attack,e2e}/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'emulators',
          sequence: { groupOrder: 2 },
          include: ['test/{contract-gcp,emulators,infra/gcp}/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
