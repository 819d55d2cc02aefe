import js from '@eslint/js';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Where each layer may not reach: `shared/` is what is true, `functions/` what is deployed, `infra/` what it runs on. */
const layers = [
  { target: './shared', from: ['./functions', './infra', './cli', './test'] },
  { target: './functions', from: ['./infra', './cli', './test'], except: [] },
  { target: './infra', from: ['./cli', './test'] },
  { target: './cli', from: ['./test'] },
];

const googleClients = {
  group: ['@google-cloud/*'],
  message: 'Google clients live in infra/gcp and functions/index.ts.',
};
const runtimes = {
  group: ['onnxruntime-*', '@tensorflow/*'],
  message: 'A model runtime is imported only by its own file under shared/models.',
};

export default defineConfig(
  globalIgnores(['node_modules', 'dist', 'coverage', 'examples/*/work', 'bench/data', '**/*.d.ts']),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { 'import-x': importX },
    settings: {
      'import-x/extensions': ['.ts', '.js'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js'] })],
    },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', { zones: layers }],
      'no-restricted-imports': ['error', { patterns: [googleClients, runtimes] }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['shared/models/**/*.ts', 'test/shared/models/**/*.ts', 'examples/**/*.ts', 'bench/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [googleClients] }] },
  },
  {
    files: ['infra/gcp/**/*.ts', 'functions/index.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [runtimes] }] },
  },
  {
    files: ['shared/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Configuration is parsed once, at the composition root.' },
      ],
      'no-restricted-globals': ['error', 'console'],
    },
  },
  { files: ['**/*.js'], languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } } },
);
