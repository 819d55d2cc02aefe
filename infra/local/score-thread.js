// A worker thread's first file. Node caches compiled code per thread, and only where it is asked to before the first import.
import module from 'node:module';

module.enableCompileCache(new URL('../../node_modules/.cache/fanfold', import.meta.url).pathname);
const { answer } = await import('./score-worker.ts');

export default answer;
